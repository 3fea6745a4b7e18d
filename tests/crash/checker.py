"""The process that comes after a crash: opens the home, judges its state, and goes on working.

    checker.py HOME [HOME ...]      prints one JSON line for each home:
        {"state": ..., "problems": [...], "server": is one said to run?}

MHSMREGION_CRASH_ACKS: JSON of what was acknowledged beside writes (a token, an authority's serial).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List

from rig import POOL, Rig
from state import problems, state

from azext_mhsmregion.emulator import running


def check(home: Path, acknowledged: Dict[str, Any]) -> Dict[str, Any]:
    rig = Rig(home, "story")  # the ids of a first opening, if there was none before
    held, wrong, server = state(home), problems(home), running.find(home) is not None
    look_at_everything(rig)
    check_files(rig, acknowledged)
    rig.emulator.store.close()
    go_on(Rig(home, f"after the crash of {home.name}"))
    wrong += [f"after one more write: {problem}" for problem in problems(home)]
    return {"state": held, "problems": wrong, "server": server}


def look_at_everything(rig: Rig) -> None:
    """Every read that a user has; every key signs, so its material is there and whole."""
    pools = json.loads(rig.ask("GET", f"{rig.subscription}/providers/Microsoft.KeyVault/managedHSMs").body)
    rig.ask("GET", f"{rig.subscription}/resourceGroups")
    rig.ask("GET", f"{rig.subscription}/providers/Microsoft.KeyVault/deletedManagedHSMs")
    for pool in pools["value"]:
        assert pool["name"] == POOL
        rig.ask("GET", rig.pool)
        listed = json.loads(rig.ask("GET", f"{rig.pool}/regions").body)["value"]
        if may_use_keys(rig):
            for region in [item for item in listed if item["provisioningState"] == "Succeeded"]:
                use_keys(rig, region["name"])


def may_use_keys(rig: Rig) -> bool:
    path = "keys/providers/Microsoft.Authorization/roleAssignments"
    try:
        held = json.loads(rig.ask("GET", f"{rig.vault()}/{path}").body)["value"]
    except RuntimeError as error:
        reasons = ("HsmNotActivated", "does not resolve", "is in restore mode")
        assert any(reason in str(error) for reason in reasons), error
        return False
    return len(held) > 1


def use_keys(rig: Rig, region: str) -> None:
    vault = rig.vault(region)
    for item in json.loads(rig.ask("GET", f"{vault}/keys").body)["value"]:
        name = item["kid"].rsplit("/", 1)[1]
        for version in json.loads(rig.ask("GET", f"{vault}/keys/{name}/versions").body)["value"]:
            path = "/".join(version["kid"].rsplit("/", 2)[1:])
            rig.ask("POST", f"{vault}/keys/{path}/sign", {"alg": "ES256", "value": "A" * 43})


def check_files(rig: Rig, acknowledged: Dict[str, Any]) -> None:
    if "token" in acknowledged:
        rig.emulator.tokens().verify(acknowledged["token"], ["audience"])
    if (rig.home / "token-key.pem").exists():
        rig.token()
    if (rig.home / "ca").exists():
        serial = rig.authority()["serial"]
        assert serial == acknowledged.get("serial", serial), "another authority"
        rig.leaf()


def go_on(rig: Rig) -> None:
    """One more write, in the pool where it takes one."""
    rig.group("after")
    if may_use_keys(rig):
        rig.key("after")
        use_keys(rig, "uksouth")


def main(arguments: List[str]) -> None:
    acknowledged = json.loads(os.environ.get("MHSMREGION_CRASH_ACKS", "{}"))
    for home in arguments:
        print(json.dumps(check(Path(home), acknowledged)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
