"""Keys and certificates that the tests of this folder share; making them is what takes time."""

import random
from datetime import datetime, timezone
from typing import Callable, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from azext_mhsmregion.crypto import keys
from azext_mhsmregion.crypto.certificates import self_signed


class Officer(NamedTuple):
    """Someone who holds a wrapping key."""

    key: RSAPrivateKey
    certificate: x509.Certificate
    key_pem: bytes
    certificate_pem: bytes

    @property
    def wrapping_key(self):
        return self.key, self.certificate


def make_officer(name: str) -> Officer:
    key_pem, certificate_pem = self_signed(name, datetime(2026, 1, 1, tzinfo=timezone.utc), 365)
    key = load_pem_private_key(key_pem, password=None)
    return Officer(key, x509.load_pem_x509_certificate(certificate_pem), key_pem, certificate_pem)


@pytest.fixture(scope="session")
def officers():
    """Four people with a wrapping key each."""
    return [make_officer(f"officer-{number}") for number in range(1, 5)]


@pytest.fixture(scope="session")
def exchange():
    """The exchange (transfer) key of the pool that a security domain is restored into."""
    return make_officer("exchange")


@pytest.fixture(scope="session")
def rsa_key():
    return keys.generate("RSA-HSM", 2048, None)


@pytest.fixture(scope="session")
def ec_keys():
    return {curve: keys.generate("EC-HSM", None, curve) for curve in ("P-256", "P-256K", "P-384", "P-521")}


@pytest.fixture
def seeded() -> Callable[[int], bytes]:
    """A random source that repeats."""
    return random.Random(7).randbytes
