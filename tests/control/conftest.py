"""The emulator's own API, asked in process."""

import json

import pytest

from azext_mhsmregion.emulator.service import CONTROL_HOST, open_emulator
from azext_mhsmregion.emulator.wire import Caller, Request


class Control:
    """A caller of the control API; ``emulator`` is the thing itself."""

    def __init__(self, emulator):
        self.emulator = emulator

    def __call__(self, method, path, body=None, who="owner", host=CONTROL_HOST, query=None):
        principal = self.emulator.directory.by_name(who).object_id
        data = b"" if body is None else json.dumps(body).encode()
        answer = self.emulator.handle(
            Request(method, host, path, query or {}, {}, data), Caller(principal=principal)
        )
        return answer.status, json.loads(answer.body) if answer.body else None

    def seed(self, *pools):
        status, body = self("POST", "/seed", {"pools": list(pools)})
        assert status == 200, body
        return body["pools"]

    def pools(self):
        return {pool["name"]: pool for pool in self("GET", "/status")[1]["pools"]}

    def data(self, method, path, body=None, pool="ContosoMHSM", region=""):
        host = f"{region + '.' if region else ''}{pool.lower()}.managedhsm.azure.net"
        return self(method, path, body, host=host, query={"api-version": "7.4"})


@pytest.fixture
def control(tmp_path):
    emulator = open_emulator(tmp_path / "home")
    yield Control(emulator)
    emulator.store.close()
