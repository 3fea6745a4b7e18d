"""Scripts of replays: ``tests/golden/<name>.toml``, parsed and held to the contract.

Places are written ``status``, ``header:location``, ``body.properties.regions[0].name`` and
``request.certificates[0].n``; a row of a list whose order carries no meaning is
``body.value{its key}``. In a script ``*`` stands for a name, ``[*]`` for any index, ``{*}`` for
any key, ``**`` for anything.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, Pattern, Sequence, Tuple

from replay_values import Difference

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
REASONS = ("azure-glitch", "other-service", "cut-input", "poll-count", "edition")
MAKEABLE = ("certificates", "sas", "backup-blob", "restore-blob", "ciphertext", "private-key")
"""Inputs that are cut or blanked in recordings and that can be made (README)."""


class ScriptError(Exception):
    """A script that breaks the contract: which file and which entry."""


@dataclass(frozen=True)
class Step:
    """Set-up that is not in the recording, done before exchange ``before``."""

    before: int
    do: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Learn:
    """At ``where``, the first group of ``pattern`` is a value that the emulator chose: its own
    replaces the recorded one from then on, one for one."""

    where: Pattern[str]
    pattern: Pattern[str]


@dataclass(frozen=True)
class Input:
    """A member of a request's body that we make, by the maker of that name."""

    exchange: int
    where: str
    make: str


@dataclass(frozen=True)
class Unordered:
    """A list whose order carries no meaning; rows are matched by the members ``by``."""

    where: Pattern[str]
    by: Tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """A difference that is meant. Pinned: the emulator's own value (``ours``) or type, a named
    check of both, or that the place is missing on one side."""

    exchanges: Tuple[int, ...]
    where: Pattern[str]
    kind: str
    ours: Any
    check: str
    why: str

    def accepts(self, found: Difference) -> bool:
        if found.exchange not in self.exchanges or not self.where.fullmatch(found.where):
            return False
        if found.kind != self.kind:
            return False
        if self.kind in ("missing", "extra"):
            return True
        if self.kind == "type":
            return bool(found.ours[0] == self.ours)
        if self.check:
            return CHECKS[self.check](found.recorded, found.ours)
        return bool(found.ours == self.ours)


@dataclass(frozen=True)
class Script:
    """One replay. ``substitutions``: recorded text -> one of ``subscription``, ``tenant``,
    ``<user>.id``, ``<user>.name`` (signs in), ``<user>.label`` (is shown). ``durations``: seconds
    that operations took in this run. ``anonymous``: exchanges sent without a token."""

    name: str
    users: Tuple[str, ...]
    substitutions: Mapping[str, str]
    durations: Mapping[str, float]
    anonymous: Tuple[int, ...]
    headers_equal: Tuple[str, ...]
    headers_present: Tuple[str, ...]
    setup: Tuple[Step, ...]
    learn: Tuple[Learn, ...]
    inputs: Tuple[Input, ...]
    unordered: Tuple[Unordered, ...]
    embedded: Tuple[Pattern[str], ...]
    volatile: Tuple[Pattern[str], ...]
    skipped: Mapping[int, str]
    absent: Tuple[int, ...]
    declared: Tuple[Declared, ...]


def names() -> List[str]:
    """The recordings that have a script."""
    return sorted(path.stem for path in HERE.glob("*.toml"))


def read(name: str) -> Dict[str, Any]:
    """The tables of a recording's script."""
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))


def load(name: str) -> Script:
    """The script of a recording. Raises ScriptError."""
    return parse(name, read(name))


def parse(name: str, raw: Mapping[str, Any]) -> Script:
    """A script from its tables. Raises ScriptError for what the contract does not know."""
    tables = dict(raw)
    headers = _table(name, "headers", tables.pop("headers", {}), ("equal", "present"))
    script = Script(
        name=name,
        users=tuple(tables.pop("users", ())),
        substitutions=dict(tables.pop("substitutions", {})),
        durations=dict(tables.pop("durations", {})),
        anonymous=tuple(tables.pop("anonymous", ())),
        headers_equal=tuple(headers["equal"]),
        headers_present=tuple(headers["present"]),
        setup=tuple(_step(name, row) for row in tables.pop("setup", ())),
        learn=tuple(_learn(name, row) for row in tables.pop("learn", ())),
        inputs=tuple(_input(name, row) for row in tables.pop("input", ())),
        unordered=tuple(_unordered(name, row) for row in tables.pop("unordered", ())),
        embedded=tuple(_places(name, "embedded", tables.pop("embedded", ()))),
        volatile=tuple(_places(name, "volatile", tables.pop("volatile", ()))),
        skipped=_skipped(name, tables.pop("skip", ())),
        absent=_absent(name, tables.pop("absent", ())),
        declared=tuple(_declared(name, row) for row in tables.pop("difference", ())),
    )
    if tables:
        raise ScriptError(f"{name}: unknown tables: {', '.join(tables)}")
    both = set(script.skipped) & set(script.absent)
    if both:
        raise ScriptError(f"{name}: exchanges both skipped and absent: {sorted(both)}")
    return script


