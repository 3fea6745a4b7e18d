"""base64url, the form of JWK and JWE members (RFC 7515)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azext_mhsmregion.crypto import b64url


def test_known_answer_of_rfc_7515_appendix_c():
    octets = bytes([3, 236, 255, 224, 193])
    assert b64url.encode(octets) == "A-z_4ME"
    assert b64url.decode("A-z_4ME") == octets


@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=80))
def test_both_alphabets_padded_or_not(data):
    standard = b64url.encode_standard(data)
    for text in (b64url.encode(data), standard, standard.rstrip("=")):
        assert b64url.decode(text) == data


@pytest.mark.parametrize("text", ["AQ?AB", "AQ AB", "AQAB\n", "A", "AQ=AB", "é"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        b64url.decode(text)


def test_numbers():
    assert b64url.encode_int(65537) == "AQAB"
    assert b64url.encode_int(1, 32) == "A" * 42 + "E"
    assert b64url.decode_int("AQAB") == b64url.decode_int("AAEAAQ") == 65537
    with pytest.raises(OverflowError):
        b64url.encode_int(1 << 16, 2)
