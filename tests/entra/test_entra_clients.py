"""Unmodified clients sign in through the proxy: azure-identity and msal."""

import time
import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import requests

from azext_mhsmregion.crypto.certificates import self_signed
from azext_mhsmregion.emulator.directory import Directory
from azext_mhsmregion.emulator.entra import handlers
from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.entra.tokens import Tokens
from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.emulator.wire import NameKind, Resolution

identity = pytest.importorskip("azure.identity")
msal = pytest.importorskip("msal")
pytestmark = pytest.mark.socket

HSM = "https://managedhsm.azure.net"


class EntraGateway:
    """Entra and nothing else. Clients check times against their own clock: real time here."""

    def __init__(self, home):
        directory = Directory.load(home, lambda: str(uuid.uuid4()), lambda: uuid.uuid4().hex)
        self.context = EntraContext(directory, Tokens(home, directory, time.time), time.time)
        self.paths = []

    def resolve(self, host, place, client):
        return Resolution(NameKind.OURS if host == handlers.HOST else NameKind.FOREIGN)

    def handle(self, request, caller):
        self.paths.append(request.path)
        return handlers.handle(request, self.context)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    return EntraGateway(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def network(gateway, tmp_path_factory):
    """What a client has to be told: the proxy and the bundle."""
    authority = Authority(tmp_path_factory.mktemp("authority"), time.time)
    bundle = str(authority.bundle())
    with Server(gateway, authority).in_thread() as server:
        yield f"http://uksouth:test@127.0.0.1:{server.port}", bundle


def credential(gateway, network, **changes):
    directory = gateway.context.directory
    names = {
        "tenant_id": directory.tenant_id,
        "client_id": directory.app.app_id,
        "client_secret": directory.app.secret,
        **changes,
    }
    proxy, bundle = network
    return identity.ClientSecretCredential(
        **names, proxies={"https": proxy}, connection_verify=bundle, retry_total=0
    )


def test_azure_identity_gets_a_token(gateway, network):
    token = credential(gateway, network).get_token(f"{HSM}/.default")
    claims = gateway.context.tokens.verify(token.token, [HSM])
    assert claims.object_id == gateway.context.directory.app.object_id
    assert 3000 < token.expires_on - time.time() < 3700


def test_azure_identity_reads_why_it_was_refused(gateway, network):
    from azure.core.exceptions import ClientAuthenticationError

    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential(gateway, network, client_secret="wrong").get_token(f"{HSM}/.default")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        credential(gateway, network, client_id=str(uuid.uuid4())).get_token(f"{HSM}/.default")


@pytest.mark.parametrize("scope", ["https://management.core.windows.net//.default", f"{HSM}/.default"])
def test_msal_gets_a_token_as_az_asks_for_it(gateway, network, scope, monkeypatch):
    """az knows proxy and bundle from its environment."""
    directory = gateway.context.directory
    for name, value in zip(("HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE"), (network[0], *network)):
        monkeypatch.setenv(name, value)
    app = msal.ConfidentialClientApplication(
        directory.app.app_id,
        client_credential=directory.app.secret,
        authority=f"https://login.microsoftonline.com/{directory.tenant_id}",
    )
    assert app.acquire_token_for_client([scope])["token_type"] == "Bearer"


@pytest.fixture
def certified(gateway, tmp_path):
    """The application has a certificate; the file that CertificateCredential reads."""
    key, certificate = self_signed("client", datetime.now(timezone.utc) - timedelta(days=1), 30)
    before = gateway.context
    people = tuple(
        one._replace(certificates=(certificate.decode(),)) if one.app_id else one
        for one in before.directory.principals
    )
    gateway.context = replace(before, directory=before.directory._replace(principals=people))
    file = tmp_path / "client.pem"
    file.write_bytes(key + certificate)
    yield str(file)
    gateway.context = before


def test_azure_identity_signs_in_by_certificate(gateway, network, certified):
    directory = gateway.context.directory
    proxy, bundle = network
    made = identity.CertificateCredential(
        directory.tenant_id,
        directory.app.app_id,
        certified,
        proxies={"https": proxy},
        connection_verify=bundle,
        retry_total=0,
    )
    token = made.get_token(f"{HSM}/.default")
    assert gateway.context.tokens.verify(token.token, [HSM]).object_id == directory.app.object_id


@pytest.fixture
def surroundings(network, monkeypatch):
    """What ``emulator env`` sets, and nothing of the machine's own identity."""
    proxy, bundle = network
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "localhost,127.0.0.1,::1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    return proxy


@pytest.mark.parametrize("named", [True, False])
def test_azure_identity_gets_a_managed_identitys_token(gateway, surroundings, named):
    app = gateway.context.directory.app
    made = identity.ManagedIdentityCredential(client_id=app.app_id if named else None)
    token = made.get_token(f"{HSM}/.default")
    assert gateway.context.tokens.verify(token.token, [HSM]).object_id == app.object_id
    assert 3000 < token.expires_on - time.time() < 3700


def test_azure_identity_gets_it_as_in_app_service(gateway, surroundings, monkeypatch):
    app = gateway.context.directory.app
    port = surroundings.rpartition(":")[2]
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", app.secret)
    token = identity.ManagedIdentityCredential().get_token(f"{HSM}/.default")
    assert gateway.context.tokens.verify(token.token, [HSM]).object_id == app.object_id


def test_azure_identity_is_told_of_an_identity_that_is_not_there(surroundings):
    made = identity.ManagedIdentityCredential(client_id=str(uuid.uuid4()))
    with pytest.raises(identity.CredentialUnavailableError, match="Identity not found"):
        made.get_token(f"{HSM}/.default")


def public_client():
    return msal.PublicClientApplication(
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46", authority="https://login.microsoftonline.com/organizations"
    )


@pytest.mark.filterwarnings("ignore:This API has been deprecated")
def test_msal_signs_a_user_in_by_password_and_then_silently(gateway, surroundings):
    owner = gateway.context.directory.owner
    app = public_client()
    answer = app.acquire_token_by_username_password(
        owner.user_principal_name, owner.password, [f"{HSM}/.default"]
    )
    assert gateway.context.tokens.verify(answer["access_token"], [HSM]).object_id == owner.object_id
    (account,) = app.get_accounts()
    assert account["username"] == owner.user_principal_name
    silent = app.acquire_token_silent(["https://management.azure.com/.default"], account)
    assert gateway.context.tokens.verify(silent["access_token"], ["https://management.azure.com"])


def test_msal_signs_a_user_in_by_device_code(gateway, surroundings):
    owner = gateway.context.directory.owner
    app = public_client()
    flow = app.initiate_device_flow([f"{HSM}/.default"])
    form = {
        "user_code": flow["user_code"],
        "username": owner.user_principal_name,
        "password": owner.password,
    }
    assert "is signed in" in requests.post(flow["verification_uri"], form, timeout=20).text
    answer = app.acquire_token_by_device_flow(flow)
    assert gateway.context.tokens.verify(answer["access_token"], [HSM]).object_id == owner.object_id
