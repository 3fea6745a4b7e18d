"""Progress of a long operation on a terminal: elapsed time and, when it is known how long such
an operation takes, the time left. Nothing is written where nobody watches."""

from __future__ import annotations

from typing import Any, Callable, Optional, TextIO

LATE_SECONDS = 1.0
"""One tick past the expected end is still on time."""
CLEAR_LINE = "\r\x1b[K"


def duration(seconds: float) -> str:
    """Seconds as people say them: 8s, 1m 05s, 1h 02m."""
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


class Progress:
    """One line on ``stream``, redrawn at each tick of the wait. ``expected`` is the operation's
    usual length in seconds, None when nobody knows it; then there is no estimate."""

    def __init__(
        self,
        what: str,
        expected: Optional[float],
        stream: TextIO,
        visible: bool,
        now: Callable[[], float],
    ) -> None:
        self._what = what
        self._expected = expected
        self._stream = stream
        self.visible = visible
        self._now = now
        self._began = now()
        self._drawn = False

    def line(self) -> str:
        """The line as it stands now."""
        elapsed = self._now() - self._began
        text = f"{self._what} ... {duration(elapsed)}"
        if self._expected is None:
            return text
        if elapsed > self._expected + LATE_SECONDS:
            return f"{text}, longer than the expected {duration(self._expected)}"
        return f"{text}, about {duration(max(0.0, self._expected - elapsed))} left"

    def tick(self, *_: Any) -> None:
        """Draw the line; takes and ignores whatever a wait reports."""
        if self.visible:
            self._write(CLEAR_LINE + self.line())
            self._drawn = True

    def end(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._write(CLEAR_LINE)
            self._drawn = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
