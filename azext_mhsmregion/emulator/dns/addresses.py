"""Which loopback address is whose: ``127.43.0.1`` is the control plane's, and ``127.43.1.N`` the
N-th region's in the order of the catalogue (``data/regions.json``), from 1 on.

A region's address is entered on port 443 by TLS without CONNECT; it is also where the DNS server
answers clients that stand in that region.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Dict

from azext_mhsmregion.model.regions import catalogue

CONTROL_PLANE = "127.43.0.1"
DNS_PORT = 53
ENTRANCE_PORT = 443
_FIRST_REGION = ipaddress.IPv4Address("127.43.1.1")


@dataclass(frozen=True)
class Dns:
    """Where clients that stand in the default place ask, and the port of all entrances."""

    host: str = "127.0.0.1"
    port: int = DNS_PORT
    entrance_port: int = ENTRANCE_PORT


def of_region(region: str) -> str:
    """The address of a region, by its canonical name."""
    return str(_FIRST_REGION + list(catalogue().regions).index(region))


def entrances() -> Dict[str, str]:
    """Which region each address means; the control plane's means none ("")."""
    return {CONTROL_PLANE: "", **{of_region(region): region for region in catalogue().regions}}


def written(host: str, port: int) -> str:
    """``host:port``, as users write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
