"""The authority of a home: what it signs, what clients make of it, and when it renews."""

import datetime
import shutil
import ssl
import stat
import subprocess

import pytest
from cryptography import x509
from floor import ARM, POOL, client_context

from azext_mhsmregion.emulator.http import authority as module
from azext_mhsmregion.emulator.http.authority import SUFFIXES, Authority, NotOurName

DAY = 86400
BEGIN = 1_790_000_000
LONGEST = "switzerlandnorth.abcdefghijklmnopqrstuvwx.managedhsm.azure.net"


class Clock:
    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock(BEGIN)


@pytest.fixture
def own(tmp_path, clock):
    return Authority(tmp_path, clock)


def leaf(home, name=POOL):
    return x509.load_pem_x509_certificate((home / "ca" / "leaves" / f"{name}.pem").read_bytes())


def value(certificate, kind):
    found = certificate.extensions.get_extension_for_class(kind)
    return found.critical, found.value


def shake_hands(server_context, client, host):
    """A handshake in memory; raises what the client thinks of the certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server_context.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass


@pytest.mark.parametrize("host", [POOL, ARM, LONGEST, "login.microsoftonline.com", "graph.microsoft.com"])
def test_strict_clients_accept_the_leaves(authority, bundle, host):
    shake_hands(authority.context(host), client_context(bundle), host)


def test_a_leaf_is_good_for_its_own_name_only(authority, bundle):
    with pytest.raises(ssl.SSLCertVerificationError, match="(?i)hostname mismatch"):
        shake_hands(authority.context(POOL), client_context(bundle), f"uksouth.{POOL}")


def test_the_authority_is_bound_to_its_names(own, clock):
    critical, basic = value(own.certificate(), x509.BasicConstraints)
    assert (critical, basic.ca, basic.path_length) == (True, True, 0)
    critical, usage = value(own.certificate(), x509.KeyUsage)
    assert critical and usage.key_cert_sign and not usage.digital_signature
    critical, names = value(own.certificate(), x509.NameConstraints)
    assert critical
    assert {name.value for name in names.permitted_subtrees} == set(SUFFIXES)
    assert value(own.certificate(), x509.SubjectKeyIdentifier)


def test_clients_refuse_what_the_authority_may_not_sign(own, tmp_path, clock):
    """Even if its key were stolen: a certificate for another site is worth nothing."""
    forged = module._new_leaf("example.com", own._authority(), own._moment())
    path = tmp_path / "forged.pem"
    path.write_bytes(module._pem(forged))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    client = client_context(str(own.bundle()))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(context, client, "example.com")


@pytest.mark.parametrize(
    "name",
    ["example.com", "vault.azure.net", "evilmanagedhsm.azure.net", "../x.managedhsm.azure.net", "a/b." + POOL]
    + ["*." + POOL, "." + POOL, "", "Pool.managedhsm.azure.net", "ä." + POOL],
)
def test_other_names_get_no_leaf(own, name):
    with pytest.raises(NotOurName):
        own.context(name)


def test_a_leaf_has_what_strict_checks_ask_for(own, tmp_path):
    own.context(POOL)
    made = leaf(tmp_path)
    assert value(made, x509.SubjectAlternativeName)[1].get_values_for_type(x509.DNSName) == [POOL]
    assert list(value(made, x509.ExtendedKeyUsage)[1]) == [x509.ExtendedKeyUsageOID.SERVER_AUTH]
    signer = value(own.certificate(), x509.SubjectKeyIdentifier)[1]
    assert value(made, x509.AuthorityKeyIdentifier)[1].key_identifier == signer.digest
    now = datetime.datetime.fromtimestamp(BEGIN, datetime.timezone.utc)
    assert module._end(made) - now == datetime.timedelta(days=396)


def test_a_leaf_is_renewed_when_under_thirty_days_are_left(own, tmp_path, clock):
    first, serial = own.context(POOL), leaf(tmp_path).serial_number
    clock.seconds = BEGIN + 366 * DAY
    assert own.context(POOL) is first
    clock.seconds += 1
    assert own.context(POOL) is not first
    assert leaf(tmp_path).serial_number != serial


def test_authority_and_leaves_outlive_the_process(own, tmp_path, clock):
    own.context(POOL)
    again = Authority(tmp_path, clock)
    kept = leaf(tmp_path).serial_number
    again.context(POOL)
    assert again.certificate() == own.certificate()
    assert leaf(tmp_path).serial_number == kept


def test_a_new_authority_takes_its_place_before_the_old_one_ends(own, tmp_path, clock):
    old = own.certificate()
    own.context(POOL)
    clock.seconds = BEGIN + 3640 * DAY
    renewed = Authority(tmp_path, clock)
    renewed.context(POOL)
    assert renewed.certificate() != old
    shake_hands_at = client_context(str(renewed.bundle()))
    shake_hands_at.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME
    shake_hands(renewed.context(POOL), shake_hands_at, POOL)


def test_an_authority_for_other_names_is_replaced(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(module, "SUFFIXES", ("managedhsm.azure.net",))
    old = Authority(tmp_path, clock).certificate()
    monkeypatch.undo()
    assert Authority(tmp_path, clock).certificate() != old


def test_a_damaged_leaf_is_made_again(own, tmp_path, clock):
    own.context(POOL)
    path = tmp_path / "ca" / "leaves" / f"{POOL}.pem"
    path.write_bytes(path.read_bytes()[:100])
    assert Authority(tmp_path, clock).context(POOL)


def test_private_keys_are_the_owners_alone(own, tmp_path):
    own.context(POOL)
    for path in (tmp_path / "ca" / "authority.pem", tmp_path / "ca" / "leaves" / f"{POOL}.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_bundle_holds_certifis_authorities_and_ours(own):
    certificates = x509.load_pem_x509_certificates(own.bundle().read_bytes()[-1500:])
    assert certificates == [own.certificate()]
    assert own.bundle_path.read_text().count("BEGIN CERTIFICATE") > 100


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("keytool") is None, reason="needs Java's keytool")
def test_java_reads_the_trust_store(own):
    own.bundle()
    if not own.trust_store_path.exists():
        pytest.skip("this cryptography cannot write Java trust stores")
    command = ["keytool", "-list", "-keystore", str(own.trust_store_path), "-storepass", "changeit"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert listed.count("trustedCertEntry") > 100
