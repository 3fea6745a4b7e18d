"""Tenants, subscriptions and resource groups, as far as clients ask on their way to a pool."""

from __future__ import annotations

from typing import Any, Dict

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model.errors import NotFound

DEFAULT_GROUP = "default"
DEFAULT_LOCATION = "uksouth"
SUBSCRIPTION_NAME = "mhsmregion emulator"


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/tenants")(list_tenants)
    router.add("GET", "/subscriptions")(list_subscriptions)
    router.add("GET", "/subscriptions/{subscription}")(show_subscription)
    router.add("GET", "/subscriptions/{subscription}/resourceGroups")(list_groups)
    router.add("GET", "/subscriptions/{subscription}/resourceGroups/{group}")(show_group)
    router.add("HEAD", "/subscriptions/{subscription}/resourceGroups/{group}")(head_group)
    router.add("PUT", "/subscriptions/{subscription}/resourceGroups/{group}")(put_group)


def list_tenants(ask: Ask) -> Response:
    tenant = ask.parts.directory.tenant_id
    body = {"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": SUBSCRIPTION_NAME}
    return json_response(200, {"value": [body]})


def list_subscriptions(ask: Ask) -> Response:
    return json_response(200, {"value": [_subscription(ask)]})


def show_subscription(ask: Ask) -> Response:
    return json_response(200, _subscription(ask))


def list_groups(ask: Ask) -> Response:
    with ask.parts.reading() as unit:
        groups = names(unit)
    return json_response(200, {"value": [_group(ask, name, place) for name, place in groups.items()]})


def show_group(ask: Ask, group: str) -> Response:
    with ask.parts.reading() as unit:
        name = require(unit, group)
        return json_response(200, _group(ask, name, names(unit)[name]))


def head_group(ask: Ask, group: str) -> Response:
    with ask.parts.reading() as unit:
        require(unit, group)
    return Response(204)


def put_group(ask: Ask, group: str) -> Response:
    location = parse.required(parse.body(ask.request), "location", str)
    with ask.parts.writing("group") as unit:
        groups = names(unit)
        known = next((name for name in groups if name.lower() == group.lower()), None)
        unit.tx.put_meta("groups", {**groups, known or group: location})
    return json_response(200 if known else 201, _group(ask, known or group, location))


def names(unit: Unit) -> Dict[str, str]:
    """Resource groups and their locations."""
    stored: Dict[str, str] = unit.tx.meta("groups") or {}
    return {DEFAULT_GROUP: DEFAULT_LOCATION, **stored}


def require(unit: Unit, group: str) -> str:
    """The group's name as it was made. Raises NotFound, in ARM's words."""
    for name in names(unit):
        if name.lower() == group.lower():
            return name
    raise NotFound(f"Resource group '{group}' could not be found.", "ResourceGroupNotFound")


def _subscription(ask: Ask) -> Dict[str, Any]:
    directory = ask.parts.directory
    return {
        "id": f"/subscriptions/{directory.subscription_id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": directory.subscription_id,
        "tenantId": directory.tenant_id,
        "displayName": SUBSCRIPTION_NAME,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _group(ask: Ask, name: str, location: str) -> Dict[str, Any]:
    return {
        "id": f"/subscriptions/{ask.parts.directory.subscription_id}/resourceGroups/{name}",
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
        "properties": {"provisioningState": "Succeeded"},
    }
