"""``keyvault region wait``: until a region, or the whole pool, is in a state."""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, List, Optional

from knack.log import get_logger

from azext_mhsmregion.cli import context, longrun, views
from azext_mhsmregion.cli.errors import FAILED_REGION
from azext_mhsmregion.cli.ops.region import pick
from azext_mhsmregion.provider.errors import NotFoundError, OperationFailedError, ProviderError, UsageError
from azext_mhsmregion.provider.states import FAILED, SUCCEEDED

logger = get_logger(__name__)

REPLICATION_SECONDS = 360.0  # rule L4
NO_END_SECONDS = 1e12
"""More than any clock reaches: no end is planned."""

WORDS = {
    "created": "be created",
    "updated": "be updated",
    "deleted": "be gone",
    "exists": "exist",
    "replicated": "be replicated",
}
CONDITIONS = ("created", "updated", "deleted", "exists", "custom", "replicated")


class _NotThereYet(NotFoundError):
    """What is waited for is not there, and may still appear."""


def wait(
    cmd,
    name,
    region_name=None,
    resource_group_name=None,
    created=False,
    updated=False,
    deleted=False,
    exists=False,
    custom=None,
    replicated=False,
    key=None,
    interval=None,
    timeout=3600,
) -> None:
    chosen = [c for c, on in zip(CONDITIONS, (created, updated, deleted, exists, custom, replicated)) if on]
    _check_usage(chosen, key)
    context.give_up_after(cmd.cli_ctx, float(timeout))
    provider = context.provider(cmd.cli_ctx)
    condition = chosen[0]
    every = float(interval) if interval is not None else longrun.interval_of(provider)
    held: Callable[[], Optional[float]] = functools.partial(provider.time_held, name)
    if condition == "replicated":
        agreement = _Agreement(provider, name, key, context.now())
        check, held = agreement.check, agreement.held
    else:
        look = _look_at(provider, name, region_name, resource_group_name)
        check = _reached(look, condition, custom, every)
    target = f"{name} {region_name}" if region_name else name
    what = f"Waiting for {target} to {f'match {custom}' if condition == 'custom' else WORDS[condition]}"
    words = ["keyvault", "region", "wait", "--hsm-name", name]
    words += ["--region", region_name] if region_name else []
    words += ["--custom", custom] if condition == "custom" else [f"--{condition}"]
    words += ["--key", key] if key else []
    resume = context.command_line(cmd.cli_ctx, *words)
    goes_on = "What runs in the service goes on."
    with longrun.watching(cmd.cli_ctx, what, resume, goes_on=goes_on, after=_can_be_waited_again) as progress:
        longrun.until(progress, check, every, float(timeout), what, held)


def _check_usage(chosen: List[str], key: Optional[str]) -> None:
    if len(chosen) != 1:
        raise UsageError(
            "Say what to wait for, one of: "
            "--created | --updated | --deleted | --exists | --custom JMESPATH | --replicated"
        )
    if key and chosen != ["replicated"]:
        raise UsageError("--key goes with --replicated only.")


def _can_be_waited_again(error: ProviderError) -> bool:
    return longrun.still_runs(error) and not isinstance(error, NotFoundError)


def _look_at(
    provider: Any, name: str, region_name: Optional[str], group: Optional[str]
) -> Callable[[], Dict[str, Any]]:
    """A function that gives the state of what is waited for. It raises _NotThereYet when that
    is not there, NotFoundError for a region of a pool that is not there."""

    def pool() -> Dict[str, Any]:
        try:
            return views.pool(provider.get_pool(name, group))
        except NotFoundError as error:
            raise _NotThereYet(error.message, error.hint, error.code) from error

    def region() -> Dict[str, Any]:
        found = pick(provider.list_regions(name, group), region_name or "")
        if found is None:
            raise _NotThereYet(f"Pool {name} has no region {region_name}.", _near(region_name or ""))
        return views.region(found)

    return region if region_name else pool


def _near(region_name: str) -> str:
    from azext_mhsmregion.model.regions import catalogue

    known = catalogue()
    near = [] if known.known(region_name) else known.near(region_name)
    return f"Did you mean {', '.join(near)}?" if near else ""


def _reached(
    look: Callable[[], Dict[str, Any]], condition: str, custom: Optional[str], every: float
) -> Callable[[], Optional[float]]:
    expression = _compiled(custom) if condition == "custom" else None
    warned = False

    def check() -> Optional[float]:
        nonlocal warned
        try:
            there = look()
        except NotFoundError as error:
            if condition == "deleted":
                return None
            if condition == "updated" or not isinstance(error, _NotThereYet):
                hint = error.hint or "Use --created to wait for it to appear."
                raise NotFoundError(error.message, hint, error.code) from error
            if not warned:
                logger.warning(" ".join(["Waiting for it to appear.", error.message, error.hint]).strip())
                warned = True
            return every
        if condition == "deleted":
            return every
        if condition == "exists":
            return None
        state = _state_of(there)
        if bool(expression.search(there)) if expression is not None else state == SUCCEEDED:
            return None
        if state == FAILED:
            hint = FAILED_REGION if "isPrimary" in there else ""
            raise OperationFailedError(f"{there['name']} is in Failed.", hint)
        return every

    return check


def _state_of(there: Dict[str, Any]) -> str:
    """The state of a region or of a pool, as ``provider.states`` spells it."""
    properties = there.get("properties", {})
    return str(there.get("provisioningState") or properties.get("provisioningState") or "").lower()


def _compiled(text: Optional[str]) -> Any:
    import jmespath

    try:
        return jmespath.compile(text)
    except (jmespath.exceptions.JMESPathError, KeyError) as error:
        raise UsageError(f"--custom is not a JMESPath expression: {error}") from error


def _lost(writes: int) -> str:
    what = "write was" if writes == 1 else "writes were"
    return (
        f"{writes} acknowledged {what} lost with what is destroyed, and will not arrive; `keyvault region "
        "status` says where. What is left agrees."
    )


class _Agreement:
    """Until all regions agree. A provider that cannot know exactly is asked until it sees no
    difference, at most for the six minutes after which the service guarantees agreement."""

    def __init__(self, provider: Any, name: str, key: Optional[str], began: float) -> None:
        self._provider = provider
        self._name = name
        self._key = key
        self._began = began
        self._lacking = 0.0

    def check(self) -> Optional[float]:
        answer = self._provider.replication(self._name, self._key)
        if answer.agreed:
            if answer.lost:
                logger.warning(_lost(answer.lost))
            return None
        if not answer.exact and context.now() - self._began >= REPLICATION_SECONDS:
            logger.warning(
                "The regions could not be seen to agree; six minutes have passed, after which the "
                "service guarantees that they do."
            )
            return None
        self._lacking = answer.seconds or 0.0
        return answer.seconds if answer.seconds is not None else longrun.interval_of(self._provider)

    def held(self) -> Optional[float]:
        """The seconds that the last answer named; 0 where an outage without an end keeps them apart."""
        if self._provider.time_held(self._name) is None:
            return None
        return self._lacking if self._lacking < NO_END_SECONDS else 0.0
