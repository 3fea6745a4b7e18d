"""Runs ``mhsm`` in process against the fake provider."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Optional

import pytest

from azext_mhsmregion.cli import app, context

from .fake import Clock, FakeProvider, PoolState


class Stream(io.StringIO):
    """A standard stream that is a terminal, or not."""

    def __init__(self, text: str = "", terminal: bool = False) -> None:
        super().__init__(text)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Program:
    """``mhsm``, its provider and its clock. ``answer``: what a user at a terminal types."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.clock = Clock()
        self.provider = FakeProvider(self.clock)
        self.terminal = False
        self.answer: Optional[str] = None
        self.options: Optional[context.Options] = None
        monkeypatch.setattr(context, "now", self.clock.now)
        monkeypatch.setattr(context, "sleep", self.clock.sleep)
        monkeypatch.setattr(context, "provider", self._provide)

    def _provide(self, cli_ctx: Any) -> FakeProvider:
        self.options = context.session(cli_ctx).options
        return self.provider

    def pool(self, name: str = "ContosoMHSM", **settings: Any) -> PoolState:
        made = PoolState(name, settings.pop("location", "uksouth"), **settings)
        self.provider.pools[name.lower()] = made
        return made

    def called(self, name: str) -> list:
        return [call for call in self.provider.calls if call[0] == name]

    def __call__(self, line: str, *more: str) -> Outcome:
        out, err = Stream(), Stream(terminal=self.terminal)
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Stream(self.answer or "", self.answer is not None))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            for logger in (logging.getLogger(), logging.getLogger("cli")):
                patch.setattr(logger, "handlers", [])
            code = app.main([*line.split(), *more])
        return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture
def mhsm(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Program:
    monkeypatch.setenv("MHSMREGION_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MHSMREGION_PROVIDER", raising=False)
    return Program(monkeypatch)


@pytest.fixture
def mhsm_process(tmp_path: Any) -> Any:
    """``mhsm`` in a process of its own, on a home of its own whose server is stopped in the end."""
    home = tmp_path / "home"

    def run(line: str, **environment: str) -> Any:
        return subprocess.run(
            [sys.executable, "-m", "azext_mhsmregion.cli.app", *line.split()],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "MHSMREGION_HOME": str(home), **environment},
        )

    run.home = home
    yield run
    run("keyvault emulator stop")
