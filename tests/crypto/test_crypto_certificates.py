"""Certificates of a security domain (rule C4)."""

from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID
from shared_data import golden

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.crypto.certificates import certificate_jwk, recipient, self_signed, thumbprint
from azext_mhsmregion.crypto.errors import BadCertificate

RECORDED = next(
    exchange["request"]["body"]["certificates"]
    for exchange in golden("hsm_security_domain")
    if (exchange["request"]["body"] or {}).get("certificates")
)
START = datetime(2026, 1, 1, 12, 30, tzinfo=timezone.utc)


def pem_of(jwk):
    return f"-----BEGIN CERTIFICATE-----\n{jwk['x5c'][0]}\n-----END CERTIFICATE-----\n".encode("ascii")


def certificate_for(key):
    """A certificate for any kind of key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, START, START + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


def facts(found):
    """A recipient in values that compare; keys of cryptography 40 do not."""
    return found.thumbprint, found.public_key.public_numbers()


@pytest.fixture
def jwk(officers):
    return certificate_jwk(officers[0].certificate_pem)


@pytest.mark.rule("C4")
@pytest.mark.parametrize("recorded", RECORDED)
def test_c4_the_jwk_is_what_azure_cli_sent(recorded):
    ours = certificate_jwk(pem_of(recorded))
    assert ours == recorded
    assert list(ours) == list(recorded)


@pytest.mark.rule("C4")
@pytest.mark.parametrize("recorded", RECORDED)
def test_c4_recorded_certificates_are_accepted_though_expired(recorded):
    found = recipient(recorded)
    assert found.thumbprint == recorded["x5t#S256"]
    assert found.public_key.public_numbers().n == b64url.decode_int(recorded["n"])


def test_what_is_optional_may_be_left_out(jwk):
    bare = {member: jwk[member] for member in ("n", "e", "x5c")}
    assert facts(recipient(bare)) == facts(recipient(jwk))
    assert recipient({**jwk, "alg": None}).thumbprint == jwk["x5t#S256"]


def test_x5c_may_be_base64url(jwk):
    urlsafe = b64url.encode(b64url.decode(jwk["x5c"][0]))
    assert set(urlsafe) & set("-_")
    assert facts(recipient({**jwk, "x5c": [urlsafe]})) == facts(recipient(jwk))


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    "change",
    [
        {"x5c": None},
        {"x5c": []},
        {"x5c": [7]},
        {"x5c": "MIID"},
        {"x5c": ["?"]},
        {"x5c": ["AAAA"]},
        {"n": None},
        {"n": 65537},
        {"n": "not base64 at all!"},
        {"n": "AQAB"},
        {"e": "Aw"},
        {"e": None},
        {"kty": "EC"},
        {"alg": "RSA1_5"},
        {"x5t": "AAAA"},
        {"x5t#S256": "AAAA"},
    ],
)
def test_c4_a_jwk_that_does_not_agree_with_its_certificate(jwk, change):
    with pytest.raises(BadCertificate):
        recipient({**jwk, **change})


@pytest.mark.rule("C4")
def test_c4_another_certificates_key_is_refused(jwk, officers):
    other = certificate_jwk(officers[1].certificate_pem)
    with pytest.raises(BadCertificate, match="n and e are not the public key"):
        recipient({**jwk, "n": other["n"]})


def test_what_is_no_object_is_refused():
    with pytest.raises(BadCertificate):
        recipient("a certificate")


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())]
)
def test_c4_only_rsa_of_2048_bits_or_more(key):
    certificate = certificate_for(key)
    with pytest.raises(BadCertificate, match="RSA of at least 2048 bits"):
        certificate_jwk(certificate.public_bytes(Encoding.PEM))
    with pytest.raises(BadCertificate, match="RSA of at least 2048 bits"):
        recipient({"x5c": [b64url.encode_standard(certificate.public_bytes(Encoding.DER))]})


def test_a_key_that_cannot_be_read_is_refused():
    """A curve that nobody knows: P-256's identifier with another last byte."""
    der = certificate_for(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)
    p256, unknown = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030177")
    assert p256 in der
    with pytest.raises(BadCertificate, match="cannot be read"):
        recipient({"x5c": [b64url.encode_standard(der.replace(p256, unknown))]})


@pytest.mark.parametrize(
    "pem", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_pem_is_refused(pem):
    with pytest.raises(BadCertificate):
        certificate_jwk(pem)


def test_self_signed():
    key_pem, certificate_pem = self_signed("officer", START, 30)
    key = load_pem_private_key(key_pem, password=None)
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    assert key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=officer"
    assert dates(certificate) == (START, START + timedelta(days=30))
    assert key.key_size == 2048
    certificate.public_key().verify(
        certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), hashes.SHA256()
    )


def dates(certificate):
    """Both dates with their zone; cryptography 40 has only the ones without."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    naive = certificate.not_valid_before, certificate.not_valid_after
    return tuple(date.replace(tzinfo=timezone.utc) for date in naive)


def test_self_signed_ones_differ(officers):
    assert len({thumbprint(officer.certificate) for officer in officers}) == len(officers)
    assert len({officer.certificate.serial_number for officer in officers}) == len(officers)
    assert all(0 < officer.certificate.serial_number < 1 << 159 for officer in officers)


@pytest.mark.parametrize(
    "common_name, not_before, days",
    [
        ("", START, 1),
        ("x" * 65, START, 1),
        ("x", START, -1),
        ("x", datetime(1900, 1, 1), 1),
        ("x", START, 10**7),
    ],
)
def test_self_signed_refuses_values_that_no_certificate_holds(common_name, not_before, days):
    with pytest.raises(BadCertificate):
        self_signed(common_name, not_before, days)
