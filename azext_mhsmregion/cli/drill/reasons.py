"""Why a drill went as it did, in words: what the client did that let the outage last longer for it."""

from __future__ import annotations

from statistics import median
from typing import Callable, List, Optional, Sequence

from azext_mhsmregion.cli.drill.account import Drill
from azext_mhsmregion.cli.drill.outage import IN_PARTS
from azext_mhsmregion.cli.drill.saw import SERVER_ERROR, THROTTLED, Try
from azext_mhsmregion.model.faults import Effect

KEPT = 1.0
"""Seconds from which on a connection counts as kept."""

FORBIDDEN, UNAVAILABLE = 403, 503
RETRY_AFTER = 1.0
"""Real seconds that the emulator's 429 asks for."""

SLACK = 0.05
"""Real seconds by which a client's clock may be off."""

HANG, SLOW, ERROR, THROTTLE = (
    effect.value for effect in (Effect.HANG, Effect.SLOW, Effect.ERROR, Effect.THROTTLE)
)
AT_ONCE = (Effect.REFUSE.value, Effect.RESET.value)
Reason = Callable[[Drill], Optional[str]]


def reasons(drill: Drill, has_failed: bool = True) -> List[str]:
    """What can be said, the most telling first. Of a drill that passed only what would fail another."""
    found = [(reason, reason(drill)) for reason in REASONS]
    return [said for reason, said in found if said and (has_failed or reason in RISKS)]


def sent_nothing(drill: Drill) -> Optional[str]:
    if drill.saw.tries:
        return None
    return (
        f"The command sent nothing to {drill.pool} through the emulator's proxy: does it read "
        "HTTPS_PROXY, and the name of the pool from what it is given?"
    )


def was_not_allowed(drill: Drill) -> Optional[str]:
    """It works without an outage no more than in one."""
    forbidden = drill.saw.refusals().get(FORBIDDEN)
    if not forbidden or drill.has_good:
        return None
    return (
        f"{_counted(forbidden, 'request')} got {FORBIDDEN}: the principal of the client has no role for what "
        "it asks. `keyvault role assignment create` gives it one."
    )


def never_there(drill: Drill) -> Optional[str]:
    """Not this client's region."""
    hit = drill.outage.region
    if not drill.saw.tries or drill.outage.to or any(one.region == hit for one in drill.saw.tries):
        return None
    if drill.place == hit:
        return f"The client never was in {hit}, though it stood there: another region answered it."
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
    if drill.ended < begin or not _leads_elsewhere(drill) or not _failed_in(drill, hit):
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
    if not drill.saw.tries or not drill.saw.tries[-1].is_failure or not _leads_elsewhere(drill):
        return None
    if not _opened_after(drill, outage.begin):
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
    """Many failures in the time that failover takes anyway, of requests that fail at once."""
    if drill.outage.effect not in AT_ONCE:
        return None
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


def was_not_alone(drill: Drill) -> Optional[str]:
    """Somebody else's faults."""
    if not drill.others:
        return None
    names = ", ".join(f"{one.what} ({one.effect})" for one in drill.others)
    return f"The outage was not alone: {names}. What the client met may be of that."


def wrote_nothing(drill: Drill) -> Optional[str]:
    """Over a link go writes."""
    if drill.held_up is None or drill.writes_meanwhile or not drill.meanwhile:
        return None
    return (
        f"The outage of a link holds up writes and nothing else, and the command wrote nothing in "
        f"{' or '.join(drill.ends)} while it lasted."
    )


def waited_in_vain(drill: Drill) -> Optional[str]:
    """It hung up on a region that hangs, or that is slower than it waits."""
    hit, given_up = drill.outage.region, _given_up(drill)
    if drill.outage.effect not in (HANG, SLOW) or not given_up:
        return None
    count, wait = _counted(len(given_up), "request"), median(given_up)
    if drill.outage.effect == HANG:
        return (
            f"{count} hung in {hit} until the client's own time-out of about {wait:.1f} s: that is what it "
            "waits for each of them."
        )
    return (
        f"{hit} answered {drill.outage.milliseconds} ms later, and the client gave up {count} after about "
        f"{wait:.1f} s: its own time-out is shorter than an answer takes."
    )


