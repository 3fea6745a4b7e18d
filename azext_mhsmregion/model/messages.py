"""Every sentence that no recording shows: ours, in one place (RULES, "Errors with no recording").

Sentences that were recorded stand beside the code that answers them, marked "recorded".
"""

from __future__ import annotations

from typing import Iterable


def unknown_region(text: str, near: Iterable[str], valid_list_message: str) -> str:
    """The service's words, then the near miss."""
    guesses = ", ".join(near)
    return f"{valid_list_message}" + (f"\nDid you mean {guesses}?" if guesses else "")


def own_region(pool: str, region: str) -> str:
    return f"{region} is the primary region of pool {pool}; extend it to another region."


def not_extendable(region: str, edition: str, reason: str) -> str:
    return f"Region {region} cannot be an extended region: {reason}"


def documented_not_extendable(region: str, display_name: str, edition: str) -> str:
    return f"{display_name} ({region}) is listed as not extendable in the documentation of {edition}."


def failed_region(pool: str, region: str) -> str:
    return (
        f"{region} is Failed in pool {pool}; try it again with `keyvault region add "
        f"--hsm-name {pool} --region {region}`, or remove it with `keyvault region remove`."
    )


def failed_region_is_tried_too(pool: str, region: str) -> str:
    return (
        f"{region} is Failed in pool {pool} too and may be tried again, and billed, with it; "
        f"remove it first if it is not wanted: `keyvault region remove --hsm-name {pool} --region {region}`."
    )


def other_cloud(region: str, cloud: str, pool_cloud: str) -> str:
    return f"{region} belongs to the {cloud} cloud, the pool to the {pool_cloud} cloud."


def too_many_regions(pool: str, maximum: int) -> str:
    return f"Pool {pool} has the maximum of {maximum} extended region(s) already."


def not_activated(pool: str) -> str:
    return f"Pool {pool} is not activated. Download its security domain first."


def being_activated(pool: str) -> str:
    """Its security domain was downloaded, which takes effect a little later (C4)."""
    return f"Pool {pool} is being activated. Try again when it is active."


def not_activated_yet(pool: str) -> str:
    """For whom cannot tell a pool that is being activated from one that was never activated."""
    return (
        f"Pool {pool} is not activated yet. Download its security domain, or, if that was done, wait until "
        f"it is active: `keyvault region wait --hsm-name {pool} --custom "
        "\"properties.securityDomainProperties.activationStatus=='Active'\"`."
    )


def operation_under_way(pool: str, state: str) -> str:
    return f"Another operation on pool {pool} is under way ({state}). Try again when it has finished."


def primary_not_removable(pool: str, region: str) -> str:
    return (
        f"{region} is the primary region of pool {pool} and cannot be removed; "
        "the primary goes by delete and purge."
    )


def data_plane_not_activated(pool: str) -> str:
    return (
        f"The managed HSM {pool} has not been activated. "
        "Download its security domain to activate it, then use its data plane."
    )


def malformed_name(name: str) -> str:
    return (
        f"The managed HSM name '{name}' is invalid. A name has 3 to 24 letters, digits and hyphens, "
        "begins with a letter, ends with a letter or digit, and has no two hyphens in a row."
    )


def name_taken(name: str) -> str:
    return f"The name '{name}' is already in use."


def name_soft_deleted(name: str, location: str) -> str:
    return (
        f"A managed HSM named '{name}' was soft-deleted in {location} and keeps its name. "
        "Recover it or purge it first."
    )


def retention_out_of_range(days: int, low: int, high: int) -> str:
    return f"softDeleteRetentionInDays is {days}; it must be from {low} to {high}."


def purge_protected(name: str) -> str:
    return f"Managed HSM {name} has purge protection on and cannot be purged before its retention ends."


def no_administrators() -> str:
    return "initialAdminObjectIds must name at least one administrator."


def immutable(what: str) -> str:
    return f"{what} of a managed HSM cannot be changed."


def purge_protection_is_for_ever(name: str) -> str:
    return f"Purge protection of managed HSM {name} is on and cannot be switched off."


def region_stops_writes(region: str) -> str:
    return f"Region {region} is being removed and takes no more writes."


def not_covered(what: str) -> str:
    return f"{what} is not implemented by this emulator."
