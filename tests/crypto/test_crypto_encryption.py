"""RSA encryption (rule K1): pyca on the other side, every refusal, and no oracle in its words."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from azext_mhsmregion.crypto import encryption, keys
from azext_mhsmregion.crypto.errors import BadPlaintext, DecryptFailed, UnsupportedAlgorithm


def oaep(hash_):
    return padding.OAEP(padding.MGF1(hash_), hash_, None)


PADDINGS = {
    "RSA-OAEP-256": oaep(hashes.SHA256()),
    "RSA-OAEP": oaep(hashes.SHA1()),
    "RSA1_5": padding.PKCS1v15(),
}
ROOM = {"RSA-OAEP-256": 190, "RSA-OAEP": 214, "RSA1_5": 245}
"""Bytes that a key of 2048 bits takes (RFC 8017, 7.1.1 and 7.2.1)."""


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", PADDINGS)
def test_k1_rsa_encryption_is_pycas(rsa_key, algorithm):
    ours = encryption.encrypt(rsa_key, algorithm, b"abcdef")
    assert len(ours) == 256
    assert rsa_key.decrypt(ours, PADDINGS[algorithm]) == b"abcdef"
    theirs = rsa_key.public_key().encrypt(b"abcdef", PADDINGS[algorithm])
    assert encryption.decrypt(rsa_key, algorithm, theirs) == b"abcdef"


def test_the_public_part_alone_encrypts(rsa_key):
    ciphertext = encryption.encrypt(rsa_key.public_key(), "RSA-OAEP-256", b"a key")
    assert encryption.decrypt(keys.load(keys.to_der(rsa_key)), "RSA-OAEP-256", ciphertext) == b"a key"


@pytest.mark.parametrize("algorithm", PADDINGS)
def test_as_much_as_the_modulus_has_room_for_and_no_more(rsa_key, algorithm):
    most = bytes(range(ROOM[algorithm]))
    assert encryption.decrypt(rsa_key, algorithm, encryption.encrypt(rsa_key, algorithm, most)) == most
    with pytest.raises(BadPlaintext, match=f"at most {len(most)} bytes, not {len(most) + 1}"):
        encryption.encrypt(rsa_key, algorithm, most + b"\x00")


@pytest.mark.parametrize("algorithm", PADDINGS)
def test_every_failure_to_decrypt_has_the_same_words(rsa_key, algorithm):
    good = encryption.encrypt(rsa_key, algorithm, b"abcdef")
    other = encryption.encrypt(keys.generate("RSA-HSM", 2048, None), algorithm, b"abcdef")
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    bad = [b"", b"\x00", good[:-1], good + b"\x00", bytes(256), b"\xff" * 256, other, flipped]
    said = set()
    for one in bad:
        try:
            assert encryption.decrypt(rsa_key, algorithm, one) != b"abcdef"
            # OpenSSL from 3.2 on decrypts rubbish under RSA1_5 to rubbish, so that nobody can tell
            assert algorithm == "RSA1_5"
        except DecryptFailed as error:
            said.add(str(error))
            assert error.__cause__ is None and error.__suppress_context__
    assert said == {"The value was not encrypted with this key and algorithm."}


def test_one_algorithms_ciphertext_is_rubbish_to_another(rsa_key):
    for algorithm, other in [("RSA-OAEP", "RSA-OAEP-256"), ("RSA-OAEP-256", "RSA-OAEP")]:
        with pytest.raises(DecryptFailed):
            encryption.decrypt(rsa_key, other, encryption.encrypt(rsa_key, algorithm, b"abcdef"))


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", ["RSA-OAEP-512", "rsa-oaep", "A256GCM", "RS256", ""])
def test_k1_an_rsa_key_refuses_other_algorithms(rsa_key, algorithm):
    with pytest.raises(UnsupportedAlgorithm):
        encryption.encrypt(rsa_key, algorithm, b"a")
    with pytest.raises(UnsupportedAlgorithm):
        encryption.decrypt(rsa_key, algorithm, bytes(256))


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", PADDINGS)
def test_k1_an_ec_key_does_not_encrypt(ec_keys, algorithm):
    with pytest.raises(UnsupportedAlgorithm):
        encryption.encrypt(ec_keys["P-256"], algorithm, b"a")
    with pytest.raises(UnsupportedAlgorithm):
        encryption.decrypt(ec_keys["P-256"], algorithm, bytes(256))
