"""Groups on graph.microsoft.com, asked as az asks (azure-cli 2.91.0, command_modules/role)."""

import dataclasses
import json

import pytest

from azext_mhsmregion.emulator.directory import Group
from azext_mhsmregion.emulator.entra import graph
from azext_mhsmregion.emulator.wire import Request

SIGNERS, STAFF, EMPTY = (f"e0000000-0000-0000-0000-00000000000{number}" for number in range(3))


@pytest.fixture
def grouped(context, directory):
    """Staff holds the user other and the group signers; signers hold owner and the application."""
    owner, app, other = directory.principals
    groups = (
        Group(SIGNERS, "Signers", (owner.object_id, app.object_id)),
        Group(STAFF, "Staff of O'Hara", (other.object_id, SIGNERS)),
        Group(EMPTY, "Empty"),
    )
    return dataclasses.replace(context, directory=directory._replace(groups=groups))


@pytest.fixture
def ask(grouped):
    def asked(method, path, body=None, by=None, **query):
        data = b"" if body is None else json.dumps(body).encode()
        request = Request(
            method, graph.HOST, f"/v1.0{path}", {f"${k}": v for k, v in query.items()}, {}, data
        )
        response = graph.handle(request, grouped, (by or grouped.directory.owner).object_id)
        return response.status, json.loads(response.body)

    return asked


def names(answer):
    status, body = answer
    assert status == 200, body
    return [row["displayName"] for row in body["value"]]


def test_a_group_is_shown_with_what_az_reads(ask):
    status, body = ask("GET", f"/groups/{SIGNERS.upper()}")
    assert status == 200
    assert body["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#groups/$entity"
    assert (body["id"], body["displayName"], body["mailNickname"]) == (SIGNERS, "Signers", "Signers")
    assert (body["securityEnabled"], body["mailEnabled"], body["groupTypes"]) == (True, False, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ["Signers", "Staff of O'Hara", "Empty"]),
        ("startswith(displayName,'s')", ["Signers", "Staff of O'Hara"]),
        ("displayName eq 'signers'", ["Signers"]),
        ("displayName eq 'Staff of O''Hara'", ["Staff of O'Hara"]),
        ("displayName eq 'Signers' and mailNickname eq 'Signers'", ["Signers"]),
        ("displayName eq 'Signers' and startswith(displayName,'Staff')", []),
        ("displayName eq 'Sign'", []),
    ],
)
def test_groups_are_listed_by_name(ask, text, found):
    query = {} if text is None else {"filter": text}
    assert names(ask("GET", "/groups", **query)) == found


def test_a_group_is_no_user_and_a_user_no_group(ask, directory):
    for path in (f"/users/{SIGNERS}", f"/servicePrincipals/{SIGNERS}", f"/groups/{directory.owner.object_id}",
                 "/groups/Signers", f"/groups/{directory.owner.object_id}/members"):  # fmt: skip
        assert ask("GET", path)[1]["error"]["code"] == "Request_ResourceNotFound"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (f"/groups/{SIGNERS}/members", ["owner", "emulator-app"]),
        (f"/groups/{STAFF}/members", ["other", "Signers"]),
        (f"/groups/{STAFF}/transitiveMembers", ["owner", "emulator-app", "other", "Signers"]),
        (f"/groups/{EMPTY}/members", []),
        (f"/groups/{SIGNERS}/owners", []),
        (f"/groups/{SIGNERS}/memberOf", ["Staff of O'Hara"]),
        ("/users/owner@mhsmregion.onmicrosoft.com/memberOf", ["Signers"]),
        ("/users/owner@mhsmregion.onmicrosoft.com/transitiveMemberOf", ["Signers", "Staff of O'Hara"]),
        ("/servicePrincipals/{app}/memberOf", ["Signers"]),
        ("/me/transitiveMemberOf", ["Signers", "Staff of O'Hara"]),
    ],
)
def test_who_belongs_to_what(ask, directory, path, found):
    assert names(ask("GET", path.format(app=directory.app.object_id))) == found


def test_members_say_what_they_are(ask):
    rows = ask("GET", f"/groups/{STAFF}/members")[1]["value"]
    assert [row["@odata.type"] for row in rows] == ["#microsoft.graph.user", "#microsoft.graph.group"]


def test_only_groups_have_members(ask, directory):
    status, body = ask("GET", f"/users/{directory.owner.object_id}/members")
    assert (status, body["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/users/owner@mhsmregion.onmicrosoft.com", [SIGNERS, STAFF]),
        ("/me", [SIGNERS, STAFF]),
        (f"/groups/{SIGNERS}", [STAFF]),
        (f"/directoryObjects/{SIGNERS}", [STAFF]),
        (f"/groups/{EMPTY}", []),
    ],
)
def test_member_groups_are_ids_nested_ones_too(ask, path, ids):
    status, body = ask("POST", f"{path}/getMemberGroups", {"securityEnabledOnly": False})
    assert (status, body["value"]) == (200, ids)
    status, body = ask("POST", f"{path}/checkMemberGroups", {"groupIds": [EMPTY, STAFF]})
    assert (status, body["value"]) == (200, [one for one in (STAFF,) if one in ids])


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("getMemberGroups", {}),
        ("getMemberGroups", {"securityEnabledOnly": "no"}),
        ("checkMemberGroups", {"groupIds": "x"}),
        ("checkMemberGroups", {"groupIds": [SIGNERS] * 21}),
    ],
)
def test_a_malformed_question_is_a_400(ask, action, body):
    assert ask("POST", f"/groups/{SIGNERS}/{action}", body)[0] == 400


@pytest.mark.parametrize(("types", "found"), [(["group"], ["Signers"]), (["user"], ["owner"])])
def test_a_group_is_among_the_objects_by_ids(ask, directory, types, found):
    body = {"ids": [directory.owner.object_id, SIGNERS], "types": types}
    answer = ask("POST", "/directoryObjects/getByIds", body)
    assert names(answer) == found
    assert answer[1]["value"][0]["@odata.type"] == f"#microsoft.graph.{types[0]}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/groups"),
        ("DELETE", f"/groups/{SIGNERS}"),
        ("POST", f"/groups/{SIGNERS}/members/$ref"),
        ("GET", f"/groups/{SIGNERS}/photo"),
    ],
)
def test_changes_are_not_made_here_and_the_answer_says_where(ask, method, path):
    status, body = ask(method, path, {})
    assert (status, body["error"]["code"]) == (501, "NotImplemented")
    assert "directory.json" in body["error"]["message"]
