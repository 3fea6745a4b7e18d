"""The document's words as calls: what it names reads and writes, each as one request to a region."""

from __future__ import annotations

from typing import Any, Callable, Dict

from .harness import CRYPTO_AUDITOR, CRYPTO_USER, DIGEST, OTHER, PRIMARY, SIX_MINUTES, Answer, World

ROLES = "/providers/Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
CUSTOM = "aaaaaaaa-1111-4222-8333-444444444444"
SPARE = "bbbbbbbb-1111-4222-8333-444444444444"
OLD_ASSIGNMENT = "cccccccc-1111-4222-8333-444444444444"
NEW_ASSIGNMENT = "dddddddd-1111-4222-8333-444444444444"
SETTING = "AllowKeyManagementOperationsThroughARM"
IV = "A" * 16
"""12 zero bytes, base64url."""

OUTAGES = ("pool", "service", "region")
"""Scopes under which a whole region is out."""

Call = Callable[[str], Answer]
"""One operation, asked of a region."""


def role_body(name: str, action: str = "keys/read/action") -> Dict[str, Any]:
    action = f"Microsoft.KeyVault/managedHsm/{action}"
    return {"properties": {"roleName": name, "permissions": [{"dataActions": [action]}]}}


def furnished(world: World, *extended: str) -> World:
    """An extended pool with something of everything, the same in every region."""
    world.extended_pool(*extended)
    world.put_key("k").ok()
    world.put_key("aes", kty="oct-HSM", crv=None, key_size=256).ok()
    for name in ("spare", "lost", "old"):
        world.put_key(name).ok()
    for name in ("lost", "old"):
        world.data("DELETE", f"/keys/{name}").ok()
    for role in (CUSTOM, SPARE):
        world.data("PUT", f"{ROLES}/{role}", role_body(role[:4])).ok()
    world.assign(CRYPTO_AUDITOR, OTHER, name=OLD_ASSIGNMENT).ok()
    world.advance(SIX_MINUTES)
    return world


def reads(world: World) -> Dict[str, Call]:
    """F2's reads, by name. What they decrypt, verify and unwrap was made in the primary before."""
    sealed = world.data("POST", "/keys/aes/encrypt", {"alg": "A256GCM", "value": DIGEST}, region=PRIMARY)
    opened = {"alg": "A256GCM", **{name: sealed.ok().body[name] for name in ("value", "iv", "tag")}}
    wrap = {"alg": "A256KW", "value": DIGEST}
    wrapped = {
        **wrap,
        "value": world.data("POST", "/keys/aes/wrapKey", wrap, region=PRIMARY).ok().body["value"],
    }
    signature = world.sign("k", PRIMARY).ok().body["value"]

    def get(path: str) -> Call:
        return lambda region: world.data("GET", path, region=region)

    def post(path: str, body: Any) -> Call:
        return lambda region: world.data("POST", path, body, region=region)

    return {
        "get key": get("/keys/k"),
        "list keys": get("/keys"),
        "list versions": get("/keys/k/versions"),
        "list deleted keys": get("/deletedkeys"),
        "sign": lambda region: world.sign("k", region),
        "verify": lambda region: world.verify("k", signature, region),
        "encrypt": post("/keys/aes/encrypt", {"alg": "A256GCM", "value": DIGEST}),
        "decrypt": post("/keys/aes/decrypt", opened),
        "wrap": post("/keys/aes/wrapKey", wrap),
        "unwrap": post("/keys/aes/unwrapKey", wrapped),
        "random bytes": post("/rng", {"count": 16}),
        "list role assignments": get(ASSIGNMENTS),
        "get role assignment": get(f"{ASSIGNMENTS}/{OLD_ASSIGNMENT}"),
        "list role definitions": get(ROLES),
        "get settings": get(f"/settings/{SETTING}"),
        "list settings": get("/settings"),
    }


def writes(world: World) -> Dict[str, Call]:
    """F1's and F3's writes, by name; each can be made once."""

    def send(method: str, path: str, body: Any = None) -> Call:
        return lambda region: world.data(method, path, body, region=region)

    return {
        "create key": lambda region: world.put_key("made", region),
        "new version of a key": lambda region: world.put_key("k", region),
        "update key": send("PATCH", "/keys/k", {"tags": {"a": "b"}}),
        "delete key": send("DELETE", "/keys/spare"),
        "recover key": send("POST", "/deletedkeys/lost/recover"),
        "purge key": send("DELETE", "/deletedkeys/old"),
        "create role definition": send("PUT", f"{ROLES}/{NEW_ASSIGNMENT}", role_body("made")),
        "update role definition": send("PUT", f"{ROLES}/{CUSTOM}", role_body("changed", "keys/sign/action")),
        "delete role definition": send("DELETE", f"{ROLES}/{SPARE}"),
        "create role assignment": lambda region: world.assign(
            CRYPTO_USER, OTHER, region=region, name=NEW_ASSIGNMENT
        ),
        "delete role assignment": send("DELETE", f"{ASSIGNMENTS}/{OLD_ASSIGNMENT}"),
        "update setting": send("PATCH", f"/settings/{SETTING}", {"value": "true"}),
    }


def answers(calls: Dict[str, Call], region: str) -> Dict[str, int]:
    """The status of each call in a region."""
    return {name: call(region).status for name, call in calls.items()}


def refused(statuses: Dict[str, int]) -> Dict[str, int]:
    """Those that were not answered with a 2xx."""
    return {name: status for name, status in statuses.items() if not 200 <= status < 300}
