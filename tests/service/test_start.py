"""What a server makes ready while it starts, so that its first client does not wait for it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, List

import pytest
from servicekit import TIMEOUT, Home, ServerProcess, seeded

from azext_mhsmregion.emulator.entra.tokens import KEY_FILE
from azext_mhsmregion.emulator.service import open_emulator


@pytest.mark.socket
def test_a_server_makes_its_token_key_before_anybody_asks_for_a_token(tmp_path: Path) -> None:
    home: Home = seeded(tmp_path / "home")
    key = home.folder / KEY_FILE
    assert not key.exists()
    server = ServerProcess(home.folder)
    try:
        deadline = time.monotonic() + TIMEOUT
        while not key.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        server.stop()


def test_threads_that_ask_at_once_share_one_maker_of_tokens(tmp_path: Path) -> None:
    """Two would each know the device sign-ins that the other does not."""
    emulator = open_emulator(tmp_path / "home")
    together = threading.Barrier(8)
    found: List[Any] = []

    def ask() -> None:
        together.wait()
        found.append(emulator.tokens())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    emulator.store.close()
    assert len({id(one) for one in found}) == 1


def test_what_cannot_be_made_ready_is_told_to_who_needs_it(tmp_path: Path) -> None:
    emulator = open_emulator(tmp_path / "home")
    (tmp_path / "home" / KEY_FILE).mkdir()
    emulator.warm_up()
    with pytest.raises(OSError):
        emulator.tokens().issue(emulator.directory.owner, "https://management.azure.com")
    emulator.store.close()
