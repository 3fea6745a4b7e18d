"""``keyvault region``: add, remove, list, show, list-locations, cost."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence

from knack.log import get_logger

from azext_mhsmregion.cli import confirm, context, longrun, views
from azext_mhsmregion.cli.errors import raise_if_failed
from azext_mhsmregion.provider.errors import ConflictError, NotFoundError, UsageError
from azext_mhsmregion.provider.states import FAILED, LEAVING, SUCCEEDED

logger = get_logger(__name__)


def pick(regions: Sequence[Any], region_name: str) -> Optional[Any]:
    """The region of that name, however it is spelled (rules G5, G7); None when it is not there."""
    from azext_mhsmregion.provider.locations import same_region

    return next((one for one in regions if same_region(one.name, region_name)), None)


def state_of(region: Optional[Any]) -> str:
    """Its state as ``provider.states`` spells it; "" of a region that is not there."""
    return "" if region is None else region.provisioning_state.lower()


def list_(cmd, name, resource_group_name=None) -> List[Dict[str, Any]]:
    provider = context.provider(cmd.cli_ctx)
    return views.regions(provider.list_regions(name, resource_group_name))


def show(cmd, name, region_name, resource_group_name=None) -> Dict[str, Any]:
    provider = context.provider(cmd.cli_ctx)
    listed = provider.list_regions(name, resource_group_name)
    region = pick(listed, region_name)
    if region is None:
        raise NotFoundError(
            f"Pool {name} has no region {region_name}.",
            hint=f"Its regions: {', '.join(r['name'] for r in views.regions(listed))}.",
        )
    return views.region(region)


def add(cmd, name, region_name, resource_group_name=None, no_wait=False, dry_run=False) -> Optional[Any]:
    cli_ctx = cmd.cli_ctx
    provider = context.provider(cli_ctx)
    plan = _planned(provider.plan_region_add, name, region_name, resource_group_name)
    if dry_run:
        return views.plan(plan)
    region, already = plan.region, (plan.already or "").lower()
    what = f"Adding region {region} to pool {name}"
    resume = _resume(cli_ctx, name, region, "--created")
    if already in LEAVING:
        raise ConflictError(
            f"Region {region} is being removed from pool {name}.",
            hint=f"Wait for that, then add it again:\n  {_resume(cli_ctx, name, region, '--deleted')}",
        )
    if already == SUCCEEDED:
        logger.warning("Pool %s is extended to %s already; nothing was changed.", name, region)
    elif already in ("", FAILED):

        def send() -> Any:
            return provider.add_region(plan, resource_group_name)

        longrun.follow(cli_ctx, provider, send, what, resume, no_wait)
    else:
        logger.warning("Region %s is being added to pool %s already.", region, name)
        if not no_wait:

            def coming() -> bool:
                state = state_of(_look(provider, name, region, resource_group_name))
                return state not in ("", SUCCEEDED, FAILED)

            _wait_while(cli_ctx, provider, name, coming, what, resume)
    if no_wait and already != SUCCEEDED:
        return None
    found = provider.list_regions(name, resource_group_name)
    raise_if_failed(pick(found, region), name, region)
    return views.regions(found)


def remove(
    cmd, name, region_name, resource_group_name=None, no_wait=False, dry_run=False, yes=False
) -> Optional[Any]:
    cli_ctx = cmd.cli_ctx
    provider = context.provider(cli_ctx)
    plan = _planned(provider.plan_region_remove, name, region_name, resource_group_name)
    if dry_run:
        return views.plan(plan)
    region, already = plan.region, (plan.already or "").lower()
    what = f"Removing region {region} from pool {name}"
    resume = _resume(cli_ctx, name, region, "--deleted")
    if not already:
        logger.warning("Pool %s is not extended to %s; nothing was changed.", name, region)
    elif already in LEAVING:
        logger.warning("Region %s is being removed from pool %s already.", region, name)
        if not no_wait:

            def there() -> bool:
                return _look(provider, name, region, resource_group_name) is not None

            _wait_while(cli_ctx, provider, name, there, what, resume)
    else:
        if not yes:
            _ask(cli_ctx, name, region)

        def send() -> Any:
            return provider.remove_region(plan, resource_group_name, accept_loss=yes)

        longrun.follow(cli_ctx, provider, send, what, resume, no_wait)
    if no_wait and already:
        return None
    return views.regions(provider.list_regions(name, resource_group_name))


def _planned(plan: Callable[..., Any], name: str, region_name: str, group: Optional[str]) -> Any:
    made = plan(name, region_name, group)
    for warning in made.warnings:
        logger.warning(warning)
    return made


def _look(provider: Any, name: str, region: str, group: Optional[str]) -> Optional[Any]:
    return pick(provider.list_regions(name, group), region)


def _wait_while(
    cli_ctx: Any, provider: Any, name: str, still: Callable[[], bool], what: str, resume: str
) -> None:
    """Wait for what somebody else began."""
    every = longrun.interval_of(provider)
    with longrun.watching(cli_ctx, what, resume) as progress:
        longrun.until(
            progress, lambda: every if still() else None, every, None, what, lambda: provider.time_held(name)
        )


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
