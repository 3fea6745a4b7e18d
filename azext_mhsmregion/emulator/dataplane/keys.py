"""Keys on the wire: create, get, list, versions, update, delete, recover, purge. Their use: key_use.py."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from azext_mhsmregion.crypto.keys import RSA_EXPONENT
from azext_mhsmregion.emulator import acceptance, objects, parse
from azext_mhsmregion.emulator.dataplane import absent, bodies
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.objects import KEYS
from azext_mhsmregion.emulator.paging import Item, page
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import keys
from azext_mhsmregion.model.errors import NotCovered
from azext_mhsmregion.model.keys import KeyChange, KeyHandle, KeyRequest
from azext_mhsmregion.model.names import check_key_name

PAGE = 25


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("POST", "/keys/{name}/create")(create)
    router.add("GET", "/keys")(list_keys)
    router.add("GET", "/keys/{name}/versions")(list_versions)
    router.add("GET", "/keys/{name}")(get)
    router.add("GET", "/keys/{name}/{version}")(get)
    router.add("PATCH", "/keys/{name}")(update)
    router.add("PATCH", "/keys/{name}/{version}")(update)
    router.add("DELETE", "/keys/{name}")(delete)
    router.add("GET", "/deletedkeys")(list_deleted)
    router.add("GET", "/deletedkeys/{name}")(get_deleted)
    router.add("POST", "/deletedkeys/{name}/recover")(recover)
    router.add("DELETE", "/deletedkeys/{name}")(purge)


def create(visit: Visit, name: str) -> Response:
    """The key is made before the store's transaction opens: an RSA-4096 takes a while."""
    with visit.reading("keys/create", f"/keys/{name}"):
        check_key_name(name)
        asked = keys.canonical(_request(parse.body(visit.ask.request)))
    return store(visit, name, "keys/create", asked, *visit.keyring.make(asked))


def store(
    visit: Visit, name: str, action: str, asked: KeyRequest, handle: KeyHandle, wrapped: bytes
) -> Response:
    """Accept a new version of a key whose material lies ready."""
    with visit.writing("key", action, f"/keys/{name}") as (unit, pool):
        writes = keys.create(objects.key(unit, pool, visit.region, name), name, asked, handle, unit.now)
        unit.tx.put_material(pool.id, handle.version, wrapped)
        pool = acceptance.accept(unit, pool, visit.region, writes)
        key = objects.key(unit, pool, visit.region, name).keys[name]
        return json_response(200, bodies.key_body(visit.host_url, pool, name, key.current))


def get(visit: Visit, name: str, version: str = "") -> Response:
    with visit.reading("keys/read/action", f"/keys/{name}") as (unit, pool):
        found = keys.live_version(objects.key(unit, pool, visit.region, name), name, version, unit.now)
        return json_response(200, bodies.key_body(visit.host_url, pool, name, found[1]))


def list_keys(visit: Visit) -> Response:
    with visit.reading("keys/read/action", "/keys") as (unit, pool):
        shown = [
            (key.name, bodies.key_item(visit.host_url, pool, key))
            for key in objects.shown(unit, pool, visit.region, KEYS).keys.values()
            if key.state.get("deleted") is None
        ]
    return _page(visit, "/keys", shown)


def list_versions(visit: Visit, name: str) -> Response:
    with visit.reading("keys/read/action", f"/keys/{name}") as (unit, pool):
        key = keys.live(objects.key(unit, pool, visit.region, name), name, unit.now)
        url = visit.host_url
        shown = [(one.version, bodies.key_item(url, pool, key, one.version)) for one in key.versions]
    return _page(visit, f"/keys/{name}/versions", shown)


def update(visit: Visit, name: str, version: str = "") -> Response:
    with visit.writing("key", "keys/write/action", f"/keys/{name}") as (unit, pool):
        asked = _change(parse.body(visit.ask.request))
        write = keys.update(objects.key(unit, pool, visit.region, name), name, version, asked, unit.now)
        pool = acceptance.accept(unit, pool, visit.region, [write])
        held = objects.key(unit, pool, visit.region, name)
        _, found = keys.live_version(held, name, write.version, unit.now)
        return json_response(200, bodies.key_body(visit.host_url, pool, name, found))


