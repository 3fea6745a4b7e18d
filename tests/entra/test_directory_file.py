"""The directory of an emulator that is open while its file is edited."""

import json
import logging
import os
import threading

import pytest

from azext_mhsmregion.emulator.service import open_emulator

ANN = {"name": "ann", "kind": "user", "objectId": "a0000000-0000-0000-0000-00000000000a", "password": "x"}


@pytest.fixture
def emulator(tmp_path):
    opened = open_emulator(tmp_path / "home")
    yield opened
    opened.store.close()


@pytest.fixture
def path(emulator):
    return emulator.home / "directory.json"


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def edit(path, change):
    body = json.loads(path.read_text())
    change(body)
    path.write_text(json.dumps(body))


def test_what_is_added_is_there_and_what_is_taken_out_is_gone(emulator, path, warnings):
    edit(path, lambda body: body["principals"].append(ANN))
    assert emulator.directory.by_name("ann").password == "x"
    assert emulator.parts.directory is emulator.directory, "what has not changed is not read again"

    edit(path, lambda body: body["principals"].pop())
    assert emulator.directory.by_name("ann") is None
    assert warnings() == []


def test_a_file_of_the_same_size_and_time_in_its_place_is_seen(emulator, path):
    """As editors save: another file is moved over it."""
    facts = path.stat()
    changed = path.read_text().replace('"other"', '"rehto"')
    draft = path.with_name("draft")
    draft.write_text(changed)
    os.utime(draft, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    os.replace(draft, path)
    assert path.stat().st_size == facts.st_size
    assert emulator.directory.by_name("rehto")


@pytest.mark.parametrize("text", ["", "{", '{"principals": []}'])
def test_a_malformed_file_leaves_the_old_directory_and_is_told_once(emulator, path, warnings, text):
    good, before = path.read_text(), emulator.directory
    path.write_text(text)
    assert emulator.directory is before
    assert emulator.directory is before
    (told,) = warnings()
    assert str(path) in told and "is not used" in told

    path.write_text(good.replace('"other"', '"another"'))
    assert emulator.directory.by_name("another")
    assert len(warnings()) == 1


def test_a_file_that_is_gone_is_told_and_not_made_anew(emulator, path, warnings):
    before = emulator.directory
    path.unlink()
    assert emulator.directory is before
    assert len(warnings()) == 1
    assert not path.exists()


def test_tokens_of_a_tenant_that_was_changed_are_refused(emulator, path):
    from azext_mhsmregion.emulator.entra.tokens import WrongTenant

    token = emulator.tokens().issue(emulator.directory.owner, "https://managedhsm.azure.net")
    emulator.tokens().verify(token, ["https://managedhsm.azure.net"])
    edit(path, lambda body: body.update(tenantId="d0000000-0000-0000-0000-00000000000d"))
    with pytest.raises(WrongTenant):
        emulator.tokens().verify(token, ["https://managedhsm.azure.net"])


def test_threads_see_whole_directories_while_the_file_is_edited(emulator, path):
    good = path.read_text()
    seen, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            seen.add(emulator.directory.principals[2].name)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(200):
        path.write_text(good.replace('"other"', f'"other-{number % 2}"'))
    stop.set()
    for thread in threads:
        thread.join()
    assert seen <= {"other", "other-0", "other-1"}
    assert emulator.directory.by_name("other-1")
