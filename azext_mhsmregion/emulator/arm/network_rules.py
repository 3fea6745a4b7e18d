"""``networkAcls`` parsed: rules of the firewall are public IPv4 ranges, ten at most (P6)."""

from __future__ import annotations

import ipaddress
from typing import Any, List, Mapping, Tuple

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Invalid

MOST_IP_RULES = 10
_NOT_PUBLIC = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "224.0.0.0/3",
    )
)  # fmt: skip


def ip_rules(acls: Mapping[str, Any]) -> Tuple[Mapping[str, str], ...]:
    """The ranges, spelled as the request spells them. Raises Invalid."""
    texts = [parse.required(rule, "value", str) for rule in _objects(acls, "ipRules")]
    if len(texts) > MOST_IP_RULES:
        raise Invalid(messages.too_many_ip_rules(len(texts), MOST_IP_RULES))
    for text in texts:
        _check(text)
    return tuple({"value": text} for text in texts)


def virtual_network_rules(acls: Mapping[str, Any]) -> Tuple[Mapping[str, str], ...]:
    """The subnets, by their ids; nobody looks whether they exist. Raises Invalid."""
    rules = _objects(acls, "virtualNetworkRules")
    return tuple({"id": parse.required(rule, "id", str)} for rule in rules)


def _objects(acls: Mapping[str, Any], name: str) -> List[Mapping[str, Any]]:
    rules: List[Any] = parse.optional(acls, name, list) or []
    if not all(isinstance(rule, dict) for rule in rules):
        raise Invalid(f"'{name}' must be an array of objects.", "BadParameter")
    return rules


def _check(text: str) -> None:
    try:
        asked = ipaddress.IPv4Network(text)
    except ValueError:
        raise Invalid(messages.not_an_ip_rule(text)) from None
    if any(asked.overlaps(other) for other in _NOT_PUBLIC):
        raise Invalid(messages.not_a_public_range(text))
