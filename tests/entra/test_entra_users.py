"""Users of the directory sign in: by password, by device code, by refresh token."""

import base64
import json
from dataclasses import replace
from urllib.parse import urlencode

import jwt
import pytest

from azext_mhsmregion.emulator.entra import devices, handlers
from azext_mhsmregion.emulator.entra.tokens import TokenError
from azext_mhsmregion.emulator.wire import Request

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OWNER = "owner@mhsmregion.onmicrosoft.com"
HSM = "https://managedhsm.azure.net"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def post(context, path, **form):
    body = urlencode({name: value for name, value in form.items() if value is not None}).encode()
    response = handlers.handle(Request("POST", handlers.HOST, path, {}, {}, body), context)
    return response.status, response.body


def ask(context, path="organizations/oauth2/v2.0/token", **form):
    status, body = post(context, f"/{path}", **form)
    return status, json.loads(body)


def with_password(context, **changes):
    form = {
        "grant_type": "password",
        "client_id": CLI,
        "username": OWNER,
        "password": context.directory.owner.password,
        "scope": f"{HSM}/.default offline_access openid profile",
        "client_info": "1",
    }
    return ask(context, **{**form, **changes})


def test_a_password_gives_all_tokens(context):
    status, body = with_password(context)
    assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", 3599)
    claims = context.tokens.verify(body["access_token"], [HSM])
    assert (claims.object_id, claims.app_id, claims.name) == (context.directory.owner.object_id, CLI, OWNER)
    who = json.loads(base64.urlsafe_b64decode(body["client_info"] + "=="))
    assert who == {"uid": context.directory.owner.object_id, "utid": context.directory.tenant_id}
    identity = jwt.decode(body["id_token"], options={"verify_signature": False})
    assert (identity["aud"], identity["preferred_username"]) == (CLI, OWNER)
    assert context.directory.owner.password not in json.dumps(body)


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        (f"{HSM}/user_impersonation", HSM),
        ("User.Read", "https://graph.microsoft.com"),
        ("openid profile", "https://graph.microsoft.com"),
        ("https://emulator.mhsmregion.internal/.default", "https://emulator.mhsmregion.internal"),
    ],
)
def test_a_users_scopes_name_a_resource(context, scope, audience):
    status, body = with_password(context, scope=scope)
    assert status == 200
    assert context.tokens.verify(body["access_token"], [audience])
    assert "refresh_token" not in body


def test_v1_names_a_resource(context):
    status, body = with_password(context, path="common/oauth2/token", scope=None, resource=HSM)
    assert (status, body["resource"], body["expires_in"]) == (200, HSM, "3599")
    assert body["refresh_token"]


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"password": "wrong"}, "invalid_grant", 50126),
        ({"password": "ü"}, "invalid_grant", 50126),
        ({"password": None}, "invalid_request", 900144),
        ({"username": "nobody@contoso.com"}, "invalid_grant", 50034),
        ({"username": None}, "invalid_request", 900144),
        ({"client_id": None}, "invalid_request", 900144),
        ({"scope": "https://vault.azure.net/.default"}, "invalid_resource", 500011),
        ({"scope": f"{HSM}/a https://management.azure.com/b"}, "invalid_scope", 1002012),
    ],
)
def test_refusals_of_users_are_in_entras_words(context, changes, error, code):
    status, body = with_password(context, **changes)
    assert (status, body["error"], body["error_codes"]) == (400, error, [code])
    assert context.directory.owner.password not in json.dumps(body)


def test_a_user_without_a_password_cannot_sign_in(context):
    people = tuple(one._replace(password=None) for one in context.directory.principals)
    bare = replace(context, directory=context.directory._replace(principals=people))
    assert with_password(context=bare, password="None")[1]["error_codes"] == [50126]


def test_a_refresh_token_gives_a_new_one_for_another_resource(context, clock):
    _, first = with_password(context)
    clock.seconds += 7 * 86400
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": first["refresh_token"]}
    status, body = ask(context, scope="https://management.azure.com/.default offline_access", **form)
    assert status == 200
    assert context.tokens.verify(body["access_token"], ["https://management.azure.com"]).name == OWNER
    assert body["refresh_token"] != first["refresh_token"]


