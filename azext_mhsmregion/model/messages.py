"""Every sentence that no recording shows: ours, here and, of backups and security domains, in
:mod:`model.recovery_messages` (RULES, "Errors with no recording").

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


def removal_loses(pool: str, region: str, writes: int) -> str:
    what = "write" if writes == 1 else "writes"
    return (
        f"Removing {region} from {pool} would lose {writes} acknowledged {what} "
        "that no other region has seen."
    )


def last_removal_loses(pool: str, region: str, writes: int) -> str:
    what = "write" if writes == 1 else "writes"
    return (
        f"Removing {region} from {pool} would lose {writes} acknowledged {what}, all that the pool holds: no "
        "other region of it is alive."
    )


def last_serving_removal(pool: str, region: str) -> str:
    return f"Removing {region} from {pool} would leave nobody to answer: no other region of it serves now."


LAST_SERVING_HINT = (
    "Wait until another region serves again (`keyvault region status`), or remove it all the same with --yes."
)
LAST_REMOVAL_HINT = (
    "What is destroyed does not come back. The way out is the security domain and a full backup, restored "
    "into a new pool: make the backup while this region is there, or accept the loss with --yes."
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


def immutable(what: str, pool: str, there: object) -> str:
    return f"{what} of managed HSM {pool} is {there} and cannot be changed."


def soft_delete_is_always_on(pool: str) -> str:
    return f"enableSoftDelete of managed HSM {pool} is true and cannot be changed: soft delete is always on."


def deleted_elsewhere(pool: str, group: str, location: str) -> str:
    return (
        f"The deleted managed HSM {pool} is of resource group {group} in {location}, and can only be "
        "recovered there."
    )


def forged_address(operation: str) -> str:
    return (
        f"This address of operation {operation} was not given out by the emulator. Follow the Location of "
        "its newest answer."
    )


def too_many_ip_rules(count: int, most: int) -> str:
    return f"networkAcls has {count} ipRules; there can be {most} at most."


def not_an_ip_rule(value: str) -> str:
    return f"'{value}' in ipRules is neither an IPv4 address nor a range of them such as 20.30.40.0/24."


def not_a_public_range(value: str) -> str:
    return f"'{value}' in ipRules is not in the public internet; only public IPv4 addresses can be allowed."


def not_an_identity(value: str) -> str:
    return (
        f"'{value}' in userAssignedIdentities is not the id of a user-assigned identity: /subscriptions/.../"
        "resourceGroups/.../providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME."
    )


def identity_and_type(kind: str, count: int) -> str:
    return f"identity has type {kind}, which does not go with {count} userAssignedIdentities."


def purge_protection_is_for_ever(name: str) -> str:
    return f"Purge protection of managed HSM {name} is on and cannot be switched off."


def region_stops_writes(region: str) -> str:
    return f"Region {region} is being removed and takes no more writes."


def not_covered(what: str) -> str:
    return f"{what} is not implemented by this emulator."


def writes_unavailable(primary: str) -> str:
    return f"Writes are not available: Managed HSM in the primary region {primary} is out."


NEVER_BACK = "is destroyed, and does not come back."
NEVER_BACK_HINT = (
    "The way out of a destroyed primary is the security domain and a full backup, restored into a new pool."
)


def writes_gone(primary: str) -> str:
    return f"Writes are not available: Managed HSM in the primary region {primary} {NEVER_BACK}"


def control_plane_gone(region: str) -> str:
    return f"Managed HSM in {region} {NEVER_BACK}"


def control_plane_unavailable(region: str) -> str:
    return f"Managed HSM in {region} is not available at the moment. Try again later."


def no_capacity(regions: Iterable[str]) -> str:
    return f"There is no capacity for an extended region in {', '.join(regions)}."


def provisioning_failed(regions: Iterable[str]) -> str:
    return f"Provisioning of {', '.join(regions)} failed."


def destroyed_while_added(regions: Iterable[str]) -> str:
    return f"{', '.join(regions)} was destroyed while the pool was being extended."


def made_from_what_is_destroyed(regions: Iterable[str], primary: str) -> str:
    return (
        f"{', '.join(regions)} could not be made: the primary region {primary} is destroyed, and does not "
        "come back. The way out is the security domain and a full backup, restored into a new pool."
    )


THROTTLED = "Request was not processed because too many requests were received."
BROKEN = "An internal error has occurred."

# -- the clock ------------------------------------------------------------------------------


def clock_goes_back(now: str) -> str:
    return (
        f"service time never goes back, and it is {now} now. Say a later time, or begin anew, without pools, "
        "with `emulator reset`."
    )


# -- faults ---------------------------------------------------------------------------------

SCHEDULE_EMPTY = "A schedule has one fault at least."
FAULT_ENDS_FIRST = "The fault ends before it begins."
FAULT_AFTER_THE_LAST_YEAR = "A fault begins and ends while there is time: it ends with the year 5999."
FAULT_RATE = "A rate is a share of requests: above 0, at most 1."
FAULT_DELAY_NEGATIVE = "A delay cannot be negative."
FAULT_PARTITION = "Scope partition names a partition, and no other scope does."
FAULT_LINK_END = "Scope link names the region at the other end (to), and no other scope does."
FAULT_LINK_ITSELF = "A link leads from one region to another."
FAULT_INDESTRUCTIBLE = (
    "Only a pool, the service in a region or a whole region can be destroyed, by an outage."
)
FAULT_DESTROYED_FOR_EVER = "What is destroyed stays so: a destruction has no end."


def fault_effect(scope: str, effect: str, possible: str) -> str:
    return f"A fault of scope {scope} cannot have the effect {effect}; it can have {possible}."


def fault_needs_delay(effect: str) -> str:
    return f"The effect {effect} needs a number of milliseconds."


def fault_too_long(effect: str, most: int) -> str:
    return f"The effect {effect} has {most} milliseconds at most."


def fault_partition_number(last: int) -> str:
    return f"Partitions are numbered from 0 to {last}."


def fault_hits_every_pool(scope: str) -> str:
    return f"A fault of scope {scope} hits every pool there: it names none."


def fault_without(what: str, effect: str) -> str:
    return f"The effect {effect} has no {what}."


def member_empty(name: str) -> str:
    return f"'{name}' is empty."


def member_twice(name: str) -> str:
    return f"'{name}' stands twice in one object."


def fault_needs_pool(scope: str) -> str:
    return f"A fault of scope {scope} names its pool."


def fault_on_destroyed(other: str) -> str:
    return (
        f"The fault contradicts {other}, which destroys the same thing, or what it is a part of, "
        "before this one begins, or just then."
    )


def fault_destroys_too_soon(other: str) -> str:
    return (
        f"The fault contradicts {other}, which would not begin before the thing is destroyed; clear "
        "that one first."
    )


def faults_contradict(other: str, effect: str) -> str:
    return f"The fault contradicts {other}, which has the effect {effect} on the same thing at that time."


def no_such_fault(fault: str) -> str:
    return f"There is no fault {fault}, on or planned; `emulator fault list` shows those there are."


def destroyed_for_ever(fault: str) -> str:
    return (
        f"Fault {fault} destroyed what it hit: that does not come back. The way out is the security domain "
        "and a full backup, restored into a new pool; `emulator reset` starts over."
    )


def pool_not_found(pool: str) -> str:
    return f"The managed HSM '{pool}' was not found."


def pool_not_in_region(pool: str, region: str) -> str:
    return f"Managed HSM {pool} is not in {region}."


def no_such_link(one: str, other: str) -> str:
    return f"No managed HSM is in both {one} and {other}: there is no link between them."


def range_is_reversed(name: str) -> str:
    return f"'{name}' is a range whose first end is above its second."


def not_a_duration(name: str) -> str:
    return f"'{name}' must be seconds, a text such as 90s, 6m or 2h, or a range of two of them."


def not_one_of(name: str, value: str, known: str) -> str:
    return f"'{name}' is '{value}'; it must be one of {known}."


def place_in_network(place: str) -> str:
    return f"'{place}', a place in a virtual network,"


def unknown_place(place: str, near: Iterable[str]) -> str:
    guesses = ", ".join(near)
    return f"'{place}' is no place that is known: the name of a region." + (
        f" Did you mean {guesses}?" if guesses else ""
    )


# -- rotation -------------------------------------------------------------------------------

ROTATION_NEEDS_EXPIRY = "A rotation policy with an action needs attributes.expiryTime."
ONE_ROTATE_ACTION = "A rotation policy has one action at most: when to rotate."
ONE_TRIGGER = "A trigger is either timeAfterCreate or timeBeforeExpiry."
NO_NOTIFY_ACTION = "Managed HSM does not support the action Notify: it has no event notifications."


def not_a_span(name: str, value: str) -> str:
    return f"'{name}' is '{value[:100]}'; it must be years, months and days as in P1Y6M or P90D (ISO 8601)."


def span_too_short(name: str, days: int) -> str:
    return f"'{name}' must be {days} days (P{days}D) or more."


def before_expiry_too_long(days: int) -> str:
    return f"'timeBeforeExpiry' must be at most expiryTime less {days} days."


def rotation_needs_policy(key: str) -> str:
    return f"Key {key} has no rotation policy: set one before it is rotated."


def rotation_of_disabled(key: str) -> str:
    return f"Key {key} is disabled and cannot be rotated."


def too_many_versions(key: str, most: int) -> str:
    return f"Key {key} has the maximum of {most} versions."


def changed_meanwhile(key: str) -> str:
    return f"Key {key} was given a version of another kind meanwhile. Try again."
