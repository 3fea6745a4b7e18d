"""Rotation on the wire: rotate a key now, get and set its rotation policy (rules E8, K1, L6)."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from azext_mhsmregion.emulator import acceptance, objects, parse
from azext_mhsmregion.emulator.dataplane import bodies
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import keys, messages, rotation
from azext_mhsmregion.model.errors import Conflict, Invalid
from azext_mhsmregion.model.merge import Key
from azext_mhsmregion.model.rotation import Action

POLICY = "/keys/{name}/rotationpolicy"


def register(router: Router) -> None:
    """Routes of this file: before ``/keys/{name}/{version}``, which fits them too."""
    router.add("POST", "/keys/{name}/rotate")(rotate)
    router.add("GET", POLICY)(get_policy)
    router.add("PUT", POLICY)(set_policy)


def rotate(visit: Visit, name: str) -> Response:
    """A new version like the current one, now. The material is made before the store's transaction opens."""
    action, scope = "keys/rotate/action", f"/keys/{name}"
    with visit.reading(action, scope) as (unit, pool):
        asked = rotation.wanted(objects.key(unit, pool, visit.region, name), name, unit.now)
    handle, wrapped = visit.keyring.make(asked)
    with visit.writing("key", action, scope) as (unit, pool):
        held = objects.key(unit, pool, visit.region, name)
        if not rotation.fits(rotation.wanted(held, name, unit.now), handle):
            raise Conflict(messages.changed_meanwhile(name))
        unit.tx.put_material(pool.id, handle.version, wrapped)
        write = rotation.rotated(held.keys[name], handle, unit.now)
        pool = acceptance.accept(unit, pool, visit.region, [write])
        key = objects.key(unit, pool, visit.region, name).keys[name]
        return json_response(200, bodies.key_body(visit.host_url, pool, name, key.current))


def get_policy(visit: Visit, name: str) -> Response:
    """The policy; one without actions where none was set: Managed HSM gives keys none by itself."""
    with visit.reading("keys/read/action", f"/keys/{name}") as (unit, pool):
        key = keys.live(objects.key(unit, pool, visit.region, name), name, unit.now)
        return json_response(200, _policy_body(visit, key))


def set_policy(visit: Visit, name: str) -> Response:
    """Documented: setting a policy needs the permission to write keys."""
    with visit.writing("key", "keys/write/action", f"/keys/{name}") as (unit, pool):
        held = objects.key(unit, pool, visit.region, name)
        keys.live(held, name, unit.now)
        body = parse.body(visit.ask.request)
        actions = [_action(one) for one in parse.optional(body, "lifetimeActions", list) or []]
        attributes: Mapping[str, Any] = parse.optional(body, "attributes", dict) or {}
        expiry = parse.optional(attributes, "expiryTime", str)
        write = rotation.set_policy(held, name, actions, expiry, unit.now)
        pool = acceptance.accept(unit, pool, visit.region, [write])
        key = objects.key(unit, pool, visit.region, name).keys[name]
        return json_response(200, _policy_body(visit, key))


def _action(given: Any) -> Action:
    if not isinstance(given, dict):
        raise Invalid("'lifetimeActions' must be an array of objects.", "BadParameter")
    trigger: Mapping[str, Any] = parse.optional(given, "trigger", dict) or {}
    action: Mapping[str, Any] = parse.required(given, "action", dict)
    return Action(
        parse.required(action, "type", str),
        parse.optional(trigger, "timeAfterCreate", str),
        parse.optional(trigger, "timeBeforeExpiry", str),
    )


def _policy_body(visit: Visit, key: Key) -> Dict[str, Any]:
    own = key.policy if rotation.has_policy(key) else {}
    dates = {name: own[name] for name in ("created", "updated") if name in own}
    return {
        "attributes": {"expiryTime": own.get("expiry"), **dates},
        "id": f"{visit.host_url}/keys/{key.name}/rotationpolicy",
        "lifetimeActions": [
            {
                "action": {"type": action["type"]},
                "trigger": {
                    "timeAfterCreate": action["after_create"],
                    "timeBeforeExpiry": action["before_expiry"],
                },
            }
            for action in own.get("actions", ())
        ],
    }
