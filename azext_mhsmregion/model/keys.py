"""Keys: what may be made of them and when (rules D5, K1, K3). A key's material is an opaque
handle from an injected factory; the model sees its type, size or curve and public part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from azext_mhsmregion.model.clock import DAY, SECOND
from azext_mhsmregion.model.errors import Conflict, Forbidden, Invalid, NotFound
from azext_mhsmregion.model.merge import Key, KeyVersion, Objects
from azext_mhsmregion.model.names import check_key_name
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Kind, Write

RSA_SIZES = (2048, 3072, 4096)
IMPORTED_RSA_SIZES = (1024, *RSA_SIZES)
"""1024 bits are taken in an import, as recorded (hsm_key_using_hsm_name, exchange 24)."""

OCT_SIZES = (256, 192, 128)
CURVES = ("P-256", "P-256K", "P-384", "P-521")
OPERATIONS = {
    "RSA-HSM": ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"),
    "EC-HSM": ("sign", "verify", "deriveKey"),
    "oct-HSM": ("encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"),
}
"""What a key may do when its maker does not say: recorded, but for oct-HSM (ours)."""

ALL_OPERATIONS = (*OPERATIONS["RSA-HSM"], "deriveKey", "import", "export")
PROTECTING = ("sign", "encrypt", "wrapKey")
"""What an expired key or one that is not yet valid refuses. It still verifies, decrypts and unwraps what
was made while it was valid (documentation, "Date-time controlled operations")."""

VERSIONS_PER_KEY = 100
TAGS_PER_KEY = 15
TAG_CHARACTERS = 256
"""Of a tag's name, and of its value (documentation of 2025-12, "Keys, secrets, and certificates")."""


@dataclass(frozen=True)
class KeyRequest:
    """What a create asks for, parsed at the door. Times are seconds since the epoch."""

    kty: str
    size: Optional[int] = None
    curve: Optional[str] = None
    operations: Tuple[str, ...] = ()
    enabled: bool = True
    not_before: Optional[int] = None
    expires: Optional[int] = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class KeyChange:
    """What an update asks for, parsed at the door; None leaves a thing as it is."""

    operations: Optional[Tuple[str, ...]] = None
    enabled: Optional[bool] = None
    not_before: Optional[int] = None
    expires: Optional[int] = None
    tags: Optional[Mapping[str, str]] = None


@dataclass(frozen=True)
class KeyHandle:
    """Material as the model sees it: the new version's id, kind, and public JWK members."""

    version: str
    kty: str
    size: Optional[int]
    curve: Optional[str]
    public: Mapping[str, str]


def canonical(asked: KeyRequest, rsa_sizes: Tuple[int, ...] = RSA_SIZES) -> KeyRequest:
    """The request with the service's defaults; software types become the -HSM type (K1).

    Raises Invalid for types, sizes, curves and operations that the service does not have.
    """
    kty = asked.kty if asked.kty.endswith("-HSM") else f"{asked.kty}-HSM"
    if kty not in OPERATIONS:
        raise Invalid(f"Key type '{asked.kty}' is not supported.", "BadParameter")
    size, curve = asked.size, asked.curve
    if kty == "RSA-HSM":
        size, curve = size or RSA_SIZES[0], None
        if size not in rsa_sizes:
            raise Invalid(f"RSA key size {size} is not supported: {_or(rsa_sizes)}.", "BadParameter")
    elif kty == "oct-HSM":
        size, curve = size or OCT_SIZES[0], None
        if size not in OCT_SIZES:
            raise Invalid(f"Symmetric key size {size} is not supported: {_or(OCT_SIZES)}.", "BadParameter")
    else:
        size, curve = None, curve or CURVES[0]
        if curve not in CURVES:
            raise Invalid(f"Curve '{curve}' is not supported: {_or(CURVES)}.", "BadParameter")
    operations = _checked_operations(asked.operations) or OPERATIONS[kty]
    _check_tags(asked.tags)
    return KeyRequest(
        kty, size, curve, operations, asked.enabled, asked.not_before, asked.expires, asked.tags
    )


def create(objects: Objects, name: str, asked: KeyRequest, handle: KeyHandle, now: int) -> List[Write]:
    """A new key, or a new version of a key. Raises Conflict while the key is deleted (D5).

    A key whose retention has ended was purged by the service then: its purge is written first.
    """
    check_key_name(name)
    key = objects.keys.get(name)
    writes: List[Write] = []
    if key is not None and is_deleted(key, now):
        raise Conflict(
            f"Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; "
            "in this state, the key can only be recovered or purged.",
            "ObjectIsDeletedButRecoverable",
        )
    if key is not None and is_expired(key, now):
        writes.append(Write(Kind.KEY_PURGE, name))
    elif key is not None and len(key.versions) >= VERSIONS_PER_KEY:
        raise Invalid(f"Key {name} has the maximum of {VERSIONS_PER_KEY} versions.", "BadParameter")
    writes.append(Write(Kind.KEY_VERSION, name, handle.version, version_body(asked, handle, now)))
    return writes


