"""Effects as a drill speaks of them: which a client can meet, and what each does."""

from __future__ import annotations

from typing import Mapping, Optional

from azext_mhsmregion.model.faults import DOWN, Effect
from azext_mhsmregion.provider.errors import UsageError

DEAD = tuple(effect.value for effect in (*DOWN, Effect.DOWN))
"""Under these nothing answers, or nothing passes a link."""

OF_REGIONS = tuple(effect.value for effect in (*DOWN, Effect.SLOW, Effect.ERROR, Effect.THROTTLE))
OF_LINKS = (Effect.DOWN.value, Effect.LAG.value)


def require_drillable(effect: Optional[str]) -> None:
    """Raises UsageError for an effect that no client of a pool can meet."""
    if effect is None or effect in (*OF_REGIONS, *OF_LINKS):
        return
    raise UsageError(
        f"No client of a pool meets the effect {effect}: a drill of it would prove nothing.",
        f"What can be drilled: {', '.join(OF_REGIONS)}; of a link: {', '.join(OF_LINKS)}.",
    )


def sentence(what: str, fault: Mapping[str, object]) -> str:
    """What ``what`` does under a fault with ``effect``, ``rate`` and ``milliseconds``."""
    effect, late = fault["effect"], f"{fault['milliseconds'] or 0} ms"
    if effect == Effect.SLOW.value:
        return f"{what} answers {late} later"
    if effect == Effect.LAG.value:
        return f"{what} takes writes across {late} later"
    if effect in (Effect.ERROR.value, Effect.THROTTLE.value):
        status = "500" if effect == Effect.ERROR.value else "429"
        return f"{what} answers {share(fault['rate'])} with {status}"
    return f"{what} is out"


def share(rate: object) -> str:
    """A share of requests in words."""
    return "every request" if rate == 1 else f"{100 * float(str(rate)):g} % of requests"
