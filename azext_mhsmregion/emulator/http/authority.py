"""The certificate authority of one home, and the TLS contexts of the names it serves.

Everything lies under ``<home>/ca/``: ``authority.pem`` (key and certificate, mode 0600),
``authority.crt`` (the certificate, to show), ``leaves/<name>.pem``, ``bundle.pem`` (certifi's
authorities and ours) and ``trust.p12`` (the same for Java). Name constraints bind the
authority to the served suffixes, so that trusting it puts no other site at risk.
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import threading
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from azext_mhsmregion.emulator.files import create_private, replace_private

SUFFIXES = (
    "managedhsm.azure.net",
    "management.azure.com",
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "mhsmregion.internal",
)
"""What the authority may sign: these names and the names below them."""

TRUST_STORE_PASSWORD = "changeit"
"""The password of ``trust.p12``: Java's own default; the store holds nothing secret."""

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=397)
BEGUN_BEFORE = timedelta(days=1)
RENEW_BEFORE_END = timedelta(days=30)

_ANY_ADDRESS = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


class NotOurName(ValueError):
    """A certificate was asked for a name that the authority may not sign."""


@dataclass(frozen=True)
class _Signed:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Authority:
    """Makes, keeps and renews the authority and its leaves. May be shared by threads.

    ``now`` is real time in seconds since 1970.
    """

    def __init__(self, home: Path, now: Callable[[], float]) -> None:
        self._folder = home / "ca"
        self._now = now
        self._lock = threading.RLock()
        self._signer: Optional[_Signed] = None
        self._contexts: Dict[str, Tuple[ssl.SSLContext, datetime]] = {}

    @property
    def bundle_path(self) -> Path:
        return bundle_path(self._folder.parent)

    @property
    def trust_store_path(self) -> Path:
        return trust_store_path(self._folder.parent)

    def certificate(self) -> x509.Certificate:
        """The authority's own certificate."""
        return self._authority().certificate

    def context(self, name: str) -> ssl.SSLContext:
        """The server's TLS context for the host ``name``, the same one until its leaf is due for
        renewal. Raises :class:`NotOurName`."""
        with self._lock:
            signer = self._authority()
            kept = self._contexts.get(name)
            if kept is None or self._is_due(kept[1]):
                kept = self._load_context(name, signer)
                self._contexts[name] = kept
            return kept[0]

    def bundle(self) -> Path:
        """Write ``bundle.pem`` and, where the library can, ``trust.p12``; answer the bundle's path."""
        ours = self.certificate().public_bytes(serialization.Encoding.PEM)
        theirs = Path(certifi.where()).read_bytes().rstrip()
        replace_private(self.bundle_path, theirs + b"\n\n" + ours, "bundle.pem")
        store = _java_trust_store(self.bundle_path.read_bytes())
        if store is not None:
            replace_private(self.trust_store_path, store, "trust.p12")
        return self.bundle_path

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), timezone.utc).replace(microsecond=0)

    def _is_due(self, end: datetime) -> bool:
        return end - self._moment() < RENEW_BEFORE_END

    def _authority(self) -> _Signed:
        with self._lock:
            signer = self._signer or self._read_authority()
            if self._is_due(_end(signer.certificate)) or _permitted(signer.certificate) != set(SUFFIXES):
                signer = _new_authority(self._moment())
                replace_private(self._folder / "authority.pem", _pem(signer), "authority.pem")
            if signer is not self._signer:
                self._contexts.clear()
                self._signer = signer
                shown = signer.certificate.public_bytes(serialization.Encoding.PEM)
                replace_private(self._folder / "authority.crt", shown, "authority.crt")
            return signer

    def _read_authority(self) -> _Signed:
        path = self._folder / "authority.pem"
        try:
            return _read(path.read_bytes())
        except FileNotFoundError:
            made = _pem(_new_authority(self._moment()))
            return _read(create_private(path, made, "authority.pem"))

    def _load_context(self, name: str, signer: _Signed) -> Tuple[ssl.SSLContext, datetime]:
        if not _is_below_suffix(name):
            raise NotOurName(f"{name}: not a name that this emulator serves")
        path = self._folder / "leaves" / f"{name}.pem"
        leaf = _read_leaf(path)
        if leaf is None or self._is_due(_end(leaf.certificate)) or not _is_signed_by(leaf, signer):
            leaf = _new_leaf(name, signer, self._moment())
            replace_private(path, _pem(leaf), "leaf")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(path)
        return context, _end(leaf.certificate)


