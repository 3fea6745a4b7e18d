"""Table views: the few columns that a person wants, from the JSON of a command."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict, List, Union

Row = Dict[str, Any]


def _rows(result: Union[Row, List[Row]]) -> List[Row]:
    return result if isinstance(result, list) else [result]


def _yes(value: Any) -> str:
    return "yes" if value else "no"


def _plan_row(plan: Row) -> Row:
    bill = plan["usdPerHour"]
    return OrderedDict(
        [
            ("Dry run", plan["action"]),
            ("Pool", plan["hsmName"]),
            ("Region", plan["region"]),
            ("Request", plan["request"]["method"]),
            ("USD/h now", f"{bill['before']:.2f}"),
            ("USD/h then", f"{bill['after']:.2f}"),
        ]
    )


def regions(result: Any) -> List[Row]:
    """Regions of a pool; a dry run's plan has columns of its own."""
    if isinstance(result, dict) and result.get("dryRun"):
        return [_plan_row(result)]
    from azext_mhsmregion.model.regions import catalogue

    known = catalogue().regions
    return [
        OrderedDict(
            [
                ("Name", r["name"]),
                ("Display name", known[r["name"]].display_name if r["name"] in known else r["name"]),
                ("Primary", _yes(r["isPrimary"])),
                ("State", r["provisioningState"]),
            ]
        )
        for r in _rows(result)
    ]


def locations(result: Any) -> List[Row]:
    return [
        OrderedDict(
            [
                ("Name", r["name"]),
                ("Display name", r["displayName"]),
                ("Extendable", _yes(r["canBeExtended"])),
                ("Why not", r["reason"] or ""),
            ]
        )
        for r in _rows(result)
    ]


def cost(result: Any) -> List[Row]:
    def row(pool: str, region: str, hours: Any, rate: Any, usd: Any) -> Row:
        return OrderedDict(
            [
                ("Pool", pool),
                ("Region", region),
                ("Hours", "-" if hours is None else f"{hours:.2f}"),
                ("USD/h", f"{rate:.2f}"),
                ("USD", "-" if usd is None else f"{usd:.2f}"),
            ]
        )

    rows = [
        row(line["hsmName"], line["region"], line["hours"], line["usdPerHour"], line["usd"])
        for line in result["lines"]
    ]
    return rows + [row("(next extension)", "", None, result["nextExtensionUsdPerHour"], None)]


def pools(result: Any) -> List[Row]:
    return [
        OrderedDict(
            [
                ("Name", p["name"]),
                ("Group", p["resourceGroup"]),
                ("Location", p["location"]),
                ("State", p["properties"].get("provisioningState", "")),
                ("Activation", _activation(p)),
                (
                    "Extended to",
                    ", ".join(r["name"] for r in p["properties"].get("regions") or []),
                ),
            ]
        )
        for p in _rows(result)
    ]


def _activation(pool: Row) -> str:
    security_domain = pool["properties"].get("securityDomainProperties") or {}
    return security_domain.get("activationStatus", "")


def deleted_pools(result: Any) -> List[Row]:
    return [
        OrderedDict(
            [
                ("Name", p["name"]),
                ("Location", p["properties"].get("location", "")),
                ("Deleted", p["properties"].get("deletionDate", "")),
                ("Purge at", p["properties"].get("scheduledPurgeDate", "")),
                ("Protected", _yes(p["properties"].get("purgeProtectionEnabled"))),
            ]
        )
        for p in _rows(result)
    ]


def keys(result: Any) -> List[Row]:
    """Keys, as bundles or as rows of a listing."""
    return [
        OrderedDict(
            [
                ("Name", _key_id(k).split("/keys/")[1].split("/")[0]),
                ("Type", k.get("key", {}).get("kty", "")),
                ("Enabled", _yes(k["attributes"]["enabled"])),
                ("Created", k["attributes"]["created"]),
                ("Id", _key_id(k)),
            ]
        )
        for k in _rows(result)
    ]


def _key_id(key: Row) -> str:
    return key["kid"] if "kid" in key else key["key"]["kid"]


def assignments(result: Any) -> List[Row]:
    return [
        OrderedDict(
            [
                ("Principal", a["principalId"]),
                ("Role", a["roleName"]),
                ("Scope", a["scope"]),
                ("Name", a["name"]),
            ]
        )
        for a in _rows(result)
    ]
