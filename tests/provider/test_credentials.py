"""Where tokens come from, and what is said when there are none."""

from __future__ import annotations

import base64
import json
import sys
import types

import pytest

from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.arm import claim_of
from azext_mhsmregion.provider.credentials import (
    IdentityCredential,
    OwnerCredential,
    from_az,
    identity_options,
)

AUDIENCE = "https://management.azure.com"


class FakeIdentity:
    """Stands for DefaultAzureCredential."""

    def __init__(self, error=None, **options):
        self.error, self.options, self.scopes = error, options, []

    def __call__(self, **options):
        self.options = options
        return self

    def get_token(self, scope):
        if self.error:
            raise self.error
        self.scopes.append(scope)
        return types.SimpleNamespace(token=f"token {len(self.scopes)}", expires_on=3600)


@pytest.mark.parametrize(
    ("authority", "options"),
    [
        ("", {}),
        ("https://login.microsoftonline.us", {"authority": "https://login.microsoftonline.us"}),
        ("login.microsoftonline.com", {"authority": "login.microsoftonline.com"}),
        (
            "https://localhost:8443/",
            {"authority": "https://localhost:8443/", "disable_instance_discovery": True},
        ),
    ],
)
def test_instance_discovery_is_off_for_an_authority_that_is_not_microsofts(authority, options):
    assert identity_options({"AZURE_AUTHORITY_HOST": authority}) == options


def test_a_token_is_kept_until_shortly_before_it_expires():
    identity, wall = FakeIdentity(), [0.0]
    credential = IdentityCredential({}, lambda: wall[0], identity)
    assert [credential.get_token(AUDIENCE) for _ in range(2)] == ["token 1", "token 1"]
    wall[0] = 3301.0
    assert credential.get_token(AUDIENCE) == "token 2"
    assert identity.scopes[0] == "https://management.azure.com/.default"


def test_no_credential_says_how_to_get_one():
    from azure.core.exceptions import ClientAuthenticationError

    error = ClientAuthenticationError("DefaultAzureCredential failed to retrieve a token.\nAttempted: …")
    with pytest.raises(errors.AuthenticationError) as caught:
        IdentityCredential({}, lambda: 0.0, FakeIdentity(error)).get_token(AUDIENCE)
    assert caught.value.message == "DefaultAzureCredential failed to retrieve a token."
    assert "az login" in caught.value.hint
    assert "AZURE_CLIENT_ID" in caught.value.hint


def test_a_login_service_that_cannot_be_reached_is_a_network_error():
    from azure.core.exceptions import ServiceRequestError

    error = ServiceRequestError("no route")
    with pytest.raises(errors.NetworkError, match="no route"):
        IdentityCredential({}, lambda: 0.0, FakeIdentity(error)).get_token(AUDIENCE)


def test_a_malformed_authority_is_an_authentication_error():
    with pytest.raises(errors.AuthenticationError, match="bad authority"):
        IdentityCredential({}, lambda: 0.0, FakeIdentity(ValueError("bad authority"))).get_token(AUDIENCE)


@pytest.fixture
def az(monkeypatch):
    """An az with a login of its own, as 2.48.1 and 2.91.0 have it."""

    class CLIError(Exception):
        pass

    asked = []

    class Profile:
        def __init__(self, cli_ctx):
            self.cli_ctx = cli_ctx

        def get_raw_token(self, resource=None, scopes=None, subscription=None, tenant=None):
            if self.cli_ctx.logged_out:
                raise CLIError("Please run 'az login' to setup account.")
            asked.append((resource, subscription))
            return ("Bearer", "az-token", {"expiresOn": "later"}), "sub", "tenant"

    modules = {"knack.util": {"CLIError": CLIError}, "azure.cli.core._profile": {"Profile": Profile}}
    for name, content in modules.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("azure.cli", "azure.cli.core"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    return types.SimpleNamespace(logged_out=False, data={"subscription_id": "chosen"}, asked=asked)


def test_inside_az_its_own_login_is_used_with_its_subscription(az):
    assert from_az(az).get_token(AUDIENCE) == "az-token"
    assert az.asked == [(AUDIENCE, "chosen")]


def test_inside_az_without_a_login_az_says_so(az):
    az.logged_out = True
    with pytest.raises(errors.AuthenticationError, match="az login"):
        from_az(az).get_token(AUDIENCE)


def test_the_homes_owner_asks_the_emulator():
    assert OwnerCredential(lambda audience: f"owner of {audience}").get_token("x") == "owner of x"


def test_claims_of_our_token():
    payload = base64.urlsafe_b64encode(json.dumps({"oid": "me"}).encode()).rstrip(b"=").decode()
    assert claim_of(f"e30.{payload}.sig", "oid") == "me"
    for token, name in ((f"e30.{payload}.sig", "tid"), ("opaque", "oid"), ("a.%%%.c", "oid")):
        with pytest.raises(errors.AuthenticationError):
            claim_of(token, name)
