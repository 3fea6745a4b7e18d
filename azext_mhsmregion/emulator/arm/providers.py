"""What clients ask of ARM before they ask for a pool: the cloud's endpoints, the locations of the
subscription, the resource providers and their operations. Data: ``data/arm.json``, ``regions.json``."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azext_mhsmregion.emulator.arm.versions import API_VERSION_REQUIRED, API_VERSIONS
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model.data import load
from azext_mhsmregion.model.errors import Invalid, NotFound
from azext_mhsmregion.model.regions import RegionInfo, catalogue

SUBSCRIPTION = "/subscriptions/{subscription}"
ENDPOINTS = "/metadata/endpoints"
ONE_CLOUD_SINCE = "2022-09-01"
"""From this version on the endpoints are one object, a list of clouds before."""


def register(router: Router) -> None:
    """Routes of this file that read."""
    router.add("GET", SUBSCRIPTION + "/locations")(list_locations)
    for scope in ("", SUBSCRIPTION):
        router.add("GET", scope + "/providers")(list_providers)
        router.add("GET", scope + "/providers/{namespace}")(show_provider)
    router.add("GET", "/providers/Microsoft.KeyVault/operations")(list_operations)


def register_writing(router: Router) -> None:
    """Routes of this file that are POSTs."""
    router.add("POST", SUBSCRIPTION + "/providers/{namespace}/register")(register_provider)


def endpoints(ask: Ask) -> Response:
    """The endpoints of the cloud, which everybody may read without a token."""
    version = ask.request.query.get("api-version")
    if version is None:
        raise Invalid(API_VERSION_REQUIRED, "MissingApiVersionParameter")
    cloud = load("arm")["cloud"]
    return json_response(200, cloud if version >= ONE_CLOUD_SINCE else [cloud])


def list_locations(ask: Ask) -> Response:
    """The regions of the public cloud. Their names and places are known, not their pairs."""
    prefix = f"/subscriptions/{ask.directory.subscription_id}/locations"
    return json_response(200, {"value": [_location(prefix, region) for region in public_regions()]})


def list_providers(ask: Ask) -> Response:
    return json_response(200, {"value": [_provider(ask, one) for one in load("arm")["providers"]]})


def show_provider(ask: Ask, namespace: str) -> Response:
    return json_response(200, _provider(ask, _require(namespace)))


def register_provider(ask: Ask, namespace: str) -> Response:
    """What there is is registered already."""
    return json_response(200, _provider(ask, _require(namespace)))


def list_operations(ask: Ask) -> Response:
    """What roles of Azure can allow."""
    return json_response(200, {"value": [_operation(*words) for words in load("arm")["operations"]]})


def public_regions() -> List[RegionInfo]:
    """The regions that a public subscription has, by name (G8)."""
    regions = catalogue().regions
    return [regions[name] for name in sorted(regions) if regions[name].cloud == "public"]


def _location(prefix: str, region: RegionInfo) -> Dict[str, Any]:
    return {
        "id": f"{prefix}/{region.name}",
        "name": region.name,
        "type": "Region",
        "displayName": region.display_name,
        "regionalDisplayName": region.display_name,
        "metadata": {
            "regionType": "Physical",
            "longitude": str(region.longitude),
            "latitude": str(region.latitude),
        },
    }


def _require(namespace: str) -> Mapping[str, Any]:
    found: Optional[Mapping[str, Any]] = next(
        (one for one in load("arm")["providers"] if one["namespace"].lower() == namespace.lower()), None
    )
    if found is None:
        raise NotFound(f"The resource namespace '{namespace}' is invalid.", "InvalidResourceNamespace")
    return found


def _provider(ask: Ask, provider: Mapping[str, Any]) -> Dict[str, Any]:
    namespace = provider["namespace"]
    in_subscription = ask.request.path.lower().startswith("/subscriptions/")
    scope = f"/subscriptions/{ask.directory.subscription_id}" if in_subscription else ""
    versions = provider.get("apiVersions") or sorted(API_VERSIONS, reverse=True)
    body: Dict[str, Any] = {"id": f"{scope}/providers/{namespace}", "namespace": namespace}
    if in_subscription:
        body["registrationPolicy"] = provider["registrationPolicy"]
        body["registrationState"] = "Registered"
    body["resourceTypes"] = [_resource_type(one, versions) for one in provider["resourceTypes"]]
    return body


def _resource_type(kind: Mapping[str, Any], versions: List[str]) -> Dict[str, Any]:
    locations = [region.display_name for region in public_regions()] if kind["regional"] else []
    return {
        "resourceType": kind["resourceType"],
        "locations": locations,
        "apiVersions": versions,
        "capabilities": kind["capabilities"],
    }


def _operation(name: str, resource: str, operation: str, description: str) -> Dict[str, Any]:
    display = {
        "provider": "Microsoft Key Vault",
        "resource": resource,
        "operation": operation,
        "description": description,
    }
    return {"name": name, "display": display, "isDataAction": False, "origin": "user,system"}
