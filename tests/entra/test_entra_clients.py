"""Unmodified clients sign in through the proxy: azure-identity and msal."""

import time
import uuid

import pytest

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
