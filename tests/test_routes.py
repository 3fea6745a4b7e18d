"""Paths to handlers (rules C3b, K5)."""

import pytest

from azext_mhsmregion.emulator.routes import Router


@pytest.fixture
def router():
    made = Router()
    made.add("GET", "/keys/{name}/{version}")("version")
    made.add("GET", "/{scope:path}/providers/X/roles")("roles")
    made.add("PUT", "/keys/{name}")("put")
    return made


def test_segments_are_compared_without_case_and_taken_as_sent(router):
    assert router.find("GET", "/KEYS/My%20Key/V1/") == ("version", {"name": "My Key", "version": "V1"}, True)


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/providers/x/Roles", "/"),
        ("/keys/providers/x/roles", "/keys"),
        ("/keys/a/providers/x/roles", "/keys/a"),
    ],
)
def test_a_path_parameter_takes_any_number_of_segments(router, path, scope):
    assert router.find("GET", path) == ("roles", {"scope": scope}, True)


def test_a_known_path_with_another_method_is_told_apart_from_an_unknown_one(router):
    assert router.find("DELETE", "/keys/a") == (None, {}, True)
    assert router.find("DELETE", "/nothing/here/at/all") == (None, {}, False)
