"""Versions of the control plane's API (rule C6)."""

from __future__ import annotations

from typing import Optional

from azext_mhsmregion.model.errors import Invalid

API_VERSIONS = (
    "2021-06-01-preview", "2021-10-01", "2021-11-01-preview", "2022-02-01-preview", "2022-07-01",
    "2022-11-01", "2023-02-01", "2023-07-01", "2024-04-01-preview", "2024-11-01", "2024-12-01-preview",
    "2025-05-01", "2026-02-01",
    "2026-05-15",
)  # fmt: skip
"""Versions of Microsoft.KeyVault that released clients send (C6)."""


API_VERSION_REQUIRED = "The api-version query parameter (?api-version=) is required for all requests."
"""ARM's own words."""


def check_api_version(version: Optional[str], resource_type: str) -> None:
    """ARM's own words for a version that a type does not have."""
    if version is None:
        raise Invalid(API_VERSION_REQUIRED, "MissingApiVersionParameter")
    if version not in API_VERSIONS:
        raise Invalid(
            f"The resource type '{resource_type}' could not be found in the namespace 'Microsoft.KeyVault' "
            f"for api version '{version}'. The supported api-versions are '{','.join(API_VERSIONS)}'.",
            "InvalidResourceType",
        )
