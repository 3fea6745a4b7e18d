"""Why a drill went as it did, in words: what the client did that let the outage last longer for it."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence

from azext_mhsmregion.cli.drill.account import Drill
from azext_mhsmregion.cli.drill.saw import Try

KEPT = 1.0
"""Seconds from which on a connection counts as kept."""

UNAVAILABLE = 503
Reason = Callable[[Drill], Optional[str]]


def reasons(drill: Drill) -> List[str]:
    """What can be said, the most telling first."""
    return [said for reason in REASONS for said in [reason(drill)] if said]


def sent_nothing(drill: Drill) -> Optional[str]:
    if drill.saw.tries:
        return None
    return (
        f"The command sent nothing to {drill.pool} through the emulator's proxy: does it read "
        "HTTPS_PROXY, and the name of the pool from what it is given?"
    )


def never_there(drill: Drill) -> Optional[str]:
    """Not this client's region."""
    hit = drill.outage.region
    if not drill.saw.tries or drill.outage.to or any(one.region == hit for one in drill.saw.tries):
        return None
    return f"The client never was in {hit}: it stood at {drill.place}. With --from {hit} it is hit."


def pinned(drill: Drill) -> Optional[str]:
    """It asked for one region's own name."""
    label = f"{drill.outage.region}."
    named = next((one.host for one in drill.saw.failures if one.host.startswith(label)), None)
    if named is None:
        return None
    return (
        f"The client asked for {named}, the address of one region: the traffic manager cannot lead it "
        f"elsewhere. {named[len(label) :]} is the name that fails over."
    )


def kept_its_connection(drill: Drill) -> Optional[str]:
    """It opened no other connection once the outage had begun, and so never resolved the name."""
    begin, hit = drill.outage.begin, drill.outage.region
    if drill.ended < begin or not _failed_in(drill, hit):
        return None
    there = [one for one in drill.saw.connections if one.region == hit and one.opened < begin]
    open_then = [one for one in there if one.closed is None or one.closed >= begin]
    if not open_then or _opened_after(drill, begin):
        return None
    until = max(drill.ended if one.closed is None else one.closed for one in open_then)
    if until - begin >= KEPT:
        return (
            f"The client kept its connection to {hit} {until - begin:.0f} s after the outage began: "
            "it never resolved the name again."
        )
    return (
        f"The client's connection to {hit} broke {until - begin:.1f} s after the outage began, and it "
        f"opened no other in the {drill.ended - until:.0f} s until it ended: it never resolved the name "
        "again."
    )


def gave_up(drill: Drill) -> Optional[str]:
    """Its last request failed before it could have been answered elsewhere."""
    outage = drill.outage
    if not drill.saw.tries or not drill.saw.tries[-1].is_failure or not _opened_after(drill, outage.begin):
        return None
    last = drill.saw.tries[-1].at
    if last < outage.begin or last - outage.begin > drill.within:
        return None
    tries = sum(one.is_failure for one in drill.saw.tries if one.at >= outage.begin)
    return (
        f"The client gave up {last - outage.begin:.1f} s after the outage began, after "
        f"{_counted(tries, 'failed request')}. Failover may take {drill.within:g} s (detection and TTL): "
        "it must go on trying as long."
    )


def writes_refused(drill: Drill) -> Optional[str]:
    """F3: while the primary's service is out, the other region takes no writes."""
    hit = drill.outage.region
    refused = [one for one in drill.saw.failures if one.status == UNAVAILABLE and one.region != hit]
    if not refused or drill.outage.scope not in ("service", "region"):
        return None
    return (
        f"{_counted(len(refused), 'request')} got 503 from {refused[0].region}: while the primary's service "
        "is out, the other region takes no writes."
    )


def hammered(drill: Drill) -> Optional[str]:
    """Many failures in the time that failover takes anyway."""
    failed = [one for one in _failed_in(drill, drill.outage.region) if one.at >= drill.outage.begin]
    if drill.failover is None or len(failed) < 2:
        return None
    took = drill.failover - drill.outage.begin
    return (
        f"{len(failed)} requests met {drill.outage.region} in the {took:.1f} s until the client was led "
        f"elsewhere; the configured probes and TTL allow {drill.within:g} s. Waiting longer between tries "
        "makes fewer of them fail."
    )


def lost_writes(drill: Drill) -> Optional[str]:
    if not drill.lost:
        return None
    return (
        f"{_counted(drill.lost, 'acknowledged write')} had not been sent to another region when "
        f"{drill.outage.region} was destroyed: replication is asynchronous."
    )


REASONS: Sequence[Reason] = (
    sent_nothing, never_there, pinned, kept_its_connection, gave_up, lost_writes, writes_refused, hammered,
)  # fmt: skip


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _failed_in(drill: Drill, region: str) -> List[Try]:
    return [one for one in drill.saw.failures if one.region == region]


def _opened_after(drill: Drill, begin: float) -> bool:
    """Did it open a connection since, be it to meet the outage at once?"""
    return any(one.opened >= begin for one in drill.saw.connections) or any(
        one.what == "connection" and one.at >= begin for one in drill.saw.tries
    )
