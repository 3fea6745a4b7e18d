"""Faults of an embedded emulator, as a test suite injects and ends them."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Union
from urllib.parse import quote

from azext_mhsmregion.emulator import owner_call
from azext_mhsmregion.emulator.service import Emulator
from azext_mhsmregion.model.errors import Conflict, NotFound

Span = Union[float, str, Sequence[Union[float, str]]]
"""Seconds, a text such as ``90s`` or ``6m``, or a range of two of them."""


class Injected(str):
    """A fault's id. As a context it ends the fault with the block, unless that has ended by itself or
    destroyed something for ever."""

    _faults: Faults

    @classmethod
    def of(cls, faults: Faults, fault_id: str) -> Injected:
        made = cls(fault_id)
        made._faults = faults
        return made

    def __enter__(self) -> Injected:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._faults.clear(self)
        except (NotFound, Conflict) as error:
            if error.code not in ("FaultNotFound", "Destroyed"):
                raise


class Faults:
    """What is broken on purpose, by the owner's calls of the emulator's own API."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def fault(
        self,
        *,
        region: str,
        scope: Optional[str] = None,
        hsm_name: Optional[str] = None,
        partition: Optional[int] = None,
        to: Optional[str] = None,
        one_way: Optional[bool] = None,
        effect: Optional[str] = None,
        kind: Optional[str] = None,
        after: Optional[Span] = None,
        lasts: Optional[Span] = None,
        rate: Optional[float] = None,
        milliseconds: Optional[int] = None,
    ) -> Injected:
        """Break something, as ``emulator fault inject`` does (``lasts`` is its ``--for``). Raises Invalid,
        NotFound, Conflict."""
        said = {
            "scope": scope, "hsmName": hsm_name, "region": region, "partition": partition, "to": to,
            "oneWay": one_way, "effect": effect, "kind": kind, "after": after, "for": lasts,
            "rate": rate, "milliseconds": milliseconds,
        }  # fmt: skip
        spec = {name: value for name, value in said.items() if value is not None}
        return Injected.of(self, owner_call.call(self.emulator, "POST", "/faults", spec)["id"])

    def faults(self) -> List[Dict[str, Any]]:
        """Those that are on, or planned, as ``emulator fault list`` shows them."""
        return list(owner_call.call(self.emulator, "GET", "/faults")["value"])

    def clear(self, fault: Optional[str] = None) -> None:
        """End one, or (None) all that can be ended. Raises NotFound for one that is over, Conflict for
        what is destroyed."""
        path = "/faults" if fault is None else f"/faults/{quote(fault, safe='')}"
        owner_call.call(self.emulator, "DELETE", path)


__all__ = ["Faults", "Injected"]
