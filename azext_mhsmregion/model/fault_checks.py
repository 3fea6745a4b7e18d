"""Does a fault make sense, alone and beside others (DESIGN section 5)?"""

from __future__ import annotations

from typing import Iterable, Set, Tuple

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.clock import DAY, HOUR, LATEST, NEVER
from azext_mhsmregion.model.errors import Contradiction, Invalid
from azext_mhsmregion.model.faults import DESTRUCTIBLE, DOWN, EFFECTS, WIDE, Effect, Fault, Scope
from azext_mhsmregion.model.partition import PARTITIONS_PER_REGION

_WITH_RATE = (Effect.ERROR, Effect.THROTTLE)
MOST_MILLISECONDS = {Effect.SLOW: HOUR, Effect.LAG: 365 * DAY, Effect.SKEW: 365 * DAY}
"""The effects with a delay or a shift, and the most that it can be."""


def checked(fault: Fault, others: Iterable[Fault]) -> Fault:
    """The fault, if it makes sense alone and beside ``others``. Raises Invalid, Contradiction."""
    _check_alone(fault)
    for other in others:
        _check_beside(fault, other)
    return fault


def _check_alone(fault: Fault) -> None:
    if fault.effect not in EFFECTS[fault.scope]:
        possible = ", ".join(effect.value for effect in EFFECTS[fault.scope])
        raise Invalid(messages.fault_effect(fault.scope.value, fault.effect.value, possible))
    if fault.end <= fault.start:
        raise Invalid(messages.FAULT_ENDS_FIRST)
    if fault.start > LATEST or LATEST < fault.end < NEVER:
        raise Invalid(messages.FAULT_AFTER_THE_LAST_YEAR)
    if not 0 < fault.rate <= 1:
        raise Invalid(messages.FAULT_RATE)
    if fault.rate != 1 and fault.effect not in _WITH_RATE:
        raise Invalid(messages.fault_without("rate", fault.effect.value))
    _check_milliseconds(fault)
    _check_target(fault)
    if fault.is_destruction:
        _check_destruction(fault)


def _check_milliseconds(fault: Fault) -> None:
    most = MOST_MILLISECONDS.get(fault.effect, 0)
    if most and not fault.milliseconds:
        raise Invalid(messages.fault_needs_delay(fault.effect.value))
    if fault.milliseconds and not most:
        raise Invalid(messages.fault_without("milliseconds", fault.effect.value))
    if fault.milliseconds < 0 and fault.effect is not Effect.SKEW:
        raise Invalid(messages.FAULT_DELAY_NEGATIVE)
    if abs(fault.milliseconds) > most:
        raise Invalid(messages.fault_too_long(fault.effect.value, most))


def _check_target(fault: Fault) -> None:
    if (fault.scope is Scope.PARTITION) != (fault.partition is not None):
        raise Invalid(messages.FAULT_PARTITION)
    if fault.partition is not None and not 0 <= fault.partition < PARTITIONS_PER_REGION:
        raise Invalid(messages.fault_partition_number(PARTITIONS_PER_REGION - 1))
    if (fault.scope is Scope.LINK) != bool(fault.to):
        raise Invalid(messages.FAULT_LINK_END)
    if fault.to == fault.region:
        raise Invalid(messages.FAULT_LINK_ITSELF)
    if fault.scope in WIDE and fault.pool:
        raise Invalid(messages.fault_hits_every_pool(fault.scope.value))
    if fault.scope in (Scope.PARTITION, Scope.POOL) and not fault.pool:
        raise Invalid(messages.fault_needs_pool(fault.scope.value))


def _check_destruction(fault: Fault) -> None:
    if fault.scope not in DESTRUCTIBLE or fault.effect not in DOWN:
        raise Invalid(messages.FAULT_INDESTRUCTIBLE)
    if fault.end != NEVER:
        raise Invalid(messages.FAULT_DESTROYED_FOR_EVER)


def _check_beside(fault: Fault, other: Fault) -> None:
    """Two faults of one target that want two things at once; or one that begins when what it breaks is
    destroyed. Which of them is there already makes no difference, but for two destructions: what is to be
    destroyed may be destroyed sooner."""
    if max(fault.start, other.start) >= min(fault.end, other.end):
        return
    if _comes_too_late(fault, other):
        raise Contradiction(messages.fault_on_destroyed, other.id)
    if not other.is_destruction and _comes_too_late(other, fault):
        raise Contradiction(messages.fault_destroys_too_soon, other.id)
    if other.is_destruction or fault.is_destruction or not _is_same_target(fault, other):
        return
    exclusive = (*DOWN, Effect.DOWN)
    if fault.effect is other.effect and fault.effect in exclusive:
        return  # of overlapping outages the last to end counts
    both_down = fault.effect in exclusive and other.effect in exclusive
    if both_down or fault.effect is other.effect:
        raise Contradiction(lambda name: messages.faults_contradict(name, other.effect.value), other.id)


def _comes_too_late(fault: Fault, other: Fault) -> bool:
    """Does ``other`` destroy what ``fault`` breaks, before that begins?"""
    return other.is_destruction and _is_within(fault, other) and other.start <= fault.start


def _is_within(fault: Fault, other: Fault) -> bool:
    """Is what ``fault`` breaks a part of what ``other`` breaks?"""
    return fault.scope is not Scope.LINK and fault.region == other.region and other.pool in ("", fault.pool)


def _is_same_target(one: Fault, other: Fault) -> bool:
    """Do they break the same thing, two links in a direction that both of them have?"""
    if one.scope is Scope.LINK is other.scope:
        pools = one.pool == other.pool or "" in (one.pool, other.pool)
        return pools and bool(_directions(one) & _directions(other))
    return one.target == other.target


def _directions(link: Fault) -> Set[Tuple[str, str]]:
    one_way = {(link.region, link.to)}
    return one_way | {(link.to, link.region)} if link.both_ways else one_way


__all__ = ["MOST_MILLISECONDS", "checked"]
