"""Checks before a pool's regions are changed, in the emulator's order (DESIGN section 5): name
known, not the primary, extendable, maximum, activated, no operation under way.

What the pool's own record says binds with every provider. The rest comes from our data: it
binds where ``binding`` is True, else it is a warning and the service decides.
"""

from __future__ import annotations

from typing import List, Optional, Tuple

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.regions import DEFAULT_EDITION, Catalogue
from azext_mhsmregion.provider.errors import BadRequestError, ConflictError, ProviderError
from azext_mhsmregion.provider.interface import Pool, Region
from azext_mhsmregion.provider.states import CHANGING_POOL, CHANGING_REGION, FAILED, LEAVING

LIST_LOCATIONS = "`keyvault region list-locations` shows the regions that a pool can be extended to."

Checked = Tuple[str, Tuple[str, ...]]


class _Findings:
    """Raises what binds, keeps the rest as warnings."""

    def __init__(self, binding: bool) -> None:
        self._binding = binding
        self.warnings: List[str] = []

    def documented(self, error: ProviderError) -> None:
        """Something that our data says and the service may see otherwise."""
        if self._binding:
            raise error
        self.warnings.append(error.message)


def check_add(
    pool: Pool, region_input: str, catalogue: Catalogue, binding: bool, edition: str = DEFAULT_EDITION
) -> Checked:
    """(canonical name, warnings) of extending ``pool``. A region that is there already and not
    in Failed passes: nothing would be changed. Raises BadRequestError, ConflictError."""
    name = catalogue.normalise(region_input)
    found = _Findings(binding)
    if not catalogue.known(name):
        found.documented(_unknown(region_input, catalogue))
    _refuse_primary(pool, name, catalogue)
    present = extended_region(pool, name, catalogue)
    if present is not None and present.provisioning_state.lower() != FAILED:
        return name, tuple(found.warnings)
    reason = catalogue.refusal(name, edition, _cloud(pool, catalogue)) if catalogue.known(name) else None
    if reason:
        message = messages.not_extendable(name, edition, reason)
        found.documented(BadRequestError(message, LIST_LOCATIONS))
    maximum = catalogue.maximum_extended(edition)
    others = [one for one in pool.extended if one is not present]
    if maximum is not None and len(others) >= maximum:
        message = messages.too_many_regions(pool.name, maximum)
        found.documented(BadRequestError(message, "Remove one first: `keyvault region remove`."))
    if pool.activation_status != "Active":
        hint = "`keyvault security-domain download` activates it."
        found.documented(BadRequestError(messages.not_activated_yet(pool.name), hint))
    _refuse_while_changing(pool)
    found.warnings += _failed_others(pool, present)
    return name, tuple(found.warnings)


def check_remove(pool: Pool, region_input: str, catalogue: Catalogue, binding: bool) -> Checked:
    """(canonical name, warnings) of removing an extended region. One that is not there, or is
    being removed already, passes. Raises BadRequestError, ConflictError."""
    name = catalogue.normalise(region_input)
    found = _Findings(binding)
    present = extended_region(pool, name, catalogue)
    if present is None and not catalogue.known(name):
        found.documented(_unknown(region_input, catalogue))
    if _is_primary(pool, name, catalogue):
        hint = "`keyvault delete` and `keyvault purge` remove the whole pool."
        raise BadRequestError(messages.primary_not_removable(pool.name, name), hint)
    leaving = present is not None and present.provisioning_state.lower() in LEAVING
    if present is not None and not leaving:
        _refuse_while_changing(pool)
        found.warnings += [messages.failed_region(pool.name, one) for one in _failed(pool, present)]
    return name, tuple(found.warnings)


def _failed_others(pool: Pool, tried_again: Optional[Region]) -> List[str]:
    """What becomes of the other Failed regions (rule E5): a list that adds nothing else tries
    them all again."""
    about = messages.failed_region if tried_again is None else messages.failed_region_is_tried_too
    return [about(pool.name, name) for name in _failed(pool, tried_again)]


def _failed(pool: Pool, besides: Optional[Region]) -> List[str]:
    return [one.name for one in pool.extended if one != besides and one.provisioning_state.lower() == FAILED]


def extended_region(pool: Pool, name: str, catalogue: Catalogue) -> Optional[Region]:
    """The pool's extended region of that name."""
    wanted = catalogue.normalise(name)
    return next((one for one in pool.extended if catalogue.normalise(one.name) == wanted), None)


def change_under_way(pool: Pool) -> Optional[str]:
    """The state that says so, None when nothing is under way."""
    if pool.provisioning_state.lower() in CHANGING_POOL:
        return pool.provisioning_state
    for region in pool.extended:
        if region.provisioning_state.lower() in CHANGING_REGION:
            return f"{region.name}: {region.provisioning_state}"
    return None


def near_hint(text: str, catalogue: Catalogue) -> str:
    """What to do about a region name that nobody knows."""
    near = catalogue.near(text)
    return f"Did you mean {', '.join(near)}?" if near else LIST_LOCATIONS


def _unknown(text: str, catalogue: Catalogue) -> BadRequestError:
    message = messages.unknown_region(text, catalogue.near(text), catalogue.invalid_name_message(text))
    return BadRequestError(message, LIST_LOCATIONS)


def _refuse_primary(pool: Pool, name: str, catalogue: Catalogue) -> None:
    if _is_primary(pool, name, catalogue):
        raise BadRequestError(messages.own_region(pool.name, name), LIST_LOCATIONS)


def _is_primary(pool: Pool, name: str, catalogue: Catalogue) -> bool:
    return catalogue.normalise(pool.location) == name


def _cloud(pool: Pool, catalogue: Catalogue) -> str:
    """The cloud that the pool is in (rule G8)."""
    info = catalogue.regions.get(catalogue.normalise(pool.location))
    return info.cloud if info else "public"


def _refuse_while_changing(pool: Pool) -> None:
    state = change_under_way(pool)
    if state:
        hint = f"`keyvault region wait --hsm-name {pool.name} --updated` waits for it."
        raise ConflictError(messages.operation_under_way(pool.name, state), hint)