def delete(visit: Visit, name: str) -> Response:
    with visit.writing("key", "keys/delete", f"/keys/{name}") as (unit, pool):
        write = keys.delete(objects.key(unit, pool, visit.region, name), name, pool, unit.now)
        pool = acceptance.accept(unit, pool, visit.region, [write])
        key = objects.key(unit, pool, visit.region, name).keys[name]
        body = bodies.key_body(visit.host_url, pool, name, key.current)
        return json_response(200, {**body, **bodies.deletion(visit.host_url, key)})


def list_deleted(visit: Visit) -> Response:
    with visit.reading("keys/deletedKeys/read/action", "/keys") as (unit, pool):
        url = visit.host_url
        shown = [
            (key.name, {**bodies.key_item(url, pool, key), **bodies.deletion(url, key)})
            for key in objects.shown(unit, pool, visit.region, KEYS).keys.values()
            if keys.is_deleted(key, unit.now)
        ]
    return _page(visit, "/deletedkeys", shown)


def get_deleted(visit: Visit, name: str) -> Response:
    with visit.reading("keys/deletedKeys/read/action", f"/keys/{name}") as (unit, pool):
        key = keys.deleted(objects.key(unit, pool, visit.region, name), name, unit.now)
        body = bodies.key_body(visit.host_url, pool, name, key.current)
        return json_response(200, {**body, **bodies.deletion(visit.host_url, key)})


def recover(visit: Visit, name: str) -> Response:
    with visit.writing("key", "keys/deletedKeys/recover/action", f"/keys/{name}") as (unit, pool):
        write = keys.recover(objects.key(unit, pool, visit.region, name), name, unit.now)
        pool = acceptance.accept(unit, pool, visit.region, [write])
        key = objects.key(unit, pool, visit.region, name).keys[name]
        return json_response(200, bodies.key_body(visit.host_url, pool, name, key.current))


def purge(visit: Visit, name: str) -> Response:
    with visit.writing("key", "keys/deletedKeys/delete", f"/keys/{name}") as (unit, pool):
        held = objects.key(unit, pool, visit.region, name)
        acceptance.accept(unit, pool, visit.region, [keys.purge(held, name, pool, unit.now)])
    visit.keyring.forget(version.version for version in held.keys[name].versions)
    return Response(204, (("content-type", "application/json; charset=utf-8"),))


def _change(body: Mapping[str, Any]) -> KeyChange:
    attributes = attributes_of(body)
    operations = None if body.get("key_ops") is None else tuple(parse.strings(body, "key_ops"))
    return KeyChange(
        operations=operations,
        enabled=parse.optional(attributes, "enabled", bool),
        not_before=parse.unix_time(attributes, "nbf"),
        expires=parse.unix_time(attributes, "exp"),
        tags=parse.text_map(body, "tags"),
    )


def attributes_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What both a new key and a change may say of it. Raises NotCovered for what we cannot keep."""
    absent.refuse_members(body, "release_policy")
    attributes: Mapping[str, Any] = parse.optional(body, "attributes", dict) or {}
    absent.refuse_members(attributes, "exportable")
    return attributes


def _request(body: Mapping[str, Any]) -> KeyRequest:
    if parse.optional(body, "public_exponent", int) not in (None, RSA_EXPONENT):
        raise NotCovered("A public exponent other than 65537")
    return request_of(
        body,
        kty=parse.required(body, "kty", str),
        size=parse.optional(body, "key_size", int),
        curve=parse.optional(body, "crv", str),
        operations=tuple(parse.strings(body, "key_ops")),
    )


def request_of(
    body: Mapping[str, Any],
    kty: str,
    size: Optional[int],
    curve: Optional[str],
    operations: Tuple[str, ...],
) -> KeyRequest:
    """A request for a key of that kind with the attributes and tags in ``body``."""
    attributes = attributes_of(body)
    enabled = parse.optional(attributes, "enabled", bool)
    return KeyRequest(
        kty=kty,
        size=size,
        curve=curve,
        operations=operations,
        enabled=True if enabled is None else enabled,
        not_before=parse.unix_time(attributes, "nbf"),
        expires=parse.unix_time(attributes, "exp"),
        tags=parse.text_map(body, "tags") or {},
    )


def _page(visit: Visit, path: str, items: List[Item]) -> Response:
    """One page of a list: 25 at most (facts of the service's limits). The next one is on the host that
    was asked: a regional name's list is that region's to its end."""
    url = f"https://{visit.ask.request.host}{path}"
    return json_response(200, page(items, visit.ask.request.query, "maxresults", PAGE, url))