def update(objects: Objects, name: str, version: str, asked: KeyChange, now: int) -> Write:
    """Change a version ("": the current one). Its attributes go as a whole: of two regions' changes the
    later one wins, whatever each of them changed (L6). Raises NotFound, Invalid."""
    _, found = live_version(objects, name, version, now)
    changed: Dict[str, Any] = {"enabled": asked.enabled, "nbf": asked.not_before, "exp": asked.expires}
    if asked.operations is not None:
        changed["key_ops"] = list(_checked_operations(asked.operations))
    if asked.tags is not None:
        _check_tags(asked.tags)
        changed["tags"] = dict(asked.tags)
    given = {name: value for name, value in changed.items() if value is not None}
    body = {**found.attributes, **given, "updated": now // SECOND}
    return Write(Kind.KEY_ATTRIBUTES, name, found.version, body)


def delete(objects: Objects, name: str, pool: Pool, now: int) -> Write:
    """Soft-delete a key for the pool's retention (D5). Raises NotFound."""
    key = live(objects, name, now)
    body = {"deleted": now, "purge_at": now + pool.retention_days * DAY}
    return Write(Kind.KEY_STATE, name, key.current.version, body)


def recover(objects: Objects, name: str, now: int) -> Write:
    """Take a deleted key back. Raises NotFound."""
    key = deleted(objects, name, now)
    return Write(Kind.KEY_STATE, name, key.current.version, {})


def purge(objects: Objects, name: str, pool: Pool, now: int) -> Write:
    """End a deleted key for ever. Raises NotFound, Forbidden under purge protection (D5)."""
    deleted(objects, name, now)
    if pool.purge_protection:
        raise Forbidden(f"Operation purge is not allowed: purge protection of {pool.name} is on.")
    return Write(Kind.KEY_PURGE, name)


def live(objects: Objects, name: str, now: int) -> Key:
    """A key that is there and not deleted. Raises NotFound."""
    key = objects.keys.get(name)
    if key is None or key.state.get("deleted") is not None:
        raise NotFound(f"A key with (name/id) {name} was not found in this key vault.", "KeyNotFound")
    return key


def live_version(objects: Objects, name: str, version: str, now: int) -> Tuple[Key, KeyVersion]:
    """A version of a key that is there ("": the current one). Raises NotFound."""
    key = live(objects, name, now)
    found = key.version(version)
    if found is None:
        raise NotFound(
            f"A key with (name/id) {name}/{version} was not found in this key vault.", "KeyNotFound"
        )
    return key, found


def deleted(objects: Objects, name: str, now: int) -> Key:
    """A key in soft delete. Raises NotFound."""
    key = objects.keys.get(name)
    if key is None or not is_deleted(key, now):
        raise NotFound(f"Deleted Key not found: {name}", "KeyNotFound")
    return key


def is_deleted(key: Key, now: int) -> bool:
    """Soft-deleted, its retention not ended."""
    return key.state.get("deleted") is not None and now < int(key.state["purge_at"])


def is_expired(key: Key, now: int) -> bool:
    """Soft-deleted and past its retention: purged by the service, as every reader computes."""
    return key.state.get("deleted") is not None and now >= int(key.state["purge_at"])


def check_use(key: Key, version: KeyVersion, operation: str, now: int) -> None:
    """May the version be used for ``operation`` now? Raises Forbidden."""
    attributes, seconds = version.attributes, now // SECOND
    if not attributes["enabled"]:
        raise Forbidden(f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled")
    if operation in PROTECTING:
        if attributes.get("nbf") is not None and seconds < attributes["nbf"]:
            raise Forbidden(f"Operation {operation} is not allowed on a key that is not yet valid.")
        if attributes.get("exp") is not None and seconds >= attributes["exp"]:
            raise Forbidden(f"Operation {operation} is not allowed on an expired key.")
    if operation not in attributes["key_ops"]:
        raise Forbidden(f"Operation {operation} is not permitted on this key.", "KeyOperationForbidden")


def recovery_level(pool: Pool) -> str:
    """As recorded: Customized where the retention is not the longest."""
    level = "Recoverable" if pool.retention_days == 90 else "CustomizedRecoverable"
    return level if pool.purge_protection else f"{level}+Purgeable"


def _checked_operations(names: Tuple[str, ...]) -> Tuple[str, ...]:
    """Each once. Raises Invalid for what is no operation of keys."""
    wrong = [name for name in names if name not in ALL_OPERATIONS]
    if wrong:
        raise Invalid(f"Key operation '{wrong[0]}' is not supported.", "BadParameter")
    return tuple(dict.fromkeys(names))


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_PER_KEY:
        raise Invalid(f"A key has at most {TAGS_PER_KEY} tags.", "BadParameter")
    if any(len(text) > TAG_CHARACTERS for tag in tags.items() for text in tag):
        what = f"A tag's name and its value have at most {TAG_CHARACTERS} characters each."
        raise Invalid(what, "BadParameter")


def version_body(asked: KeyRequest, handle: KeyHandle, now: int) -> Dict[str, Any]:
    """What never changes of a new version, and the attributes that it begins with: everything that an
    update can change stands in them, ``key_ops`` too, since they win and lose as a whole (L6)."""
    attributes: Dict[str, Any] = {
        "enabled": asked.enabled,
        "created": now // SECOND,
        "updated": now // SECOND,
        "nbf": asked.not_before,
        "exp": asked.expires,
        "tags": dict(asked.tags),
        "key_ops": list(asked.operations),
    }
    return {
        "kty": handle.kty,
        "size": handle.size,
        "crv": handle.curve,
        "public": dict(handle.public),
        "exportable": False,
        "attributes": attributes,
    }


def _or(choices: Tuple[Any, ...]) -> str:
    return ", ".join(str(choice) for choice in choices)
