"""Completion of names on TAB: pools and regions, read from the emulator's store through the
provider. Real Azure is never asked on a key press."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable, List

from knack.log import get_logger

logger = get_logger(__name__)

Completer = Callable[..., List[str]]


def silent(complete: Completer) -> Completer:
    """Whatever goes wrong offers nothing: a message, or a traceback, would land in the line that
    the user is typing. Only the debug log has it."""

    @wraps(complete)
    def quiet(prefix: str, parser: Any, parsed_args: Any, **_: Any) -> List[str]:
        try:
            return complete(prefix, parser, parsed_args)
        except Exception as error:
            logger.debug("No completion: %r", error)
            return []

    return quiet


@silent
def pools(prefix: str, parser: Any, parsed_args: Any) -> List[str]:
    """Names of the pools that exist."""
    provider = _emulator(parser, parsed_args)
    return [pool.name for pool in provider.list_pools()] if provider else []


@silent
def regions(prefix: str, parser: Any, parsed_args: Any) -> List[str]:
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
    """The emulator provider, None when the user has chosen another."""
    from azext_mhsmregion.cli import context

    context.remember_options(parser.cli_ctx, parsed_args)
    provider = context.provider(parser.cli_ctx)
    return provider if provider.kind == "emulator" else None
