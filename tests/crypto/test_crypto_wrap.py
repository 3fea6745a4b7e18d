"""Key material at rest (rule K4)."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from azext_mhsmregion.crypto import wrap
from azext_mhsmregion.crypto.errors import BadKey, BadRandom, UnwrapFailed

HOME_KEY = bytes(range(32))
PLAINTEXT = b"the private key of version 1"
PURPOSE = b"pool/contoso/key/k1/version/1"


@pytest.fixture
def blob(seeded):
    return wrap.wrap(HOME_KEY, PLAINTEXT, PURPOSE, seeded)


def test_a_new_home_key_is_32_bytes_of_the_source(seeded):
    asked = []

    def source(length):
        asked.append(length)
        return seeded(length)

    first, second = wrap.new_home_key(source), wrap.new_home_key(source)
    assert asked == [32, 32]
    assert len(first) == 32
    assert first != second


@pytest.mark.rule("K4")
def test_k4_layout_is_version_nonce_ciphertext(blob):
    assert blob[:1] == b"\x01"
    assert PLAINTEXT not in blob
    assert len(blob) == 1 + 12 + len(PLAINTEXT) + 16
    assert AESGCM(HOME_KEY).decrypt(blob[1:13], blob[13:], b"\x01" + PURPOSE) == PLAINTEXT


def test_nonce_comes_from_the_source():
    assert wrap.wrap(HOME_KEY, b"", b"", lambda n: b"\x07" * n)[1:13] == b"\x07" * 12


@settings(max_examples=50, deadline=None, database=None)
@given(
    plaintext=st.binary(max_size=300),
    purpose=st.binary(max_size=40),
    nonce=st.binary(min_size=12, max_size=12),
)
def test_unwrap_gives_what_was_wrapped(plaintext, purpose, nonce):
    blob = wrap.wrap(HOME_KEY, plaintext, purpose, lambda _: nonce)
    assert wrap.unwrap(HOME_KEY, blob, purpose) == plaintext


@pytest.mark.rule("K4")
def test_k4_every_changed_bit_is_seen(blob):
    for position in range(len(blob) * 8):
        changed = bytearray(blob)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(UnwrapFailed):
            wrap.unwrap(HOME_KEY, bytes(changed), PURPOSE)


@pytest.mark.rule("K4")
def test_k4_every_cut_and_any_addition_is_seen(blob):
    for length in range(len(blob)):
        with pytest.raises(UnwrapFailed):
            wrap.unwrap(HOME_KEY, blob[:length], PURPOSE)
    with pytest.raises(UnwrapFailed):
        wrap.unwrap(HOME_KEY, blob + b"\x00", PURPOSE)


@pytest.mark.rule("K4")
def test_k4_another_home_or_purpose_does_not_open(blob):
    for home_key, purpose in [(bytes(32), PURPOSE), (HOME_KEY, PURPOSE + b"0"), (HOME_KEY, b"")]:
        with pytest.raises(UnwrapFailed):
            wrap.unwrap(home_key, blob, purpose)


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_home_key_has_32_bytes(blob, seeded, length):
    """16 and 24 would be AES-128 and AES-192 to pyca."""
    with pytest.raises(BadKey):
        wrap.wrap(bytes(length), PLAINTEXT, PURPOSE, seeded)
    with pytest.raises(BadKey):
        wrap.unwrap(bytes(length), blob, PURPOSE)


def test_a_source_that_gives_too_little_is_refused():
    with pytest.raises(BadRandom):
        wrap.new_home_key(lambda n: bytes(n - 1))
    with pytest.raises(BadRandom):
        wrap.wrap(HOME_KEY, PLAINTEXT, PURPOSE, lambda n: bytes(n + 1))
