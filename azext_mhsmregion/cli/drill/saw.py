"""What a client saw, from the emulator's record of its connections and requests. Seconds are counted
from the drill's start, in service time, unless they are called real: a client's own time-outs are that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

CHALLENGE = 401
"""An SDK's first request always gets it: neither an answer nor an error."""

THROTTLED, SERVER_ERROR = 429, 500
REFUSED = 400
"""Statuses from here on are no good answers: they give nothing, and acknowledge nothing."""


@dataclass(frozen=True)
class Try:
    """A request to the pool, or a connection that an outage broke as it was opened. ``real_begun`` and
    ``real_at`` are real seconds since 1970; ``waited`` is for how many real seconds the client waited,
    where it got no answer until the connection was closed."""

    at: float
    seconds: float
    connection: int
    host: str
    region: str
    status: int
    what: str
    real_begun: float = 0.0
    real_at: float = 0.0
    waited: Optional[float] = None

    @property
    def begun(self) -> float:
        return self.at - self.seconds

    @property
    def is_failure(self) -> bool:
        """No answer, a server's error, or too many requests."""
        return self.status == 0 or self.status == THROTTLED or self.status >= SERVER_ERROR

    @property
    def is_good(self) -> bool:
        """Was it given what it asked for?"""
        return 0 < self.status < REFUSED


@dataclass(frozen=True)
class Connection:
    """A connection to the pool that carried a request. ``closed`` is None for one still open."""

    number: int
    host: str
    region: str
    opened: float
    closed: Optional[float] = None


@dataclass(frozen=True)
class Saw:
    """Everything that concerns the pool, in order."""

    tries: Tuple[Try, ...] = ()
    connections: Tuple[Connection, ...] = ()

    @property
    def failures(self) -> List[Try]:
        return [one for one in self.tries if one.is_failure]

    @property
    def answers(self) -> List[Try]:
        return [one for one in self.tries if not one.is_failure]

    def refusals(self) -> Dict[int, int]:
        """How often the client was refused for a reason of its own: 4xx by status."""
        statuses = [one.status for one in self.answers if not one.is_good]
        return {status: statuses.count(status) for status in sorted(set(statuses))}

    def has_good(self, before: float) -> bool:
        """Was any answer good until an instant? Where none came until then, any afterwards."""
        until = [one for one in self.answers if one.at <= before]
        return any(one.is_good for one in until or self.answers)

    def under(self, host: str) -> Saw:
        """The requests that asked for a host by just that name."""
        return Saw(tuple(one for one in self.tries if one.host == host), self.connections)

    def answers_by_region(self) -> Dict[str, int]:
        regions = [one.region for one in self.answers]
        return {region: regions.count(region) for region in dict.fromkeys(regions)}

    def first_answer(self, after: float, region: str) -> Optional[Try]:
        """The first answer of a region from an instant on."""
        return next((one for one in self.answers if one.at >= after and one.region == region), None)

    def first_reached(self, after: float, region: str) -> Optional[Try]:
        """The first answer, of whatever kind, of any region but one."""
        others = (one for one in self.tries if one.status != 0 and one.region != region)
        return next((one for one in others if one.at >= after), None)

    def last_answer(self, before: float) -> Optional[Try]:
        """The last answer to what was asked before an instant: where the client was."""
        found = [one for one in self.answers if one.begun < before]
        return found[-1] if found else None

    def silence(self, end: float) -> Tuple[float, float]:
        """The longest span without a successful answer: when it began, and its seconds. It begins with
        a request that failed, or was answered late, not with a pause of the client's own."""
        longest, waiting = (0.0, 0.0), None
        for one in self.tries:
            waiting = one.begun if waiting is None else waiting
            if not one.is_failure:
                longest = _longer(longest, (waiting, one.at - waiting))
                waiting = None
        return longest if waiting is None else _longer(longest, (waiting, end - waiting))


def saw(records: Sequence[Mapping[str, Any]], pool_host: str, start: float) -> Saw:
    """From what ``GET /requests`` answered for one client. ``start`` is seconds since 1970."""
    ours = [
        record
        for record in records
        if record["host"] == pool_host or record["host"].endswith(f".{pool_host}")
    ]
    numbered = list(enumerate(ours))
    ends = {record["connection"]: (place, record) for place, record in numbered if record["kind"] == "closed"}
    tries = []
    for place, record in numbered:
        closed_at, closed = ends.get(record["connection"], (len(ours), None))
        if _counts(record, closed_at < place):
            tries.append(_try(record, closed, closed_at < place, start))
    return Saw(tuple(sorted(tries, key=lambda one: one.at)), tuple(_connections(ours, start)))


def instant(text: str) -> float:
    """Seconds since 1970 of a time in an answer."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _longer(one: Tuple[float, float], other: Tuple[float, float]) -> Tuple[float, float]:
    """The longer of two spans (start, seconds); the first of equal ones."""
    return other if other[1] > one[1] else one


def _counts(record: Mapping[str, Any], is_late: bool) -> bool:
    if record["kind"] == "opened":
        return bool(record["status"] == 0)
    return bool(record["kind"] == "request" and (is_late or record["status"] != CHALLENGE))


def _try(record: Mapping[str, Any], closed: Optional[Mapping[str, Any]], is_late: bool, start: float) -> Try:
    """``closed`` is the end of its connection. What came when that was gone, late, was no answer."""
    ended = closed if closed is not None and is_late else record
    at, real_at = instant(ended["time"]), instant(ended["realTime"])
    real_begun = instant(record["realTime"]) - record["milliseconds"] / 1000
    status = 0 if is_late else record["status"]
    return Try(
        at=at - start,
        seconds=max(0.0, at - instant(record["begun"])),
        connection=record["connection"],
        host=record["host"],
        region=record["region"] or "",
        status=status,
        what=f"{record['method']} {record['path']}" if record["method"] else "connection",
        real_begun=real_begun,
        real_at=real_at,
        waited=instant(closed["realTime"]) - real_begun if closed is not None and status == 0 else None,
    )


def _connections(records: Sequence[Mapping[str, Any]], start: float) -> List[Connection]:
    used = {record["connection"] for record in records if record["kind"] == "request"}
    closed = {
        record["connection"]: instant(record["time"]) - start
        for record in records
        if record["kind"] == "closed"
    }
    return [
        Connection(
            record["connection"],
            record["host"],
            record["region"] or "",
            instant(record["time"]) - start,
            closed.get(record["connection"]),
        )
        for record in records
        if record["kind"] == "opened" and record["connection"] in used
    ]
