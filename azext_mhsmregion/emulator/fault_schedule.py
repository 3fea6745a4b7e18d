"""A schedule of faults, injected whole; its errors say which of its entries they mean."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from azext_mhsmregion.emulator import breaking, fault_spec, parse
from azext_mhsmregion.emulator.fault_spec import NewId
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Conflict, Contradiction, Invalid, NotFound
from azext_mhsmregion.model.faults import Fault


def inject(unit: Unit, document: Mapping[str, Any], new_id: NewId) -> List[Fault]:
    """Break what the document's ``faults`` say, in their order; its ``seed`` draws from ranges. Raises
    Invalid, NotFound and Conflict, ``faults[0]`` being the first entry; then the caller undoes all of it."""
    parse.refuse_unknown(document, {"seed", "faults"}, "A schedule")
    seed = parse.optional(document, "seed", int) or 0
    specs = parse.required(document, "faults", list)
    if not specs:
        raise Invalid(messages.SCHEDULE_EMPTY, "BadParameter")
    made: Dict[str, Fault] = {}
    for number, spec in enumerate(specs):
        try:
            fault = breaking.inject(unit, _one(unit, spec, new_id, seed, number))
        except Contradiction as error:
            told = error.tell(_name(list(made).index(error.other))) if error.other in made else error.message
            raise Conflict(f"{_name(number)}: {told}", error.code) from error
        except (Invalid, NotFound, Conflict) as error:
            raise type(error)(f"{_name(number)}: {error.message}", error.code) from error
        made[fault.id] = fault
    return list(made.values())


def _one(unit: Unit, spec: Any, new_id: NewId, seed: int, number: int) -> Fault:
    if not isinstance(spec, dict):
        raise Invalid("A fault must be an object.", "BadParameter")
    return fault_spec.one(unit, spec, new_id, seed, number)


def _name(number: int) -> str:
    return f"faults[{number}]"
