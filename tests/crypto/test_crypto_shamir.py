"""Secret sharing as azure-cli reads it (rule C4: a quorum)."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azext_mhsmregion.crypto import shamir
from azext_mhsmregion.crypto.errors import BadRandom, BadShare


def coefficient(number):
    """A source whose every coefficient is ``number``."""
    return lambda length: number.to_bytes(length, "big")


def test_known_shares():
    # f(x) = 5 + 7 x mod 257: 12, 19, 26; number x in the upper 7 bits, little-endian.
    shares = shamir.split(b"\x05", 3, 2, coefficient(7))
    assert [share.hex() for share in shares] == ["0c02", "1304", "1a06"]


def test_a_value_of_256_takes_the_ninth_bit():
    shares = shamir.split(b"\x00\x01", 2, 2, coefficient(256))
    assert shares[0].hex() == "0003" + "0002"  # f(1) = 256 and 0
    assert shamir.combine(shares, 2) == b"\x00\x01"


def test_known_quadratic():
    # f(x) = 9 + 3 x + 3 x^2: 15, 27, 45, 69
    shares = shamir.split(b"\x09", 4, 3, coefficient(3))
    assert [int.from_bytes(share, "little") & 0x1FF for share in shares] == [15, 27, 45, 69]
    assert shamir.combine(shares[1:], 3) == b"\x09"


@st.composite
def splits(draw):
    secret = draw(st.binary(min_size=1, max_size=40))
    required = draw(st.integers(2, 10))
    count = draw(st.integers(required, 10))
    return secret, count, required, random.Random(draw(st.integers(0, 2**32)))


@pytest.mark.rule("C4")
@settings(max_examples=100, deadline=None, database=None)
@given(splits())
def test_c4_any_quorum_recovers_in_any_order(case):
    secret, count, required, source = case
    shares = shamir.split(secret, count, required, source.randbytes)
    assert {len(share) for share in shares} == {2 * len(secret)}
    for chosen in itertools.islice(itertools.combinations(shares, required), 30):
        shuffled = source.sample(chosen, required)
        assert shamir.combine(shuffled, required) == secret


@pytest.mark.rule("C4")
@settings(max_examples=100, deadline=None, database=None)
@given(splits())
def test_c4_fewer_than_a_quorum_do_not_recover(case):
    _, count, required, source = case
    secret = source.randbytes(32)
    shares = shamir.split(secret, count, required, source.randbytes)[: required - 1]
    with pytest.raises(BadShare):
        shamir.combine(shares, required)
    if required > 2:
        try:
            recovered = shamir.combine(shares, required - 1)
        except BadShare:  # a value of 256, which is no byte
            return
        assert recovered != secret


@pytest.mark.rule("C4")
def test_c4_one_share_of_two_says_nothing():
    """Over all coefficients, a share takes every value once, whatever the secret."""
    for secret in (0, 1, 128, 255):
        values = [
            int.from_bytes(shamir.split(bytes([secret]), 2, 2, coefficient(number))[1], "little") & 0x1FF
            for number in range(257)
        ]
        assert sorted(values) == list(range(257))


def test_every_byte_has_coefficients_of_its_own(seeded):
    shares = shamir.split(bytes(32), 2, 2, seeded)
    assert len({shares[0][i : i + 2] for i in range(0, 64, 2)}) > 20


def test_126_shares_are_the_most(seeded):
    shares = shamir.split(b"secret", 126, 126, seeded)
    assert shamir.combine(shares, 126) == b"secret"
    assert int.from_bytes(shares[-1][:2], "little") >> 9 == 126


@pytest.mark.parametrize("count, required", [(3, 1), (3, 0), (2, 3), (127, 2), (0, 0)])
def test_splits_that_cannot_be_made(seeded, count, required):
    with pytest.raises(BadShare):
        shamir.split(b"secret", count, required, seeded)


def test_an_empty_secret_is_refused(seeded):
    with pytest.raises(BadShare):
        shamir.split(b"", 3, 2, seeded)


def test_a_source_that_gives_too_little_is_refused():
    with pytest.raises(BadRandom):
        shamir.split(b"secret", 3, 2, lambda n: b"")


GOOD = bytes.fromhex("0c02")


@pytest.mark.parametrize(
    "shares",
    [
        [],
        [GOOD],
        [GOOD, GOOD],  # twice
        [GOOD, b""],
        [GOOD, b"\x13"],  # half a word
        [GOOD, bytes.fromhex("13041304")],  # of another length
        [bytes.fromhex("0c020c02"), bytes.fromhex("13041306")],  # two numbers in one share
        [GOOD, bytes.fromhex("1300")],  # number 0 would be the secret itself
        [GOOD, bytes.fromhex("0105")],  # 257 is no value
        [bytes.fromhex("ff02"), bytes.fromhex("fe04")],  # f(0) = 256 is no byte
    ],
)
def test_shares_that_cannot_belong_together(shares):
    with pytest.raises(BadShare):
        shamir.combine(shares, 2)


def test_shares_beyond_the_quorum_are_not_looked_at(seeded):
    shares = shamir.split(b"secret", 4, 2, seeded)
    assert shamir.combine([*shares[2:], shares[2], b"no share"], 2) == b"secret"


def test_combine_takes_a_quorum_of_two_at_least():
    with pytest.raises(BadShare):
        shamir.combine([GOOD], 1)
