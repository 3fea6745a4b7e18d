"""``region list`` reads a few rows, whatever the pool holds (DESIGN section 2b)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, Optional, Set, Tuple

from storekit import EXTENDED, PRIMARY, rows

from azext_mhsmregion.emulator.service import Emulator, open_emulator
from azext_mhsmregion.emulator.wire import Caller, Request

RECORDS = {"fault", "pool", "meta", "sqlite_master"}


def ask(emulator: Emulator, method: str, path: str, body: Optional[Any] = None) -> Any:
    subscription = f"/subscriptions/{emulator.directory.subscription_id}"
    request = Request(
        method,
        "management.azure.com",
        f"{subscription}/resourceGroups/default/providers/Microsoft.KeyVault/managedHSMs/Contoso{path}",
        {"api-version": "2023-07-01"},
        {},
        b"" if body is None else json.dumps(body).encode(),
    )
    response = emulator.handle(request, Caller(principal=emulator.directory.owner.object_id))
    assert response.status < 400, response.body
    return json.loads(response.body) if response.body else None


def cost(emulator: Emulator) -> Tuple[Set[str], int]:
    """The tables that one list reads, and the steps of SQLite's machine that it takes."""
    with emulator.store.read() as tx:
        connection = tx._sql
    tables: Set[str] = set()
    steps = [0]

    def watch(action: int, table: Optional[str], *_: Any) -> int:
        if action == sqlite3.SQLITE_READ and table is not None:
            tables.add(table)
        return sqlite3.SQLITE_OK

    def tick() -> None:
        steps[0] += 1

    connection.set_authorizer(watch)
    connection.set_progress_handler(tick, 1)
    found = ask(emulator, "GET", "/regions")
    connection.set_authorizer(None)
    connection.set_progress_handler(None, 1)
    assert [region["name"] for region in found["value"]] == [PRIMARY]
    return tables, steps[0]


def test_region_list_reads_the_records_alone(home: Path) -> None:
    emulator = open_emulator(home)
    properties = {
        "tenantId": emulator.directory.tenant_id,
        "initialAdminObjectIds": [emulator.directory.owner.object_id],
    }
    body = {"location": PRIMARY, "sku": {"family": "B", "name": "Standard_B1"}, "properties": properties}
    ask(emulator, "PUT", "", body)
    tables, few = cost(emulator)
    assert "pool" in tables
    assert tables <= RECORDS
    with emulator.store.write("key") as tx:
        tx.put_rows(tx.pools()[0].id, rows(range(5000), PRIMARY, EXTENDED))
    tables, many = cost(emulator)
    assert tables <= RECORDS
    assert many == few