def bundle_path(home: Path) -> Path:
    """Where the authorities to trust lie, as PEM."""
    return home / "ca" / "bundle.pem"


def trust_store_path(home: Path) -> Path:
    """Where the authorities to trust lie, as a Java trust store; there may be none."""
    return home / "ca" / "trust.p12"


def _is_below_suffix(name: str) -> bool:
    """Is ``name`` a lower-case host name at or below a served suffix? (It becomes a file name.)"""
    labels = name.split(".")
    sound = all(0 < len(label) <= 63 and label.replace("-", "a").isalnum() for label in labels)
    known = any(name == suffix or name.endswith(f".{suffix}") for suffix in SUFFIXES)
    return known and sound and name.isascii() and name == name.lower() and len(name) <= 253


def _new_authority(moment: datetime) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("mhsmregion emulator (local, not Azure)")
    permitted = [x509.DNSName(suffix) for suffix in SUFFIXES]
    excluded = [x509.IPAddress(network) for network in _ANY_ADDRESS]
    certificate = (
        _builder(name, name, key, moment, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.NameConstraints(permitted, excluded), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Signed(certificate, key)


def _new_leaf(name: str, signer: _Signed, moment: datetime) -> _Signed:
    """A server certificate for ``name``. The name stands in the SAN alone: a regional name can
    be longer than a common name's 64 characters."""
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = signer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    known = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    certificate = (
        _builder(_name("mhsmregion emulator"), signer.certificate.subject, key, moment, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(known, critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    return _Signed(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, moment: datetime, life: timedelta
) -> x509.CertificateBuilder:
    begin = moment - BEGUN_BEFORE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(organization: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)])


def _key_usage(*allowed: str) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in allowed for name in names})


def _end(certificate: x509.Certificate) -> datetime:
    """End of validity. ``not_valid_after_utc`` came with cryptography 42; az 2.48.1 brings 40."""
    aware: Any = getattr(certificate, "not_valid_after_utc", None)
    return aware if aware is not None else certificate.not_valid_after.replace(tzinfo=timezone.utc)


def _permitted(certificate: x509.Certificate) -> Set[str]:
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    return {name.value for name in constraints.permitted_subtrees or ()}


def _is_signed_by(leaf: _Signed, signer: _Signed) -> bool:
    certificate = leaf.certificate
    try:
        signer.key.public_key().verify(
            certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256())
        )
    except InvalidSignature:
        return False
    return True


def _pem(signed: _Signed) -> bytes:
    key = signed.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + signed.certificate.public_bytes(serialization.Encoding.PEM)


def _read(data: bytes) -> _Signed:
    key = serialization.load_pem_private_key(data, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's file must hold an EC private key")
    return _Signed(x509.load_pem_x509_certificate(data), key)


def _read_leaf(path: Path) -> Optional[_Signed]:
    """The kept leaf, None where there is none or it cannot be read: a leaf can be made again."""
    try:
        return _read(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _java_trust_store(bundle: bytes) -> Optional[bytes]:
    """The certificates of ``bundle`` as PKCS#12 that Java takes for a trust store: each needs
    Oracle's trustedKeyUsage attribute, which cryptography writes from version 45 on."""
    serialize = getattr(pkcs12, "serialize_java_truststore", None)
    if serialize is None:
        return None
    entries: List[Any] = [
        pkcs12.PKCS12Certificate(certificate, f"authority-{index}".encode())
        for index, certificate in enumerate(_certificates(bundle))
    ]
    store: bytes = serialize(entries, serialization.BestAvailableEncryption(TRUST_STORE_PASSWORD.encode()))
    return store


def _certificates(bundle: bytes) -> Iterator[x509.Certificate]:
    """The certificates of a PEM bundle that the library reads: an old authority of certifi's has
    a serial number of zero, which is warned about today and will be refused."""
    marker = b"-----BEGIN CERTIFICATE-----"
    for text in bundle.split(marker)[1:]:
        with warnings.catch_warnings(), contextlib.suppress(ValueError):
            warnings.simplefilter("ignore")
            yield x509.load_pem_x509_certificate(marker + text)
