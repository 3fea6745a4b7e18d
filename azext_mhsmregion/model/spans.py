"""Durations of the calendar, as rotation policies have them: years, months and days in ISO 8601. Instants are
seconds since 1970, UTC."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Tuple

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.clock import DAY, SECOND
from azext_mhsmregion.model.errors import Invalid

_SPAN = re.compile(r"P(?=[0-9])(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,5})D)?")
_MONTHS_A_YEAR, _DAYS_A_MONTH, _DAYS_A_YEAR = 12, 30, 365
_DAY = DAY // SECOND
_LAST_YEAR = 9999
_ERA_YEARS, _ERA_DAYS = 400, 146_097
"""After so many years the calendar repeats itself."""


class Span(NamedTuple):
    """Whole years (as months), months and days."""

    months: int
    days: int

    @property
    def nominal_days(self) -> int:
        """As limits count: a year of 365 days, a month of 30."""
        years, months = divmod(self.months, _MONTHS_A_YEAR)
        return years * _DAYS_A_YEAR + months * _DAYS_A_MONTH + self.days

    def after(self, instant: int, sign: int = 1) -> Optional[int]:
        """The instant that much later (``sign`` -1: earlier); None beyond the years 1 to 9999. The 31st of a
        month that has none is its last day."""
        date, seconds = divmod(instant, _DAY)
        year, month, day = _civil(date)
        year, month = divmod(year * _MONTHS_A_YEAR + month - 1 + sign * self.months, _MONTHS_A_YEAR)
        first, following = _days(year, month + 1), _days(year, month + 2)
        moved = first + min(day, following - first) - 1 + sign * self.days
        return moved * _DAY + seconds if 1 <= _civil(moved)[0] <= _LAST_YEAR else None


def span(text: str, name: str) -> Span:
    """The duration that ``text``, a member called ``name``, spells. Raises Invalid."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise Invalid(messages.not_a_span(name, text), "BadParameter")
    years, months, days = (int(part or 0) for part in found.groups())
    return Span(years * _MONTHS_A_YEAR + months, days)


def _days(year: int, month: int) -> int:
    """Days from 1970-01-01 to the first of a month; month 13 is the next January. Years begin in March here,
    so that the leap day is the last (Hinnant, "chrono-compatible low-level date algorithms")."""
    year, month = year + (month - 3) // _MONTHS_A_YEAR, (month - 3) % _MONTHS_A_YEAR
    era, rest = divmod(year, _ERA_YEARS)
    return era * _ERA_DAYS + rest * 365 + rest // 4 - rest // 100 + (153 * month + 2) // 5 - 719_468


def _civil(date: int) -> Tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01."""
    era, rest = divmod(date + 719_468, _ERA_DAYS)
    year = (rest - rest // 1460 + rest // 36_524 - rest // 146_096) // 365
    day = rest - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    later = month >= 10  # January and February belong to the next year
    return (
        era * _ERA_YEARS + year + later,
        month - 9 if later else month + 3,
        day - (153 * month + 2) // 5 + 1,
    )
