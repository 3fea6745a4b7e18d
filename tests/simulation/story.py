"""What happened, kept short for every pool, and told when something goes wrong."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Deque, Dict, List, Tuple

LENGTH = 4000
TOLD = 45
_EPOCH = datetime(1970, 1, 1)

Line = Tuple[int, int, str, Tuple[object, ...]]


class Story:
    """The last events of each pool (key "": of all of them)."""

    def __init__(self) -> None:
        self._lines: Dict[str, Deque[Line]] = {}

    def tell(self, pool: str, step: int, now: int, text: str, *parts: object) -> None:
        lines = self._lines.get(pool)
        if lines is None:
            lines = self._lines[pool] = deque(maxlen=LENGTH)
        lines.append((now, step, text, parts))

    def timeline(self, pool: str, name: str) -> List[str]:
        """The last events of the pool: those of one object and those of no object."""
        lines = [*self._lines.get(pool, ()), *self._lines.get("", ())]
        lines.sort(key=lambda line: (line[0], line[1]))
        wanted = [line for line in lines if not name or _concerns(line, name)]
        return [_told(line) for line in wanted[-TOLD:]]


def _concerns(line: Line, name: str) -> bool:
    objects = [str(part)[1:] for part in line[3] if str(part).startswith("'")]
    return not objects or name in objects


def _told(line: Line) -> str:
    now, step, text, parts = line
    when = (_EPOCH + timedelta(milliseconds=now)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"  {when}  step {step:>6}  {text.format(*(str(part).lstrip(chr(39)) for part in parts))}"
