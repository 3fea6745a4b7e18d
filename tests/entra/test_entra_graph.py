"""graph.microsoft.com, in the shapes of golden/hsm_role.json and golden/hsm_mgmt.json."""

import json

import pytest

from azext_mhsmregion.emulator.entra import graph
from azext_mhsmregion.emulator.wire import Request

# The keys of a user as recorded (golden/hsm_role.json, "role assignment list").
RECORDED_USER = {
    "id",
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
}
UPN = "owner@mhsmregion.onmicrosoft.com"


@pytest.fixture
def ask(context, directory):
    def asked(path, method="GET", body=b"", audience="https://graph.microsoft.com", by=None, **query):
        token = context.tokens.issue(by or directory.app, audience)
        query = {f"${name}": value for name, value in query.items()}
        headers = {"authorization": f"Bearer {token}"}
        response = graph.handle(Request(method, graph.HOST, path, query, headers, body), context)
        return response.status, json.loads(response.body)

    return asked


def test_me_is_the_signed_in_user(ask, directory):
    status, body = ask("/v1.0/me", by=directory.owner)
    assert status == 200
    assert body["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#users/$entity"
    assert body["id"] == directory.owner.object_id
    assert set(body) == RECORDED_USER | {"@odata.context"}


def test_an_app_has_no_me(ask):
    status, body = ask("/v1.0/me")
    assert (status, body["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize("name", [UPN, UPN.upper()])
def test_a_user_is_found_by_sign_in_name(ask, directory, name):
    status, body = ask("/v1.0/users", filter=f"userPrincipalName eq '{name}'")
    assert (status, [row["id"] for row in body["value"]]) == (200, [directory.owner.object_id])
    assert set(body["value"][0]) == RECORDED_USER


def test_nobody_found_is_an_empty_list(ask):
    assert ask("/v1.0/users", filter="userPrincipalName eq 'o''hara@x'")[1]["value"] == []
    assert ask("/v1.0/servicePrincipals", filter="servicePrincipalNames/any(c:c eq 'x')") == (
        200,
        {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals", "value": []},
    )


@pytest.mark.parametrize("form", ["servicePrincipalNames/any(c:c eq '{}')", "appId eq '{}'"])
def test_a_service_principal_is_found_by_its_app(ask, directory, form):
    status, body = ask("/v1.0/servicePrincipals", filter=form.format(directory.app.app_id))
    assert status == 200
    assert [(row["id"], row["appId"]) for row in body["value"]] == [
        (directory.app.object_id, directory.app.app_id)
    ]


def test_lists_without_a_filter_hold_all(ask):
    assert [row["displayName"] for row in ask("/v1.0/users")[1]["value"]] == ["owner", "other"]
    assert [row["displayName"] for row in ask("/v1.0/servicePrincipals")[1]["value"]] == ["emulator-app"]


@pytest.mark.parametrize(
    "text",
    [
        "accountEnabled eq 'x'",
        "displayName ne 'x'",
        "displayName eq 'x' or displayName eq 'y'",
        "displayName eq 'x' and",
        "displayName eq 'x",
        "",
        "startswith(servicePrincipalNames,'x')",
    ],
)
def test_a_filter_that_is_not_known_says_so(ask, text):
    status, body = ask("/v1.0/users", filter=text)
    assert (status, body["error"]["code"]) == (400, "Request_UnsupportedQuery")


def test_one_object_by_id_or_sign_in_name(ask, directory):
    assert ask(f"/v1.0/users/{directory.owner.object_id}")[1]["displayName"] == "owner"
    assert ask(f"/v1.0/users/{UPN.replace('@', '%40')}")[1]["displayName"] == "owner"
    assert ask(f"/v1.0/servicePrincipals/{directory.app.object_id}")[1]["displayName"] == "emulator-app"


@pytest.mark.parametrize("path", ["/v1.0/users/{app}", "/v1.0/servicePrincipals/{owner}", "/v1.0/users/x"])
def test_an_object_of_another_kind_is_not_found(ask, directory, path):
    path = path.format(app=directory.app.object_id, owner=directory.owner.object_id)
    status, body = ask(path)
    assert (status, body["error"]["code"]) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("types", "names"),
    [
        (["user", "group", "servicePrincipal", "directoryObjectPartnerReference"], ["owner", "emulator-app"]),
        (["user"], ["owner"]),
        (["group"], []),
        (None, ["owner", "emulator-app"]),
    ],
)
def test_objects_by_ids(ask, directory, types, names):
    ids = [directory.owner.object_id, "00000000-0000-0000-0000-00000000dead", directory.app.object_id]
    body = json.dumps({"ids": ids, "types": types}).encode()
    status, answer = ask("/v1.0/directoryObjects/getByIds", "POST", body)
    assert status == 200
    assert answer["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#directoryObjects"
    assert [row["displayName"] for row in answer["value"]] == names
    if "owner" in names:
        assert set(answer["value"][0]) == RECORDED_USER | {"@odata.type"}
        assert answer["value"][0]["@odata.type"] == "#microsoft.graph.user"


@pytest.mark.parametrize("body", ["{", "[]", "", '{"ids": "x"}', '{"ids": [1]}', '{"ids": [], "types": 1}'])
def test_a_malformed_question_is_a_400(ask, body):
    body = body.encode()
    assert ask("/v1.0/directoryObjects/getByIds", "POST", body)[0] == 400


def test_the_rest_says_that_it_is_not_implemented(ask):
    status, body = ask("/v1.0/applications")
    assert (status, body["error"]["code"]) == (501, "NotImplemented")


def test_the_audience_may_end_in_a_slash(ask):
    assert ask("/v1.0/users", audience="https://graph.microsoft.com/")[0] == 200


def test_a_token_for_another_resource_is_a_401(ask):
    status, body = ask("/v1.0/users", audience="https://managedhsm.azure.net")
    assert (status, body["error"]["code"]) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Basic abc", "Bearer x.y.z"])
def test_without_a_token_everything_is_a_401(context, header):
    headers = {} if header is None else {"authorization": header}
    response = graph.handle(Request("GET", graph.HOST, "/nothing", {}, headers), context)
    assert response.status == 401
    assert response.header("www-authenticate").startswith("Bearer ")


def test_an_expired_token_says_so(context, directory, clock):
    headers = {
        "authorization": "Bearer " + context.tokens.issue(directory.app, "https://graph.microsoft.com")
    }
    clock.seconds += 4000
    response = graph.handle(Request("GET", graph.HOST, "/v1.0/users", {}, headers), context)
    assert "expired" in json.loads(response.body)["error"]["message"]


def test_a_caller_in_process_needs_no_token(context, directory):
    response = graph.handle(Request("GET", graph.HOST, "/v1.0/me"), context, directory.owner.object_id)
    assert response.status == 200
