"""Every committed cassette: nothing in it that may not be there, small, used by a scenario."""

import re

import pytest
import scrub
import yaml
from scenario import RECORDINGS
from scenarios import SCENARIOS, file_name

CASSETTES = sorted(RECORDINGS.glob("**/*.yaml"))
LARGEST = 64 * 1024
HEADERS = {"request": scrub.REQUEST_HEADERS, "response": scrub.RESPONSE_HEADERS}


def problems(text):
    """What may not be in a cassette and is, in words."""
    found = [f"JWT {match}" for match in re.findall(r"eyJ[\w-]*\.?eyJ[\w-]{6}", text)]
    found += [f"PEM {match}" for match in re.findall(r"-----BEGIN [A-Z ]+-----", text)]
    for match in scrub.GUID.findall(text):
        if match.lower() not in scrub.BUILT_IN_ROLES and not scrub.PLACEHOLDER.fullmatch(match):
            found.append(f"GUID {match}")
    found += [f"hex {match}" for match in scrub.HEX.findall(text) if not match.startswith("0" * 16)]
    found += [f"e-mail {match}" for match in scrub.EMAIL.findall(text) if match != scrub.SOMEONE]
    found += [f"opaque {match[:20]}" for match in re.findall(r"[\w+=-]{80,}", text)]
    return found + headers_in(yaml.safe_load(text))


def headers_in(content):
    """Headers beyond the allow-list."""
    exchanges = content.get("interactions", ()) if isinstance(content, dict) else ()
    return [
        f"header {name}"
        for exchange in exchanges
        for side, allowed in HEADERS.items()
        for name in exchange[side]["headers"]
        if name.lower() not in allowed
    ]


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_a_committed_cassette_is_clean_and_small(path):
    assert problems(path.read_text()) == []
    assert path.stat().st_size <= LARGEST


def test_each_scenario_has_its_cassette_and_there_is_no_other():
    assert [path.name for path in CASSETTES] == sorted(file_name(name) for name in SCENARIOS)


@pytest.mark.parametrize(
    "planted",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczov.c2lnbmF0dXJl",
        "-----BEGIN CERTIFICATE-----",
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "0123456789abcdef0123456789abcdef",
        "somebody@corp.example",
        "QUJD" * 30,
    ],
)
def test_planted_secrets_are_found(planted):
    assert problems(yaml.safe_dump({"interactions": [], "x": f"a {planted} b"})) != []


def test_a_planted_header_is_found():
    exchange = {"request": {"headers": {"Authorization": ["Bearer x"]}}, "response": {"headers": {}}}
    assert problems(yaml.safe_dump({"interactions": [exchange]})) == ["header Authorization"]
