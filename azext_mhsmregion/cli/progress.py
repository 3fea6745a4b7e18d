"""Progress of a long operation on a terminal: elapsed time and, when it is known how long such
an operation takes, the time left. Nothing is written where nobody watches."""

from __future__ import annotations

from typing import Any, Callable, Optional, TextIO

REDRAW_SECONDS = 1.0
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
    """One line on ``stream``, redrawn while waiting. ``expected`` is the operation's usual
    length in seconds, None when nobody knows it; then there is no estimate."""

    def __init__(
        self,
        what: str,
        expected: Optional[float],
        stream: TextIO,
        visible: bool,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._what = what
        self._expected = expected
        self._stream = stream
        self.visible = visible
        self._now = now
        self._sleep = sleep
        self._began = now()

    def line(self) -> str:
        """The line as it stands now."""
        elapsed = self._now() - self._began
        text = f"{self._what} ... {duration(elapsed)}"
        if self._expected is None:
            return text
        if elapsed > self._expected:
            return f"{text}, longer than the expected {duration(self._expected)}"
        return f"{text}, about {duration(self._expected - elapsed)} left"

    def tick(self, *_: Any) -> None:
        """Draw the line; takes and ignores whatever a wait reports."""
        if self.visible:
            self._stream.write(CLEAR_LINE + self.line())
            self._stream.flush()

    def sleep(self, seconds: float) -> None:
        """Sleep, redrawing each second where somebody watches."""
        if not self.visible:
            self._sleep(seconds)
            return
        left = seconds
        while left > 0:
            self.tick()
            self._sleep(min(left, REDRAW_SECONDS))
            left -= REDRAW_SECONDS

    def end(self) -> None:
        """Take the line away."""
        if self.visible:
            self._stream.write(CLEAR_LINE)
            self._stream.flush()
