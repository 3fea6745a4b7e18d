"""``keyvault create|show|list|delete|…``: managed HSM pools, in ``mhsm`` only (az has its own)."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

from knack.log import get_logger

from azext_mhsmregion.cli import context, longrun, views
from azext_mhsmregion.provider.errors import UsageError
from azext_mhsmregion.provider.interface import DEFAULT_SKU, PoolChanges, PoolSpec

logger = get_logger(__name__)

RETENTION_DAYS = range(7, 91)
DEFAULT_RETENTION_DAYS = 90


def create(
    cmd,
    hsm_name,
    location,
    resource_group_name=None,
    administrators=None,
    retention_days=None,
    enable_purge_protection=None,
    sku=None,
    tags=None,
    no_wait=False,
) -> Optional[Dict[str, Any]]:
    days = DEFAULT_RETENTION_DAYS if retention_days is None else retention_days
    if days not in RETENTION_DAYS:
        raise UsageError(f"--retention-days is {days}; it must be from 7 to 90.")
    provider = context.provider(cmd.cli_ctx)
    spec = PoolSpec(
        name=hsm_name,
        location=location,
        group=resource_group_name,
        administrators=tuple(administrators or [provider.whoami()]),
        retention_days=days,
        purge_protection=enable_purge_protection,
        sku=sku or DEFAULT_SKU,
        tags=tags or {},
    )
    _follow(
        cmd.cli_ctx,
        provider,
        lambda: provider.create_pool(spec),
        f"Creating pool {hsm_name}",
        hsm_name,
        no_wait=no_wait,
    )
    return None if no_wait else views.pool(provider.get_pool(hsm_name, resource_group_name))


def show(cmd, hsm_name, resource_group_name=None) -> Dict[str, Any]:
    return views.pool(context.provider(cmd.cli_ctx).get_pool(hsm_name, resource_group_name))


def list_(cmd, resource_group_name=None, resource_type=None) -> List[Dict[str, Any]]:
    pools = context.provider(cmd.cli_ctx).list_pools(resource_group_name)
    return [views.pool(one) for one in pools]


def delete(cmd, hsm_name, resource_group_name=None, no_wait=False) -> None:
    provider = context.provider(cmd.cli_ctx)

    def send() -> Any:
        operation = provider.delete_pool(hsm_name, resource_group_name)
        logger.warning(
            "Pool %s is being soft-deleted; it is billed until it is purged. "
            "For more information, go to https://aka.ms/doc/KeyVaultMHSMSoftDelete",
            hsm_name,
        )
        return operation

    _follow(cmd.cli_ctx, provider, send, f"Deleting pool {hsm_name}", hsm_name, "--deleted", no_wait)


def list_deleted(cmd, resource_type=None) -> List[Dict[str, Any]]:
    return [dict(one.body) for one in context.provider(cmd.cli_ctx).list_deleted_pools()]


def show_deleted(cmd, hsm_name, location=None) -> Dict[str, Any]:
    return dict(context.provider(cmd.cli_ctx).get_deleted_pool(hsm_name, location).body)


def recover(
    cmd, hsm_name, location=None, resource_group_name=None, no_wait=False
) -> Optional[Dict[str, Any]]:
    provider = context.provider(cmd.cli_ctx)
    _follow(
        cmd.cli_ctx,
        provider,
        lambda: provider.recover_pool(hsm_name, location),
        f"Recovering pool {hsm_name}",
        hsm_name,
        no_wait=no_wait,
    )
    return None if no_wait else views.pool(provider.get_pool(hsm_name, resource_group_name))


def purge(cmd, hsm_name, location=None, no_wait=False) -> None:
    provider = context.provider(cmd.cli_ctx)

    def send() -> Any:
        return provider.purge_pool(hsm_name, location)

    resume = context.command_line(cmd.cli_ctx, "keyvault", "list-deleted")
    longrun.follow(cmd.cli_ctx, provider, send, f"Purging pool {hsm_name}", resume, no_wait)


def check_name(cmd, name, resource_type=None) -> Dict[str, Any]:
    return context.provider(cmd.cli_ctx).check_name(name)


def update(
    cmd,
    hsm_name,
    resource_group_name=None,
    enable_purge_protection=None,
    public_network_access=None,
    bypass=None,
    default_action=None,
    tags=None,
    no_wait=False,
) -> Optional[Dict[str, Any]]:
    changes = PoolChanges(
        tags=tags,
        purge_protection=enable_purge_protection,
        public_network_access=public_network_access,
        bypass=bypass,
        default_action=default_action,
    )
    if changes == PoolChanges():
        raise UsageError("Nothing to change: give at least one property.")
    provider = context.provider(cmd.cli_ctx)
    _follow(
        cmd.cli_ctx,
        provider,
        lambda: provider.update_pool(hsm_name, resource_group_name, changes),
        f"Updating pool {hsm_name}",
        hsm_name,
        no_wait=no_wait,
    )
    return None if no_wait else views.pool(provider.get_pool(hsm_name, resource_group_name))


def _follow(
    cli_ctx: Any,
    provider: Any,
    send: Callable[[], Any],
    what: str,
    name: str,
    condition: str = "--created",
    no_wait: bool = False,
) -> None:
    resume = context.command_line(cli_ctx, "keyvault", "region", "wait", "--hsm-name", name, condition)
    longrun.follow(cli_ctx, provider, send, what, resume, no_wait)