def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(context, clock):
    _, body = with_password(context)
    with pytest.raises(TokenError):
        context.tokens.verify(body["refresh_token"], [HSM])
    form = {"grant_type": "refresh_token", "client_id": CLI, "scope": f"{HSM}/.default"}
    assert ask(context, refresh_token=body["access_token"], **form)[1]["error_codes"] == [70000]
    assert ask(context, refresh_token="junk", **form)[1]["error_codes"] == [70000]
    assert ask(context, **form)[1]["error_codes"] == [900144]
    other = {**form, "client_id": "another"}
    assert ask(context, refresh_token=body["refresh_token"], **other)[1]["error_codes"] == [70000]
    clock.seconds += 90 * 86400
    assert ask(context, refresh_token=body["refresh_token"], **form)[1]["error_codes"] == [700082]


def begin(context, version="v2.0/", **more):
    form = {"client_id": CLI, "scope": f"{HSM}/.default offline_access openid"}
    return ask(context, f"organizations/oauth2/{version}devicecode", **{**form, **more})


def poll(context, code, **changes):
    form = {"grant_type": DEVICE, "client_id": CLI, "device_code": code}
    return ask(context, **{**form, **changes})


def test_a_device_code_waits_for_its_user(context):
    status, device = begin(context)
    assert (status, device["expires_in"], device["interval"]) == (200, 900, 5)
    assert device["user_code"] in device["message"] and device["verification_uri"] in device["message"]
    pending = poll(context, device["device_code"])
    assert (pending[0], pending[1]["error"]) == (400, "authorization_pending")

    page = device["verification_uri"].partition(handlers.HOST)[2]
    status, text = post(
        context,
        page,
        user_code=device["user_code"].lower(),
        username=OWNER,
        password=context.directory.owner.password,
    )
    assert (status, b"is signed in" in text) == (200, True)
    status, body = poll(context, device["device_code"])
    assert status == 200
    assert context.tokens.verify(body["access_token"], [HSM]).name == OWNER
    assert {"refresh_token", "id_token"} < set(body)
    assert poll(context, device["device_code"])[1]["error"] == "expired_token"  # given once


def test_a_device_code_is_the_programs_own_and_expires(context, clock):
    _, device = begin(context)
    assert poll(context, device["device_code"], client_id="another")[1]["error"] == "expired_token"
    assert poll(context, "unknown")[1]["error"] == "expired_token"
    assert poll(context, None)[1]["error_codes"] == [900144]
    clock.seconds += devices.LIFETIME
    assert poll(context, device["device_code"])[1]["error"] == "expired_token"
    assert not context.tokens.devices.allow(device["user_code"], "x", clock())


def test_the_device_page_lets_nobody_in_without_password_and_code(context):
    page = "/common/oauth2/deviceauth"
    form = handlers.handle(Request("GET", handlers.HOST, page), context)
    assert (form.status, b'name="user_code"' in form.body) == (200, True)
    _, device = begin(context)
    for changes in ({"password": "wrong"}, {"user_code": "AAAAAAAAA"}, {"username": "<b>@x"}):
        fields = {
            "user_code": device["user_code"],
            "username": OWNER,
            "password": context.directory.owner.password,
            **changes,
        }
        status, text = post(context, page, **fields)
        assert status == 400
        assert b"<b>" not in text
    assert poll(context, device["device_code"])[1]["error"] == "authorization_pending"


def test_a_device_code_in_the_v1_form(context):
    status, device = begin(context, "", scope=None, resource=HSM)
    assert (status, device["interval"]) == (200, "5")
    context.tokens.devices.allow(device["user_code"], context.directory.owner.object_id, context.now())
    form = {"grant_type": "device_code", "client_id": CLI, "code": device["device_code"]}
    assert ask(context, "common/oauth2/token", **form)[1]["resource"] == HSM


def test_the_realm_of_every_user_is_managed(context):
    request = Request("GET", handlers.HOST, "/common/UserRealm/owner%40contoso.com", {"api-version": "1.0"})
    body = json.loads(handlers.handle(request, context).body)
    assert (body["account_type"], body["domain_name"]) == ("Managed", "contoso.com")