def slowed(drill: Drill) -> Optional[str]:
    """It waited for the late answers."""
    late = [one for one in _in_outage(drill) if not one.is_failure]
    if drill.outage.effect != SLOW or not late:
        return None
    longest = max(one.seconds for one in late)
    return (
        f"{drill.outage.region} answered {drill.outage.milliseconds} ms later: the client waited for "
        f"{_counted(len(late), 'such answer')}, up to {longest:.1f} s for one."
    )


def met_errors(drill: Drill) -> Optional[str]:
    """Its share of the errors, and whether it tried again."""
    met = _in_outage(drill)
    failed = [one for one in met if one.status >= SERVER_ERROR]
    if drill.outage.effect != ERROR or not failed:
        return None
    left = [one for one in failed if _next_like(drill, one) is None]
    said = (
        f"{drill.outage.region} answered {_counted(len(failed), 'request')} of {len(met)} with an error "
        f"({100 * len(failed) / len(met):.0f} %)"
    )
    if not left:
        return f"{said}; the client sent each of them again."
    return f"{said}; the client did not send {len(left)} of them again."


def ignored_retry_after(drill: Drill) -> Optional[str]:
    """429 says how long to wait, and whoever comes sooner meets it again."""
    met = _in_outage(drill)
    failed = [one for one in met if one.status == THROTTLED]
    if drill.outage.effect != THROTTLE or not failed:
        return None
    following = [(one, _next_like(drill, one)) for one in failed]
    early = [one for one, then in following if then and then.real_begun - one.real_at < RETRY_AFTER - SLACK]
    left = [one for one, then in following if then is None]
    said = f"{drill.outage.region} answered {_counted(len(failed), 'request')} of {len(met)} with 429"
    if early:
        return (
            f"{said}; after {len(early)} of them the client came again sooner than the Retry-After of "
            f"{RETRY_AFTER:g} s says."
        )
    return f"{said}; the client did not send {len(left)} of them again." if left else f"{said}."


REASONS: Sequence[Reason] = (
    sent_nothing, was_not_allowed, never_there, wrote_nothing, pinned, kept_its_connection, gave_up,
    lost_writes, writes_refused, waited_in_vain, slowed, met_errors, ignored_retry_after, hammered,
    was_not_alone,
)  # fmt: skip
RISKS: Sequence[Reason] = (pinned, kept_its_connection, lost_writes, writes_refused, was_not_alone)
"""What helps even where every bound was held."""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _in_outage(drill: Drill) -> List[Try]:
    """Requests that the hit region got while it was out."""
    return [one for one in drill.meanwhile if one.region == drill.outage.region]


def _given_up(drill: Drill) -> List[float]:
    """For how many real seconds the client waited for each request of these that got no answer. Of a
    connection that never came about only the next try tells."""
    dead = [one for one in _in_outage(drill) if one.status == 0]
    waits = [_until_next(drill, one) if one.what == "connection" else one.waited for one in dead]
    return [wait for wait in waits if wait is not None]


def _until_next(drill: Drill, failed: Try) -> Optional[float]:
    later = (one.real_begun for one in drill.saw.tries if one.real_begun > failed.real_begun)
    return next((begun - failed.real_begun for begun in later), None)


def _next_like(drill: Drill, failed: Try) -> Optional[Try]:
    """The same request again, later."""
    later = (one for one in drill.saw.tries if one.at > failed.at and one.what == failed.what)
    return next(later, None)


def _leads_elsewhere(drill: Drill) -> bool:
    """Is it an outage that a new connection gets round?"""
    outage = drill.outage
    return outage.scope not in IN_PARTS and (outage.is_dead or outage.is_noticed)


def _failed_in(drill: Drill, region: str) -> List[Try]:
    return [one for one in drill.saw.failures if one.region == region]


def _opened_after(drill: Drill, begin: float) -> bool:
    """Did it open a connection since, be it to meet the outage at once?"""
    return any(one.opened >= begin for one in drill.saw.connections) or any(
        one.what == "connection" and one.at >= begin for one in drill.saw.tries
    )
