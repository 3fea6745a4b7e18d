"""Applications sign in by certificate: a token of their own, signed with its key."""

import base64
import json
from dataclasses import replace
from datetime import datetime, timezone
from urllib.parse import urlencode

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from azext_mhsmregion.crypto.certificates import self_signed
from azext_mhsmregion.emulator.entra import assertion, handlers
from azext_mhsmregion.emulator.wire import Request

HSM = "https://managedhsm.azure.net"
BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def pairs():
    """Two keys with their certificates, as PEM."""
    return [tuple(part.decode() for part in self_signed(f"app{number}", BEGUN, 3650)) for number in range(2)]


@pytest.fixture
def registered(context, pairs):
    """The context whose application has both certificates."""
    certificates = tuple(certificate for _, certificate in pairs)
    people = tuple(
        one._replace(certificates=certificates) if one.app_id else one for one in context.directory.principals
    )
    return replace(context, directory=context.directory._replace(principals=people))


def thumbprint(pem, algorithm):
    digest = x509.load_pem_x509_certificate(pem.encode()).fingerprint(algorithm)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def signed(context, pair, algorithm="RS256", headers=None, **changes):
    app_id, now = context.directory.app.app_id, context.now()
    claims = {
        "aud": f"https://login.microsoftonline.com/{context.directory.tenant_id}/oauth2/v2.0/token",
        "iss": app_id,
        "sub": app_id,
        "jti": "1",
        "nbf": now,
        "exp": now + 600,
        **changes,
    }
    named = {"x5t": thumbprint(pair[1], hashes.SHA1())} if headers is None else headers
    return jwt.encode(claims, pair[0], algorithm=algorithm, headers=named)


def ask(context, token, **changes):
    form = {
        "grant_type": "client_credentials",
        "client_id": context.directory.app.app_id,
        "client_assertion_type": assertion.TYPE,
        "client_assertion": token,
        "scope": f"{HSM}/.default",
        **changes,
    }
    body = urlencode({name: value for name, value in form.items() if value is not None}).encode()
    path = f"/{context.directory.tenant_id}/oauth2/v2.0/token"
    response = handlers.handle(Request("POST", handlers.HOST, path, {}, {}, body), context)
    return response.status, json.loads(response.body)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_each_registered_certificate_signs_in(registered, pairs, number, algorithm):
    status, body = ask(registered, signed(registered, pairs[number], algorithm))
    assert status == 200
    app = registered.directory.app
    assert registered.tokens.verify(body["access_token"], [HSM]).object_id == app.object_id


@pytest.mark.parametrize("names", [{}, "x5t#S256"])
def test_the_header_may_name_the_certificate_by_sha256_or_not_at_all(registered, pairs, names):
    headers = {names: thumbprint(pairs[1][1], hashes.SHA256())} if names else {}
    assert ask(registered, signed(registered, pairs[1], headers=headers), client_id=None)[0] == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "another"}, 700021),
        ({"sub": "another"}, 700021),
        ({"aud": "https://login.microsoftonline.com/other/oauth2/v2.0/token"}, 700023),
        ({"aud": ["x"]}, 700023),
        ({"exp": 1}, 700024),
        ({"exp": None}, 700024),
        ({"nbf": 4_000_000_000}, 700024),
        ({"headers": {"x5t": "AAAA"}}, 700027),
    ],
)
def test_an_assertion_is_checked_in_full(registered, pairs, changes, code):
    status, body = ask(registered, signed(registered, pairs[0], **changes))
    assert (status, body["error"], body["error_codes"]) == (401, "invalid_client", [code])


def test_a_certificate_that_is_not_registered(context, pairs):
    status, body = ask(context, signed(context, pairs[0]))
    assert (status, body["error_codes"]) == (401, [700027])


def test_a_signature_by_another_key(registered, pairs):
    forged = signed(registered, (pairs[1][0], pairs[0][1]))
    assert ask(registered, forged)[1]["error_codes"] == [700027]


def test_a_token_signed_with_the_public_part_or_with_nothing(registered, pairs):
    header = {"x5t": thumbprint(pairs[0][1], hashes.SHA1())}
    for key, algorithm in (("secret" * 8, "HS256"), (None, "none")):
        token = signed(registered, (key, pairs[0][1]), algorithm, header)
        assert ask(registered, token)[1]["error_codes"] == [50027]


@pytest.mark.parametrize("token", ["junk", "a.b.c"])
def test_what_is_no_token(registered, token):
    assert ask(registered, token)[1]["error_codes"] == [50027]
    assert ask(registered, token, client_id=None)[1]["error_codes"] == [900144]


def test_another_kind_of_assertion(registered, pairs):
    token = signed(registered, pairs[0])
    assert ask(registered, token, client_assertion_type="saml")[1]["error_codes"] == [50027]
