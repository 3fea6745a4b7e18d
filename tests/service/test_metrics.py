"""/metrics over the server's plain port, as Prometheus fetches it: no token, no proxy, no TLS."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

from azext_mhsmregion.emulator import embedded
from azext_mhsmregion.emulator.metrics import CONTENT_TYPE, HELP

pytestmark = pytest.mark.socket


def test_a_scraper_without_a_token_gets_every_metric() -> None:
    with embedded.running() as emulator:
        emulator.seed({"name": "ContosoMHSM", "regions": ["australiaeast"]})
        text, kind = scraped(emulator.port)

    assert kind == CONTENT_TYPE
    described = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert described == list(HELP)
    assert 'mhsm_region_healthy{pool="ContosoMHSM",region="australiaeast"} 1' in text.splitlines()


def test_nothing_else_of_the_emulators_own_api_is_had_without_a_token() -> None:
    with embedded.running() as emulator:
        for path in ("/status", "/metrics/", "/metrics?x=1", "/faults"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                scraped(emulator.port, path)
            assert refused.value.code == 403, path


def scraped(port: int, path: str = "/metrics") -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read().decode(), answer.headers["content-type"]
