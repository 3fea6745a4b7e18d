"""Key rotation: policies, new versions, and when one is due, made by whom (rules E8, L6). Documentation of
2026-04-28, "Configure key autorotation in Managed HSM". Times are service time in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from azext_mhsmregion.model import keys, merge, messages
from azext_mhsmregion.model.clock import DAY, NEVER, SECOND
from azext_mhsmregion.model.errors import Forbidden, Invalid
from azext_mhsmregion.model.faults import Faults, is_destroyed, region_fault
from azext_mhsmregion.model.keys import KeyHandle, KeyRequest
from azext_mhsmregion.model.merge import Key, Objects
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Kind, Row, Write
from azext_mhsmregion.model.spans import Span, span

LEAST_DAYS = 28
"""Of an expiry time, of ``timeAfterCreate``, and of what ``timeBeforeExpiry`` leaves of the expiry time."""

SHORTEST = 27 * DAY
"""No two rotations of one key are due within this: a month of February counts as one."""

ROTATE, NOTIFY = "Rotate", "Notify"


@dataclass(frozen=True)
class Action:
    """One lifetime action as a request has it; the type in any case."""

    type: str
    after_create: Optional[str] = None
    before_expiry: Optional[str] = None


def set_policy(
    objects: Objects, name: str, actions: Sequence[Action], expiry: Optional[str], now: int
) -> Write:
    """Give a key a rotation policy; a blank one takes it away. It is anchored to the key's first version,
    so that what two regions set at once is of one object (L6). Raises NotFound, Invalid."""
    key = keys.live(objects, name, now)
    _check(actions, expiry)
    seconds = now // SECOND
    body: Dict[str, Any] = {
        "actions": [
            {"type": ROTATE, "after_create": one.after_create, "before_expiry": one.before_expiry}
            for one in actions
        ],
        "expiry": expiry,
        "created": key.policy.get("created", seconds) if has_policy(key) else seconds,
        "updated": seconds,
    }
    return Write(Kind.KEY_ATTRIBUTES, name, merge.policy_of(key.versions[0].version), body)


def has_policy(key: Key) -> bool:
    """Has it a policy that is not blank?"""
    return bool(key.policy.get("actions") or key.policy.get("expiry"))


def wanted(objects: Objects, name: str, now: int) -> KeyRequest:
    """What material a rotation on demand needs: the current version's kind, size and attributes. Raises
    NotFound; Invalid without a policy and at the most versions; Forbidden for a disabled key."""
    key = keys.live(objects, name, now)
    if not has_policy(key):
        raise Invalid(messages.rotation_needs_policy(name), "BadParameter")
    if not key.current.attributes["enabled"]:
        raise Forbidden(messages.rotation_of_disabled(name), "KeyDisabled")
    if len(key.versions) >= keys.VERSIONS_PER_KEY:
        raise Invalid(messages.too_many_versions(name, keys.VERSIONS_PER_KEY), "BadParameter")
    return like(key, now)


def rotated(key: Key, handle: KeyHandle, now: int) -> Write:
    """The new version, as the current one was and expiring as the policy says. It says which version it
    follows, so that the rotation is made once though not every region shows it yet (E8)."""
    body = {**keys.version_body(like(key, now), handle, now), "rotated_from": key.current.version}
    return Write(Kind.KEY_VERSION, key.name, handle.version, body)


def fits(asked: KeyRequest, handle: KeyHandle) -> bool:
    """Is material of that kind and size?"""
    return (asked.kty, asked.size, asked.curve) == (handle.kty, handle.size, handle.curve)


# -- what is due, and who makes it (E8) ------------------------------------------------------


class Due(NamedTuple):
    """A rotation that is due: when, of which key, made in which region, of which version."""

    instant: int
    name: str
    region: str
    version: str


Held = Mapping[str, Mapping[str, Sequence[Row]]]
"""Rows of keys by the key's name and region, visible or not."""


def due(pool: Pool, held: Held, faults: Faults, since: int, until: int) -> List[Due]:
    """The next rotation of each key that is due from ``since`` to ``until``, by instant."""
    found = [_due_of(pool, name, rows, faults, since, until) for name, rows in held.items()]
    return sorted(one for one in found if one is not None)


def maker(pool: Pool, faults: Faults, now: int) -> Optional[str]:
    """Who makes what is due at ``now``: the primary, else the oldest living region that takes writes; None
    where none lives. What the service does by itself no outage of the primary refuses (F3)."""
    if pool.phase(now) != "live":
        return None
    oldest = sorted(pool.regions, key=lambda region: (not region.is_primary, region.accepted, region.name))
    serving = (region.name for region in oldest if region.serves(now))
    return next((name for name in serving if region_fault(faults, pool.id, name, now) is None), None)


def _due_of(
    pool: Pool, name: str, rows: Mapping[str, Sequence[Row]], faults: Faults, since: int, until: int
) -> Optional[Due]:
    start = since
    while start <= until:
        region, end = maker(pool, faults, start), min(_changes_after(pool, faults, start), until + 1)
        if region is not None and region in rows:
            found = _first(name, rows[region], faults, pool, start, end)
            if found is not None:
                return Due(found[0], name, region, found[1])
        start = end
    return None


