"""login.microsoftonline.com, asked as msal, azure-identity and az ask."""

import json
from urllib.parse import urlencode

import pytest

from azext_mhsmregion.emulator.entra import handlers
from azext_mhsmregion.emulator.wire import Request

V1, V2 = "oauth2/token", "oauth2/v2.0/token"
ARM_SCOPE = "https://management.core.windows.net//.default"


def get(context, path, **query):
    response = handlers.handle(Request("GET", handlers.HOST, path, query), context)
    return response.status, json.loads(response.body)


def ask(context, path=V2, tenant=None, headers=None, **form):
    path = f"/{tenant or context.directory.tenant_id}/{path}"
    body = urlencode(form).encode()
    response = handlers.handle(Request("POST", handlers.HOST, path, {}, headers or {}, body), context)
    return response.status, json.loads(response.body)


def credentials(context, **changes):
    app = context.directory.app
    form = {
        "grant_type": "client_credentials",
        "client_id": app.app_id,
        "client_secret": app.secret,
        "scope": ARM_SCOPE,
        **changes,
    }
    return {name: value for name, value in form.items() if value is not None}


@pytest.mark.parametrize("tenant", ["common", "organizations", None])
def test_openid_configuration_v2(context, tenant):
    own = context.directory.tenant_id
    status, body = get(context, f"/{tenant or own}/v2.0/.well-known/openid-configuration")
    base = f"https://login.microsoftonline.com/{tenant or own}"
    assert status == 200
    assert body["token_endpoint"] == f"{base}/oauth2/v2.0/token"
    assert body["authorization_endpoint"] == f"{base}/oauth2/v2.0/authorize"
    assert body["jwks_uri"] == f"{base}/discovery/v2.0/keys"
    assert body["issuer"] == f"https://login.microsoftonline.com/{'{tenantid}' if tenant else own}/v2.0"


def test_openid_configuration_v1(context):
    own = context.directory.tenant_id
    status, body = get(context, f"/{own.upper()}/.well-known/openid-configuration")
    assert status == 200
    assert body["issuer"] == f"https://sts.windows.net/{own}/"
    assert body["token_endpoint"] == f"https://login.microsoftonline.com/{own}/oauth2/token"


@pytest.mark.parametrize("version", ["", "v2.0/"])
def test_the_signing_keys_are_published(context, version):
    status, body = get(context, f"/{context.directory.tenant_id}/discovery/{version}keys")
    assert (status, body) == (200, context.tokens.key_set())


def test_instance_discovery_knows_the_public_cloud(context):
    endpoint = "https://login.microsoftonline.com/common/oauth2/authorize"
    status, body = get(context, "/common/discovery/instance", authorization_endpoint=endpoint)
    assert status == 200
    assert body["tenant_discovery_endpoint"].endswith("/common/v2.0/.well-known/openid-configuration")
    assert body["metadata"][0]["preferred_cache"] == "login.windows.net"


def test_instance_discovery_refuses_other_hosts(context):
    status, body = get(context, "/common/discovery/instance", authorization_endpoint="https://evil/common")
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_instance", [50049])


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        ("https://management.azure.com/.default", "https://management.azure.com"),
        (ARM_SCOPE, "https://management.core.windows.net/"),
        ("https://managedhsm.azure.net/.default", "https://managedhsm.azure.net"),
        (
            "https://graph.microsoft.com//.default openid profile offline_access",
            "https://graph.microsoft.com/",
        ),
    ],
)
def test_v2_client_credentials(context, scope, audience):
    status, body = ask(context, **credentials(context, scope=scope))
    assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", 3599)
    assert context.tokens.verify(body["access_token"], [audience]).audience == audience


@pytest.mark.parametrize("resource", ["https://managedhsm.azure.net", "https://management.core.windows.net/"])
def test_v1_client_credentials(context, clock, resource):
    status, body = ask(context, V1, **credentials(context, scope=None, resource=resource))
    assert (status, body["resource"]) == (200, resource)
    assert (body["expires_in"], body["expires_on"]) == ("3599", str(clock() + 3599))
    assert context.tokens.verify(body["access_token"], [resource]).audience == resource


def test_credentials_may_come_in_the_authorization_header(context):
    form = credentials(context, client_id=None, client_secret=None)
    header = "Basic MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDA1OnMzY3JldCUyQiUyNSUyNg=="
    assert context.directory.app.app_id.endswith("5")
    assert ask(context, headers={"authorization": header}, **form)[0] == 200


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": "ü"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "99999999-0000-0000-0000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": None}, 400, "invalid_request", 900144),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"scope": "https://management.azure.com/user_impersonation"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://vault.azure.net/.default"}, 400, "invalid_resource", 500011),
    ],
)
def test_refusals_are_in_entras_words(context, changes, status, error, code):
    answered, body = ask(context, **credentials(context, **changes))
    assert (answered, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id"} < set(body)
    assert context.directory.app.secret not in json.dumps(body)


@pytest.mark.parametrize(("tenant", "code"), [("contoso.com", 90002), ("common", 50059)])
def test_a_tenant_that_is_not_ours_gets_no_token(context, tenant, code):
    status, body = ask(context, tenant=tenant, **credentials(context))
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_request", [code])


def test_an_unknown_tenant_has_no_configuration(context):
    status, body = get(context, "/contoso.com/v2.0/.well-known/openid-configuration")
    assert (status, body["error_codes"]) == (400, [90002])


@pytest.mark.parametrize("path", ["/", "/common/oauth2/v2.0/devicecode", "/common/oauth2/auth", "/x/y/z"])
def test_the_rest_says_that_it_is_not_implemented(context, path):
    status, body = get(context, path)
    assert status == 404
    assert f"GET {path} is not implemented by this emulator" in body["error_description"]


def test_answers_carry_the_clients_request_id(context):
    request = Request("GET", handlers.HOST, "/x", {}, {"client-request-id": "abc"})
    response = handlers.handle(request, context)
    assert response.header("client-request-id") == "abc"
    assert json.loads(response.body)["correlation_id"] == "abc"
