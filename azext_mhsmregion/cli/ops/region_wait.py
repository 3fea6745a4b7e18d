"""``keyvault region wait``: until a region, or the whole pool, is in a state."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from knack.log import get_logger

from azext_mhsmregion.cli import context, longrun, views
from azext_mhsmregion.cli.errors import raise_if_failed
from azext_mhsmregion.cli.ops.region import find
from azext_mhsmregion.provider.errors import NotFoundError, OperationFailedError, UsageError

logger = get_logger(__name__)

REPLICATION_SECONDS = 360.0  # rule L4
WORDS = {
    "created": "be created",
    "updated": "be updated",
    "deleted": "be gone",
    "exists": "exist",
    "replicated": "be replicated",
}
CONDITIONS = ("created", "updated", "deleted", "exists", "custom", "replicated")


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
    provider = context.provider(cmd.cli_ctx)
    condition = chosen[0]
    every = float(interval) if interval is not None else longrun.interval_of(provider)
    if condition == "replicated":
        check = _replicated(provider, name, key, context.now())
    else:
        look = _look_at(provider, name, region_name, resource_group_name)
        check = _reached(look, condition, custom, f"{region_name or 'pool'} of {name}", every)
    target = f"{name} {region_name}" if region_name else name
    what = f"Waiting for {target} to {f'match {custom}' if condition == 'custom' else WORDS[condition]}"
    words = ["keyvault", "region", "wait", "--hsm-name", name]
    words += ["--region", region_name] if region_name else []
    words += ["--custom", custom] if condition == "custom" else [f"--{condition}"]
    words += ["--key", key] if key else []
    resume = context.command_line(cmd.cli_ctx, *words)
    goes_on = "What runs in the service goes on."
    with longrun.watching(cmd.cli_ctx, what, resume, goes_on=goes_on) as progress:
        longrun.until(progress, check, every, float(timeout), what)


def _check_usage(chosen: list, key: Optional[str]) -> None:
    if len(chosen) != 1:
        raise UsageError(
            "Say what to wait for, one of: "
            "--created | --updated | --deleted | --exists | --custom JMESPATH | --replicated"
        )
    if key and chosen != ["replicated"]:
        raise UsageError("--key goes with --replicated only.")


def _look_at(
    provider: Any, name: str, region_name: Optional[str], group: Optional[str]
) -> Callable[[], Optional[Dict[str, Any]]]:
    """A function that gives the state of what is waited for, None when it is not there."""

    def pool() -> Optional[Dict[str, Any]]:
        try:
            return views.pool(provider.get_pool(name, group))
        except NotFoundError:
            return None

    def region() -> Optional[Dict[str, Any]]:
        found = find(provider, name, region_name or "", group)
        if found is not None:
            raise_if_failed(found, name, found.name)
        return None if found is None else views.region(found)

    return region if region_name else pool


def _reached(
    look: Callable[[], Optional[Dict[str, Any]]],
    condition: str,
    custom: Optional[str],
    what: str,
    every: float,
) -> Callable[[], Optional[float]]:
    expression = _compiled(custom) if condition == "custom" else None

    def check() -> Optional[float]:
        there = look()
        if condition == "deleted":
            return None if there is None else every
        if there is None:
            if condition == "updated":
                raise NotFoundError(f"Not found: {what}.", hint="Use --created to wait for it to appear.")
            return every
        if condition == "exists":
            return None
        state = there.get("provisioningState") or there.get("properties", {}).get("provisioningState")
        if state == "Failed":
            raise OperationFailedError(f"The operation on {what} ended in Failed.")
        met = bool(expression.search(there)) if expression is not None else state == "Succeeded"
        return None if met else every

    return check


def _compiled(text: Optional[str]) -> Any:
    import jmespath

    try:
        return jmespath.compile(text)
    except (jmespath.exceptions.JMESPathError, KeyError) as error:
        raise UsageError(f"--custom is not a JMESPath expression: {error}") from error


def _replicated(provider: Any, name: str, key: Optional[str], began: float) -> Callable[[], Optional[float]]:
    """Until all regions agree. A provider that cannot know exactly is asked until it sees no
    difference, at most for the six minutes after which the service guarantees agreement."""

    def check() -> Optional[float]:
        answer = provider.replication(name, key)
        if answer.agreed:
            return None
        if not answer.exact and context.now() - began >= REPLICATION_SECONDS:
            logger.warning(
                "The regions could not be seen to agree; six minutes have passed, after which the "
                "service guarantees that they do."
            )
            return None
        return answer.seconds if answer.seconds is not None else longrun.interval_of(provider)

    return check
