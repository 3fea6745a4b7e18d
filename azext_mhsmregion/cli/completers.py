"""Completion of names on TAB: pools and regions, read from the emulator's store through the
provider. Real Azure is never asked on a key press."""

from __future__ import annotations

from typing import Any, List


def pools(prefix: str, parser: Any, parsed_args: Any, **_: Any) -> List[str]:
    """Names of the pools that exist."""
    provider = _emulator(parser, parsed_args)
    return [pool.name for pool in provider.list_pools()] if provider else []


def regions(prefix: str, parser: Any, parsed_args: Any, **_: Any) -> List[str]:
    """``add``: where the pool can be extended to; the other commands: the regions that it has."""
    provider = _emulator(parser, parsed_args)
    name = getattr(parsed_args, "name", None)
    if provider is None:
        return []
    if parser.prog.endswith(" region add"):
        taken = {region.name for region in provider.list_regions(name)} if name else set()
        locations, _edition = provider.list_locations(name)
        return [one.name for one in locations if one.can_be_extended and one.name not in taken]
    return [region.name for region in provider.list_regions(name)] if name else []


def _emulator(parser: Any, parsed_args: Any) -> Any:
    """The emulator provider, None when the user has chosen another or it cannot be had: a
    completion is silent about errors."""
    from azext_mhsmregion.cli import context
    from azext_mhsmregion.provider.errors import ProviderError

    context.remember_options(parser.cli_ctx, parsed_args)
    try:
        provider = context.provider(parser.cli_ctx)
    except ProviderError:
        return None
    return provider if provider.kind == "emulator" else None
