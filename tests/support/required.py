"""What tests of unmodified clients need. CI asks for them (``MHSMREGION_REQUIRE_CLIENTS=1``): there what is
missing fails, elsewhere it skips."""

from __future__ import annotations

import os

import pytest
from clients import setup

REQUIRED = os.environ.get("MHSMREGION_REQUIRE_CLIENTS") == "1"


def missing(reason: str) -> None:
    """Ends the test, for want of something."""
    pytest.fail(reason) if REQUIRED else pytest.skip(reason)


def sdks(language: str) -> None:
    """The programs of a language, and the SDKs that they use."""
    if not setup.is_ready(language):
        missing(f"python tests/clients/setup.py {language} has not been run since its files changed")
