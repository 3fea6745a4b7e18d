"""Tries again what the service asked to try again: 429 (which it did not process) whatever the
method, 5xx where sending twice does no harm, with jitter, honouring Retry-After. What still fails
after the last try goes up as the answer it is; the door
(:mod:`azext_mhsmregion.provider.answers`) makes a ThrottledError or ServiceError of it."""

from __future__ import annotations

from typing import Callable, Mapping, Optional
from urllib.parse import urlsplit

from azext_mhsmregion.provider.surroundings import Surroundings, Tell, unbounded
from azext_mhsmregion.provider.transport import Answer, Call, Transport

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
THROTTLED = 429
PASSING = frozenset({THROTTLED, 500, 502, 503, 504})
ATTEMPTS = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 120.0


class RetryingTransport:
    """Wraps a transport. ``sleep`` takes seconds, ``random`` gives [0, 1), ``wall`` seconds
    since the epoch (for a Retry-After that is a date); ``on_retry`` is told of each pause, and none is
    longer than what is ``left`` of the caller's own time-out."""

    def __init__(
        self,
        inner: Transport,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        wall: Callable[[], float],
        attempts: int = ATTEMPTS,
        on_retry: Optional[Tell] = None,
        left: Callable[[], float] = unbounded,
    ) -> None:
        self.inner = inner
        self._sleep = sleep
        self._random = random
        self._wall = wall
        self._attempts = attempts
        self._on_retry = on_retry
        self._left = left

    def send(self, call: Call) -> Answer:
        answer = self.inner.send(call)
        for attempt in range(self._attempts - 1):
            if not _may_pass(call, answer):
                break
            pause = self._pause(answer, attempt)
            if pause > min(LONGEST_PAUSE, self._left()):
                break
            self._tell(call, answer, pause)
            self._sleep(pause)
            answer = self.inner.send(call)
        return answer

    def _tell(self, call: Call, answer: Answer, pause: float) -> None:
        if self._on_retry is not None:
            host = urlsplit(call.url).hostname
            self._on_retry(f"HTTP {answer.status} from {host}; trying again in {round(pause, 1):g} s.")

    def _pause(self, answer: Answer, attempt: int) -> float:
        """Seconds to wait: what the service asked for plus up to a tenth, else 1, 2, 4… s,
        of which between half and the whole."""
        asked = retry_after(answer.headers, self._wall)
        if asked is not None:
            return asked + asked * 0.1 * self._random()
        step = FIRST_PAUSE * 2.0**attempt
        return step * (0.5 + 0.5 * self._random())


def retrying(inner: Transport, outside: Surroundings) -> RetryingTransport:
    """The usual one."""
    return RetryingTransport(
        inner, outside.sleep, outside.random, outside.wall, on_retry=outside.on_retry, left=outside.left
    )


def _may_pass(call: Call, answer: Answer) -> bool:
    return answer.status == THROTTLED or (call.method in IDEMPOTENT and answer.status in PASSING)


def retry_after(headers: Mapping[str, str], wall: Callable[[], float]) -> Optional[float]:
    """Seconds that ``Retry-After`` asks for (a number or an HTTP date), None when it is absent
    or unreadable."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        return _until(text, headers.get("date"), wall)


def _until(text: str, date: Optional[str], wall: Callable[[], float]) -> Optional[float]:
    """Seconds from the answer's own Date (else from now) until the HTTP date ``text``."""
    from email.utils import parsedate_to_datetime

    try:
        end = parsedate_to_datetime(text).timestamp()
        start = parsedate_to_datetime(date).timestamp() if date else wall()
    except (TypeError, ValueError):
        return None
    return max(0.0, end - start)
