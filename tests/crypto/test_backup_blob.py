"""Backups under a security domain: what opens, and what does not (rule K4)."""

from __future__ import annotations

import json
import os

import pytest

from azext_mhsmregion.crypto import b64url, backup_blob
from azext_mhsmregion.crypto.backup_blob import KEY, POOL
from azext_mhsmregion.crypto.errors import BadBackup, OtherDomain

DOMAIN, OTHER = b"d" * 32, b"e" * 32
PLAIN = b"a private key, and what it is called"


def sealed(what: str = POOL, domain: bytes = DOMAIN) -> str:
    return backup_blob.seal(domain, PLAIN, what, os.urandom)


@pytest.mark.parametrize("what", [POOL, KEY])
def test_k4_what_was_sealed_opens_under_the_same_domain(what: str) -> None:
    assert backup_blob.open_(DOMAIN, sealed(what), what) == PLAIN


def test_k4_another_domain_is_told_from_damage() -> None:
    with pytest.raises(OtherDomain):
        backup_blob.open_(OTHER, sealed(), POOL)
    with pytest.raises(BadBackup):
        backup_blob.open_(DOMAIN, sealed()[:-4], POOL)


@pytest.mark.parametrize(("made", "asked"), [(POOL, KEY), (KEY, POOL)])
def test_k4_a_backup_of_one_kind_is_none_of_the_other(made: str, asked: str) -> None:
    with pytest.raises(BadBackup):
        backup_blob.open_(DOMAIN, sealed(made), asked)


def test_k4_a_header_of_ours_before_what_another_domain_sealed_does_not_open_it() -> None:
    header, _, rest = sealed().partition(".")
    _, _, theirs = sealed(domain=OTHER).partition(".")
    assert rest != theirs
    with pytest.raises(BadBackup):
        backup_blob.open_(DOMAIN, f"{header}.{theirs}", POOL)


@pytest.mark.parametrize(
    "text", ["", ".", "x", "....", "e30....", "W10....", "eyJraWQiOjd9....", "\u00e4..."]
)
def test_k4_text_that_is_no_backup_is_refused(text: str) -> None:
    with pytest.raises(BadBackup):
        backup_blob.open_(DOMAIN, text, POOL)


def test_k4_the_header_is_of_the_recorded_kind() -> None:
    """golden/hsm_key_using_hsm_name.json, exchange 17: the text that it begins with."""
    header = b64url.decode(sealed(KEY).partition(".")[0])
    assert header.startswith(b'{"alg":"dir","enc":"A256CBC-HS512","kid":"bac')
    assert set(json.loads(header)) == {"alg", "enc", "kid"}


def test_k4_neither_the_contents_nor_the_domain_key_can_be_read_in_it() -> None:
    text = sealed()
    parts = b"".join(b64url.decode(part) for part in text.split(".") if part)
    for secret in (PLAIN, DOMAIN, DOMAIN.hex().encode()):
        assert secret not in text.encode() and secret not in parts
