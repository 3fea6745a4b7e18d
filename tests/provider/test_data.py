"""The data plane: what is sent, what comes back, replication, local RBAC through both doors."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from player import load_recording, shared_folder
from scripted import Script, answer, deleted_body, pool_body, provider_over, refusal
from sides import certificate

from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.access import RestAccess, SdkAccess
from azext_mhsmregion.provider.service import Endpoints, Service
from azext_mhsmregion.provider.transport import RequestsTransport

KID = "https://contoso.managedhsm.azure.net/keys/k1/v1"
POOLS = answer(200, {"value": [pool_body()]})
NOTHING = answer(200, {"value": []})
needs_recordings = pytest.mark.skipif(
    not (shared_folder() / "golden").exists(), reason="the recordings are not beside this checkout"
)


def test_sign_and_verify_name_the_current_version():
    key = answer(200, {"key": {"kid": KID}})
    script = Script(POOLS, key, answer(200, {"kid": KID, "value": "c2ln"}), key, answer(200, {"value": True}))
    provider = provider_over(script)
    assert provider.sign("contoso", "k1", "", "RS256", b"\xff\xfe")["value"] == "c2ln"
    assert provider.verify("contoso", "k1", "", "RS256", b"\xff\xfe", b"sig") is True
    sign, verify = script.calls[2], script.calls[4]
    assert urlsplit(sign.url).path == "/keys/k1/v1/sign"
    assert json.loads(sign.body) == {"alg": "RS256", "value": "__4"}
    assert json.loads(verify.body) == {"alg": "RS256", "digest": "__4", "value": "c2ln"}
    assert sign.audience == "https://managedhsm.azure.net"


def test_a_pools_address_is_looked_up_once():
    script = Script(POOLS, answer(200, {}), answer(200, {}))
    provider = provider_over(script)
    provider.get_key("contoso", "k1")
    provider.get_key("CONTOSO", "k/1")
    assert urlsplit(script.calls[2].url).path == "/keys/k%2F1"


@pytest.mark.parametrize("listing", [refusal(403, "AuthorizationFailed", "No."), answer(200, {"value": []})])
def test_who_may_not_see_the_control_plane_can_use_keys(listing):
    again = [refusal(403, "AuthorizationFailed", "No.")] if listing.status == 200 else []
    script = Script(listing, *again, answer(200, {}))
    provider_over(script).get_key("Contoso", "k1")
    assert urlsplit(script.calls[-1].url).hostname == "contoso.managedhsm.azure.net"


def test_the_keys_of_a_soft_deleted_pool_are_not_looked_for():
    script = Script(NOTHING, *[answer(200, {"value": [deleted_body("contoso")]})] * 2)
    with pytest.raises(errors.NotFoundError) as caught:
        provider_over(script).get_key("contoso", "k1")
    assert "soft-deleted in uksouth" in caught.value.hint


def test_a_misspelt_pool_is_not_found_among_others():
    with pytest.raises(errors.NotFoundError) as caught:
        provider_over(Script(POOLS, NOTHING)).get_key("contosso", "k1")
    assert caught.value.hint == "Did you mean contoso?"


def test_keys_are_listed_page_after_page_up_to_the_limit():
    page = {"value": [{"kid": "1"}, {"kid": "2"}], "nextLink": KID + "?$skiptoken=x"}
    script = Script(POOLS, answer(200, page), answer(200, {"value": [{"kid": "3"}, {"kid": "4"}]}))
    assert [key["kid"] for key in provider_over(script).list_keys("contoso", 3)] == ["1", "2", "3"]
    assert parse_qs(urlsplit(script.calls[1].url).query)["maxresults"] == ["3"]


@pytest.mark.parametrize("quantity", [0, 1])
def test_no_more_pages_are_asked_for_than_needed(quantity):
    page = answer(200, {"value": [{"kid": "1"}, {"kid": "2"}], "nextLink": KID})
    assert len(provider_over(Script(POOLS, page)).list_keys("contoso", quantity)) == quantity


@needs_recordings
def test_wrapping_keys_are_as_recorded():
    recorded = next(
        exchange["request"]["body"]
        for exchange in load_recording("hsm_mgmt.json")
        if exchange["request"]["path"] == "/securitydomain/download" and exchange["request"]["body"]
    )
    script = Script(POOLS, answer(202, {"value": "{}"}))
    provider_over(script).download_security_domain("contoso", [certificate() for _ in range(3)], 2)
    sent = json.loads(script.calls[1].body)
    assert sent.keys() == recorded.keys()
    assert sent["required"] == recorded["required"]
    for ours, theirs in zip(sent["certificates"], recorded["certificates"]):
        assert ours.keys() == theirs.keys()
        assert {name: ours[name] for name in ("kty", "key_ops", "alg", "e")} == {
            name: theirs[name] for name in ("kty", "key_ops", "alg", "e")
        }
        assert [len(ours[name]) for name in ("n", "x5t", "x5t#S256")] == [
            len(theirs[name]) for name in ("n", "x5t", "x5t#S256")
        ]
        assert base64.b64decode(ours["x5c"][0], validate=True)[:1] == b"\x30"


@pytest.mark.parametrize("text", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_a_usage_error(text):
    with pytest.raises(errors.UsageError, match="not a certificate"):
        provider_over(Script(POOLS)).download_security_domain("contoso", [text], 2)


# -- replication -------------------------------------------------------------------
REGIONS = answer(
    200,
    {
        "value": [
            {"name": "eastus2", "provisioningState": "Succeeded", "isPrimary": True},
            {"name": "uksouth", "provisioningState": "Succeeded", "isPrimary": False},
        ]
    },
)


def key_in(region, updated=1, ops=("sign", "verify")):
    kid = KID.replace("contoso", f"{region}.contoso")
    return answer(200, {"key": {"kid": kid, "key_ops": list(ops)}, "attributes": {"updated": updated}})


def replicated(*answers, key="k1"):
    script = Script(POOLS, POOLS, REGIONS, *answers)
    found = provider_over(script).replication("contoso", key)
    return found, [urlsplit(call.url).hostname for call in script.calls[3:]]


@pytest.mark.rule("L4")
def test_regions_agree_whatever_the_host_and_the_order_of_key_ops():
    found, hosts = replicated(key_in("eastus2"), key_in("uksouth", ops=("verify", "sign")))
    assert (found.agreed, found.exact, found.pending) == (True, False, 0)
    assert hosts == ["eastus2.contoso.managedhsm.azure.net", "uksouth.contoso.managedhsm.azure.net"]


@pytest.mark.parametrize("second", [key_in("uksouth", updated=2), refusal(404, "KeyNotFound", "None.")])
def test_regions_that_differ_do_not_agree(second):
    found, _ = replicated(key_in("eastus2"), second)
    assert (found.agreed, found.pending) == (False, 1)


def test_without_a_key_the_lists_are_compared():
    lists = [
        answer(
            200,
            {
                "value": [
                    {"kid": f"https://{region}.contoso.managedhsm.azure.net/keys/{name}"} for name in names
                ]
            },
        )
        for region, names in (("eastus2", ("a", "b", "c")), ("uksouth", ("b", "a")))
    ]
    found, _ = replicated(*lists, key=None)
    assert (found.agreed, found.pending) == (False, 1)


def test_a_key_that_is_nowhere_is_not_found():
    with pytest.raises(errors.NotFoundError, match="in no region"):
        replicated(refusal(404, "KeyNotFound", "None."), refusal(404, "KeyNotFound", "None."))


def test_regional_names_that_cannot_be_reached_leave_it_open():
    class Unreachable(Script):
        def send(self, call):
            if "uksouth." in call.url or "eastus2." in call.url:
                raise errors.NetworkError("no such host")
            return super().send(call)

    found = provider_over(Unreachable(POOLS, POOLS, REGIONS)).replication("contoso", "k1")
    assert (found.agreed, found.exact, found.pending, found.seconds) == (False, False, None, None)


# -- local RBAC --------------------------------------------------------------------
BASE = "https://clitesthsmrole000002.managedhsm.azure.net/"


class Secret:
    def get_token(self, audience):
        assert audience == "https://managedhsm.azure.net"
        return "secret-token"


class RecordedRoles:
    """Answers role calls as ``hsm_role.json`` has them, as a Transport and as an HTTP adapter."""

    def __init__(self):
        self._answers = {}
        for exchange in load_recording("hsm_role.json"):
            request, response = exchange["request"], exchange["response"]
            place = (request["method"], request["path"])
            if "/providers/Microsoft.Authorization/" in request["path"] and response["status"] < 300:
                self._answers.setdefault(place, response)
        self.asked, self.bodies, self.refuse = [], [], None

    def send(self, call):
        status, body = self._answer(call.method, call.url, call.body)
        return answer(status, body)

    def adapter(self, adapter, request, **_):
        import requests
        from urllib3 import HTTPResponse

        response = requests.Response()
        response.url, response.request, response.raw = request.url, request, HTTPResponse(b"")
        response.headers["content-type"] = "application/json"
        if "authorization" not in {name.lower() for name in request.headers}:
            response.status_code, response._content = 401, b""
            response.headers["www-authenticate"] = (
                'Bearer authorization="https://login.microsoftonline.com/t", '
                'resource="https://managedhsm.azure.net"'
            )
            return response
        assert request.headers["Authorization"] == "Bearer secret-token"
        response.status_code, body = self._answer(request.method, request.url, request.body)
        response._content = json.dumps(body).encode()
        return response

    def _answer(self, method, url, body):
        if self.refuse:
            return self.refuse
        path = urlsplit(url).path.replace("//", "/")
        self.asked.append((method, path))
        if body:
            self.bodies.append(json.loads(body))
        if method == "GET" and ("DELETE", path) in self._answers and ("GET", path) not in self._answers:
            method = "DELETE"  # one assignment is never read in the recording; its deletion shows it
        recorded = self._answers[(method, path)]
        return recorded["status"], recorded["body"]

    def recorded(self, method, path):
        return self._answers[(method, path)]["body"]


@pytest.fixture(params=["rest", "sdk"])
def roles(request, monkeypatch):
    service = RecordedRoles()
    endpoints = Endpoints()
    if request.param == "rest":
        return RestAccess(Service(service, "sub", endpoints)), service
    from requests.adapters import HTTPAdapter

    monkeypatch.setattr(HTTPAdapter, "send", lambda *args, **kwargs: service.adapter(*args, **kwargs))
    sockets = RequestsTransport(Secret())
    return SdkAccess(Service(sockets, "sub", endpoints), Secret(), sockets), service


DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
ONE = f"{ASSIGNMENTS}/00000000-0000-0000-0000-000000000005"


@needs_recordings
def test_definitions_are_the_wires_json_through_both_doors(roles):
    access, service = roles
    assert access.definitions(BASE, "/") == service.recorded("GET", DEFINITIONS)["value"]


@needs_recordings
@pytest.mark.parametrize("scope", ["/", "/keys"])
def test_assignments_are_the_wires_json_through_both_doors(roles, scope):
    access, service = roles
    path = f"{scope.rstrip('/')}{ASSIGNMENTS}"
    assert access.assignments(BASE, scope) == service.recorded("GET", path)["value"]


@needs_recordings
def test_assigning_sends_and_gives_what_was_recorded(roles):
    access, service = roles
    recorded = service.recorded("PUT", ONE)
    properties = recorded["properties"]
    made = access.assign(
        BASE, "/", properties["roleDefinitionId"], properties["principalId"], recorded["name"]
    )
    assert made == recorded
    assert service.bodies[-1] == {
        "properties": {name: properties[name] for name in ("roleDefinitionId", "principalId")}
    }


@needs_recordings
def test_a_deleted_assignment_is_given_back(roles):
    access, service = roles
    assert access.unassign(BASE, "/", ONE.rpartition("/")[2]) == service.recorded("DELETE", ONE)
    assert service.asked[-1] == ("DELETE", ONE)


@needs_recordings
@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, errors.ForbiddenError), (404, errors.NotFoundError), (400, errors.BadRequestError)],
)
def test_refusals_have_the_services_words_through_both_doors(roles, status, kind):
    access, service = roles
    service.refuse = (status, {"error": {"code": "AccessDenied", "message": "Not authorized to access it."}})
    with pytest.raises(kind, match="Not authorized to access it.") as caught:
        access.unassign(BASE, "/", ONE.rpartition("/")[2])
    assert caught.value.code == "AccessDenied"
