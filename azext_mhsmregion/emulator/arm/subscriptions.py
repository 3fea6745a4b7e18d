"""Tenants and subscriptions, as far as clients ask on their way to a pool: one of each."""

from __future__ import annotations

from typing import Any, Dict

from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response

SUBSCRIPTION_NAME = "mhsmregion emulator"


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/tenants")(list_tenants)
    router.add("GET", "/subscriptions")(list_subscriptions)
    router.add("GET", "/subscriptions/{subscription}")(show_subscription)


def list_tenants(ask: Ask) -> Response:
    tenant = ask.directory.tenant_id
    body = {"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": SUBSCRIPTION_NAME}
    return json_response(200, {"value": [body]})


def list_subscriptions(ask: Ask) -> Response:
    return json_response(200, {"value": [_subscription(ask)]})


def show_subscription(ask: Ask) -> Response:
    return json_response(200, _subscription(ask))


def _subscription(ask: Ask) -> Dict[str, Any]:
    directory = ask.directory
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
