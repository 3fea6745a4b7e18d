"""What the door makes of bodies that no sound client sends."""

import pytest

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.wire import Request
from azext_mhsmregion.model.errors import Invalid


def request(body):
    return Request("PUT", "management.azure.com", "/", {}, {}, body)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(Invalid):
        parse.body(request(body))


@pytest.mark.parametrize("body", [b"", b"  ", b"null"])
def test_an_empty_body_is_an_empty_object(body):
    assert parse.body(request(body)) == {}


def test_digits_in_a_string_are_an_integer():
    assert parse.optional({"days": "7"}, "days", int) == 7
    for wrong in ("seven", "7.5", True, 7.5):
        with pytest.raises(Invalid):
            parse.optional({"days": wrong}, "days", int)


@pytest.mark.parametrize("value", [-1, 10**26, "soon"])
def test_a_time_that_is_none_is_refused(value):
    with pytest.raises(Invalid):
        parse.unix_time({"exp": value}, "exp")


def test_a_time_is_taken():
    assert parse.unix_time({"exp": 4_102_444_800}, "exp") == 4_102_444_800
    assert parse.unix_time({}, "exp") is None
