"""The instance metadata service's token endpoint, and App Service's."""

import json

import pytest

from azext_mhsmregion.emulator.entra import handlers, managed_identity
from azext_mhsmregion.emulator.wire import Request

HSM = "https://managedhsm.azure.net"


def ask(context, headers=None, **query):
    given = {"api-version": "2018-02-01", "resource": HSM, **query}
    sent = {"metadata": "true"} if headers is None else headers
    request = Request("GET", handlers.HOST, managed_identity.PATH, given, sent)
    response = handlers.handle(request, context)
    return response.status, json.loads(response.body)


def test_a_token_for_the_emulators_application(context, clock):
    status, body = ask(context)
    app = context.directory.app
    assert (status, body["client_id"], body["resource"]) == (200, app.app_id, HSM)
    assert (body["expires_in"], body["expires_on"]) == ("3599", str(clock() + 3599))
    assert context.tokens.verify(body["access_token"], [HSM]).object_id == app.object_id


def test_an_identity_may_be_named(context):
    app = context.directory.app
    assert ask(context, client_id=app.app_id)[0] == ask(context, object_id=app.object_id)[0] == 200
    for named in ({"client_id": "x"}, {"object_id": context.directory.owner.object_id}, {"msi_res_id": "/x"}):
        status, body = ask(context, **named)
        assert (status, body["error_description"]) == (400, "Identity not found")


@pytest.mark.parametrize(
    ("headers", "query", "error"),
    [
        ({}, {}, "invalid_request"),
        ({"metadata": "false"}, {}, "invalid_request"),
        ({"metadata": "true", "x-forwarded-for": "1.2.3.4"}, {}, "invalid_request"),
        (None, {"api-version": "2000-01-01"}, "invalid_request"),
        (None, {"resource": "https://vault.azure.net"}, "invalid_resource"),
    ],
)
def test_refusals_of_the_metadata_service(context, headers, query, error):
    status, body = ask(context, headers, **query)
    assert (status, body["error"]) == (400, error)


def test_app_services_header_is_the_applications_secret(context):
    version = {"api-version": "2019-08-01"}
    assert ask(context, {"x-identity-header": context.directory.app.secret}, **version)[0] == 200
    for wrong in ("", "\0", "wrong"):
        assert ask(context, {"x-identity-header": wrong, "metadata": "true"}, **version)[0] == 401