def _changes_after(pool: Pool, faults: Faults, now: int) -> int:
    """The next instant at which another region may become the one that makes rotations."""
    instants = [edge for fault in faults for edge in (fault.start, fault.end)]
    for region in pool.regions:
        instants += [region.ready, region.removing or NEVER, region.gone or NEVER]
    if pool.deletion is not None:
        instants += [pool.deletion.done, pool.deletion.recovered or NEVER]
    return min((instant for instant in instants if instant > now), default=NEVER)


def _first(
    name: str, rows: Sequence[Row], faults: Faults, pool: Pool, start: int, end: int
) -> Optional[Tuple[int, str]]:
    """The first instant from ``start`` to before ``end`` at which a region with ``rows`` knows of a
    rotation that is due, and the version that it is of."""
    taken = _taken(rows, faults, pool, start)
    changes = sorted({row.visible_from for row in rows if start < row.visible_from < end})
    for begin, stop in zip([start, *changes], [*changes, end]):
        key = merge.objects(merge.visible(rows, begin)).keys.get(name)
        when = None if key is None else _trigger(key, taken)
        if key is not None and when is not None and max(begin, when) < stop:
            return max(begin, when), key.current.version
    return None


def _taken(rows: Iterable[Row], faults: Faults, pool: Pool, now: int) -> Set[str]:
    """The versions that a rotation follows already, be it still on its way: one that was lost with its
    region is not made."""
    made = [row for row in rows if row.kind is Kind.KEY_VERSION and "rotated_from" in row.body]
    return {row.body["rotated_from"] for row in made if not _is_lost(row, faults, pool, now)}


def _is_lost(row: Row, faults: Faults, pool: Pool, now: int) -> bool:
    return row.visible_from >= NEVER and is_destroyed(faults, pool.id, row.stamp.origin, now)


def _trigger(key: Key, taken: Set[str]) -> Optional[int]:
    """When the current version is due, None: never. A key that is deleted, disabled or has all the versions
    that it can have is not rotated."""
    current = key.current
    if key.state.get("deleted") is not None or not current.attributes["enabled"]:
        return None
    if len(key.versions) >= keys.VERSIONS_PER_KEY or current.version in taken:
        return None
    instants = [_instant(action, current.attributes) for action in key.policy.get("actions", ())]
    return min((one * SECOND for one in instants if one is not None), default=None)


def _instant(action: Mapping[str, Any], attributes: Mapping[str, Any]) -> Optional[int]:
    if action["after_create"] is not None:
        return span(action["after_create"], "timeAfterCreate").after(attributes["created"])
    if attributes.get("exp") is None:
        return None
    return span(action["before_expiry"], "timeBeforeExpiry").after(attributes["exp"], -1)


# -- inside ----------------------------------------------------------------------------------


def like(key: Key, now: int) -> KeyRequest:
    """A request for a version as the current one, made at ``now``."""
    body, attributes, expiry = key.current.body, key.current.attributes, key.policy.get("expiry")
    return KeyRequest(
        kty=body["kty"],
        size=body["size"],
        curve=body["crv"],
        operations=tuple(attributes["key_ops"]),
        enabled=attributes["enabled"],
        expires=None if expiry is None else span(expiry, "expiryTime").after(now // SECOND),
        tags=attributes["tags"],
    )


def _check(actions: Sequence[Action], expiry: Optional[str]) -> None:
    """Raises Invalid for a policy that Managed HSM does not take."""
    lasts = None if expiry is None else span(expiry, "expiryTime")
    if lasts is not None and lasts.nominal_days < LEAST_DAYS:
        raise Invalid(messages.span_too_short("expiryTime", LEAST_DAYS), "BadParameter")
    if actions and lasts is None:
        raise Invalid(messages.ROTATION_NEEDS_EXPIRY, "BadParameter")
    if len(actions) > 1:
        raise Invalid(messages.ONE_ROTATE_ACTION, "BadParameter")
    for action in actions:
        _check_action(action, lasts)


def _check_action(action: Action, lasts: Optional[Span]) -> None:
    if action.type.lower() == NOTIFY.lower():
        raise Invalid(messages.NO_NOTIFY_ACTION, "BadParameter")
    if action.type.lower() != ROTATE.lower():
        raise Invalid(messages.not_one_of("action.type", action.type, ROTATE), "BadParameter")
    if (action.after_create is None) == (action.before_expiry is None):
        raise Invalid(messages.ONE_TRIGGER, "BadParameter")
    if action.after_create is not None:
        if span(action.after_create, "timeAfterCreate").nominal_days < LEAST_DAYS:
            raise Invalid(messages.span_too_short("timeAfterCreate", LEAST_DAYS), "BadParameter")
    elif action.before_expiry is not None and lasts is not None:
        before = span(action.before_expiry, "timeBeforeExpiry").nominal_days
        if before > lasts.nominal_days - LEAST_DAYS:
            raise Invalid(messages.before_expiry_too_long(LEAST_DAYS), "BadParameter")


__all__ = [
    "SHORTEST", "Action", "Due", "Held", "due", "fits", "has_policy", "like", "maker", "rotated",
    "set_policy", "wanted",
]  # fmt: skip