def _table(
    name: str, what: str, row: Mapping[str, Any], needed: Sequence[str], *may: str
) -> Mapping[str, Any]:
    missing = [key for key in needed if row.get(key) in (None, "")]
    unknown = [key for key in row if key not in needed and key not in may]
    if missing or unknown:
        raise ScriptError(f"{name}: {what} {dict(row)}: missing {missing}, unknown {unknown}")
    return row


def _step(name: str, row: Mapping[str, Any]) -> Step:
    _table(name, "setup", row, ("do",), *row)
    options = {key: value for key, value in row.items() if key not in ("before", "do", "why")}
    return Step(int(row.get("before", 0)), row["do"], options)


def _learn(name: str, row: Mapping[str, Any]) -> Learn:
    _table(name, "learn", row, ("where",), "pattern")
    return Learn(_glob(row["where"]), re.compile(row.get("pattern", "(.+)"), re.DOTALL))


def _input(name: str, row: Mapping[str, Any]) -> Input:
    _table(name, "input", row, ("exchange", "where", "make"))
    return Input(row["exchange"], row["where"], row["make"])


def _unordered(name: str, row: Mapping[str, Any]) -> Unordered:
    _table(name, "unordered", row, ("where", "why"), "by")
    return Unordered(_glob(row["where"]), tuple(row.get("by", ())))


def _places(name: str, what: str, rows: Iterable[Mapping[str, Any]]) -> List[Pattern[str]]:
    return [_glob(_table(name, what, row, ("where", "why"))["where"]) for row in rows]


def _skipped(name: str, rows: Iterable[Mapping[str, Any]]) -> Dict[int, str]:
    made: Dict[int, str] = {}
    for row in rows:
        _table(name, "skip", row, ("exchanges", "reason", "why"), "input")
        if row["reason"] not in REASONS:
            raise ScriptError(f"{name}: skip {row}: the reason must be one of {', '.join(REASONS)}")
        if row["reason"] == "cut-input" and row.get("input", MAKEABLE[0]) in MAKEABLE:
            raise ScriptError(f"{name}: skip {row}: must name an input that cannot be made")
        made.update(dict.fromkeys(row["exchanges"], row["reason"]))
    return made


def _absent(name: str, rows: Iterable[Mapping[str, Any]]) -> Tuple[int, ...]:
    listed = (_table(name, "absent", row, ("exchanges", "why"))["exchanges"] for row in rows)
    return tuple(index for indexes in listed for index in indexes)


def _declared(name: str, row: Mapping[str, Any]) -> Declared:
    pins = ("ours", "check", "type", "missing", "extra")
    _table(name, "difference", row, ("exchanges", "where", "why"), *pins)
    given = [pin for pin in pins if pin in row]
    if len(given) != 1 or (given == ["check"] and row["check"] not in CHECKS):
        raise ScriptError(f"{name}: difference {row}: needs one of {', '.join(pins)}")
    kind = given[0] if given[0] in ("type", "missing", "extra") else "value"
    ours = row.get("type", row.get("ours"))
    where = _glob(row["where"])
    return Declared(tuple(row["exchanges"]), where, kind, ours, row.get("check", ""), row["why"])


def _glob(text: str) -> Pattern[str]:
    """A place with wildcards, as a pattern."""
    escaped = re.escape(text)
    for wild, meaning in (
        (r"\*\*", ".*"),
        (r"\[\*\]", r"\[\d+\]"),
        (r"\{\*\}", r"\{[^{}]*\}"),
        (r"\*", r"[^.\[\]{}]*"),
    ):
        escaped = escaped.replace(wild, meaning)
    return re.compile(escaped, re.DOTALL)


def _continues(recorded: Any, ours: Any) -> bool:
    """Ours is the recorded list of names and goes on."""
    return isinstance(ours, str) and isinstance(recorded, str) and ours.startswith(recorded + ", ")


def _signed(recorded: Any, ours: Any) -> bool:
    """Ours is the recorded address, and signed."""
    both = isinstance(ours, str) and isinstance(recorded, str)
    return both and re.fullmatch(re.escape(recorded) + r"&t=\d{18}&h=[0-9a-f]{32}", ours) is not None


CHECKS: Dict[str, Callable[[Any, Any], bool]] = {"continues": _continues, "signed": _signed}
"""What a declared difference may be checked by."""
