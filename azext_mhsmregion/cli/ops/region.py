"""``keyvault region``: add, remove, list, show, list-locations, cost."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from knack.log import get_logger

from azext_mhsmregion.cli import confirm, context, longrun, views
from azext_mhsmregion.cli.errors import raise_if_failed
from azext_mhsmregion.provider.errors import ConflictError, NotFoundError, UsageError

logger = get_logger(__name__)

SUCCEEDED, FAILED = "Succeeded", "Failed"
LEAVING = ("Deleting", "Cleanup")
NO_END = float("inf")


def same_region(one: str, other: str) -> bool:
    """Are these two spellings of one region (rules G5, G7)?"""
    from azext_mhsmregion.model.regions import catalogue

    normalise = catalogue().normalise
    return normalise(one) == normalise(other)


def find(provider: Any, name: str, region_name: str, group: Optional[str]) -> Optional[Any]:
    """The region of the pool, None when the pool is not there."""
    found = provider.list_regions(name, group)
    return next((r for r in found if same_region(r.name, region_name)), None)


def list_(cmd, name, resource_group_name=None) -> List[Dict[str, Any]]:
    provider = context.provider(cmd.cli_ctx)
    return views.regions(provider.list_regions(name, resource_group_name))


def show(cmd, name, region_name, resource_group_name=None) -> Dict[str, Any]:
    provider = context.provider(cmd.cli_ctx)
    listed = provider.list_regions(name, resource_group_name)
    for region in listed:
        if same_region(region.name, region_name):
            return views.region(region)
    raise NotFoundError(
        f"Pool {name} has no region {region_name}.",
        hint=f"Its regions: {', '.join(r['name'] for r in views.regions(listed))}.",
    )


def add(cmd, name, region_name, resource_group_name=None, no_wait=False, dry_run=False) -> Optional[Any]:
    cli_ctx = cmd.cli_ctx
    provider = context.provider(cli_ctx)
    plan = provider.plan_region_add(name, region_name, resource_group_name)
    for warning in plan.warnings:
        logger.warning(warning)
    if dry_run:
        return views.plan(plan)
    region = plan.region
    if plan.already in LEAVING:
        raise ConflictError(
            f"Region {region} is being removed from pool {name}.",
            hint=f"Wait for that, then add it again:\n  {_resume(cli_ctx, name, region, '--deleted')}",
        )
    if plan.already == SUCCEEDED:
        logger.warning("Pool %s is extended to %s already; nothing was changed.", name, region)
    elif plan.already in (None, FAILED):
        operation = provider.add_region(plan, resource_group_name)
        if no_wait:
            return None
        longrun.finish(
            cli_ctx,
            provider,
            operation,
            f"Adding region {region} to pool {name}",
            _resume(cli_ctx, name, region, "--created"),
        )
    else:
        logger.warning("Region %s is being added to pool %s already.", region, name)
        if no_wait:
            return None
        _wait_for_state(cli_ctx, provider, name, region, resource_group_name)
    return _regions_after_add(provider, name, region, resource_group_name)


def _regions_after_add(provider: Any, name: str, region: str, group: Optional[str]) -> Any:
    found = provider.list_regions(name, group)
    raise_if_failed(next((r for r in found if same_region(r.name, region)), None), name, region)
    return views.regions(found)


def _wait_for_state(cli_ctx: Any, provider: Any, name: str, region: str, group: Optional[str]) -> None:
    """Wait for an add that somebody else began."""

    def check() -> Optional[float]:
        found = find(provider, name, region, group)
        still = found is not None and found.provisioning_state not in (SUCCEEDED, FAILED)
        return longrun.interval_of(provider) if still else None

    what = f"Adding region {region} to pool {name}"
    with longrun.watching(cli_ctx, what, _resume(cli_ctx, name, region, "--created")) as progress:
        longrun.until(progress, check, longrun.interval_of(provider), NO_END, what)


def remove(
    cmd, name, region_name, resource_group_name=None, no_wait=False, dry_run=False, yes=False
) -> Optional[Any]:
    cli_ctx = cmd.cli_ctx
    provider = context.provider(cli_ctx)
    plan = provider.plan_region_remove(name, region_name, resource_group_name)
    for warning in plan.warnings:
        logger.warning(warning)
    if dry_run:
        return views.plan(plan)
    region = plan.region
    what = f"Removing region {region} from pool {name}"
    resume = _resume(cli_ctx, name, region, "--deleted")
    if plan.already is None:
        logger.warning("Pool %s is not extended to %s; nothing was changed.", name, region)
    elif plan.already in LEAVING:
        logger.warning("Region %s is being removed from pool %s already.", region, name)
        if no_wait:
            return None
        _wait_until_gone(cli_ctx, provider, name, region, resource_group_name, what, resume)
    else:
        if not yes:
            _ask(cli_ctx, name, region)
        operation = provider.remove_region(plan, resource_group_name, accept_loss=yes)
        if no_wait:
            return None
        longrun.finish(cli_ctx, provider, operation, what, resume)
    return views.regions(provider.list_regions(name, resource_group_name))


def _wait_until_gone(
    cli_ctx: Any, provider: Any, name: str, region: str, group: Optional[str], what: str, resume: str
) -> None:
    def check() -> Optional[float]:
        there = find(provider, name, region, group) is not None
        return longrun.interval_of(provider) if there else None

    with longrun.watching(cli_ctx, what, resume) as progress:
        longrun.until(progress, check, longrun.interval_of(provider), NO_END, what)


def _ask(cli_ctx: Any, name: str, region: str) -> None:
    """``mhsm`` asks on a terminal. az does not, as core does not, unless its configuration says
    so; then it needs somebody to ask."""
    if context.in_az(cli_ctx):
        if not cli_ctx.config.getboolean("mhsmregion", "confirm_remove", fallback=False):
            return
        if not confirm.on_terminal():
            raise UsageError(
                "The setting [mhsmregion] confirm_remove asks for a confirmation, and there is no terminal.",
                hint="Add --yes.",
            )
    if confirm.on_terminal():
        confirm.ask(
            f"Removing {region} from pool {name} purges the HSM there at once; it cannot be recovered. "
            "Remove it?"
        )


def _resume(cli_ctx: Any, name: str, region: str, condition: str) -> str:
    return context.command_line(
        cli_ctx, "keyvault", "region", "wait", "--hsm-name", name, "--region", region, condition
    )


def list_locations(cmd, name=None) -> List[Dict[str, Any]]:
    provider = context.provider(cmd.cli_ctx)
    locations, edition = provider.list_locations(name)
    if provider.kind == "arm":
        logger.warning("As documented (edition %s), not asked of Azure.", edition)
    return [views.location(one, edition) for one in locations]


def cost(cmd, name=None) -> Dict[str, Any]:
    provider = context.provider(cmd.cli_ctx)
    return views.cost(provider.cost(name))
