"""Another pool's security domain into a new pool: the transfer key that it is encrypted to, and its upload
(rules E6, C4, K5; recorded in golden/hsm_security_domain.json). The pool is activated with it, and opens the
backups of the pool that it is of."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Mapping, Optional, Tuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate

from azext_mhsmregion.crypto import restore_blob
from azext_mhsmregion.crypto import transfer_key as transfer_keys
from azext_mhsmregion.crypto.errors import BadSecurityDomain, CryptoError, OtherTransferKey
from azext_mhsmregion.crypto.security_domain import DOMAIN_KEY_TAG
from azext_mhsmregion.emulator import acceptance, parse
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.dataplane.security_domain import pending_header, status_body
from azext_mhsmregion.emulator.keyring import transfer_name
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import activation, recovery_messages
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.pool import Pool

TRANSFER_KEY, UPLOAD = "securitydomain/transferkey/read", "securitydomain/upload/action"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/securitydomain/upload")(transfer_key)
    router.add("POST", "/securitydomain/upload")(upload)


def transfer_key(visit: Visit) -> Response:
    """The pool's transfer key: made when it is asked for first, the same one until it was used."""
    with visit.reading(TRANSFER_KEY, "/", True) as (unit, pool):
        wrapped = _wrapped(unit, pool)
    if wrapped is None:
        wrapped = _made(visit)
    _, certificate = _pair(visit, pool, wrapped)
    body = {"key_format": "jwk", "transfer_key": transfer_keys.jwk(certificate)}
    return json_response(200, body)


def upload(visit: Visit) -> Response:
    """The domain is the pool's from now on, which is active a little later; the transfer key was used."""
    value = parse.required(parse.body(visit.ask.request), "value", str)
    with visit.reading(UPLOAD, "/", True) as (unit, pool):
        activation.refuse_upload(pool, unit.now)
        used = _wrapped(unit, pool)
    name, wrapped = _domain_key(visit, pool, used, value)
    with visit.writing("domain", UPLOAD, "/", True) as (unit, pool):
        active = activation.upload(pool, unit.now, unit.profile.of("activation"))
        unit.tx.drop_material(pool.id, transfer_name(pool.id))
        unit.tx.put_material(pool.id, name, wrapped)
        acceptance.record(unit, active)
        return json_response(202, status_body(active, unit.now), pending_header(visit, "upload"))


def _domain_key(visit: Visit, pool: Pool, used: Optional[bytes], value: str) -> Tuple[str, bytes]:
    """The key that the domain carries, made ready for the store. Raises Invalid."""
    secrets = _secrets(visit, pool, used, value)
    try:
        return visit.keyring.take_domain_key(pool.id, secrets.get(DOMAIN_KEY_TAG, b""))
    except BadSecurityDomain as error:
        raise Invalid(recovery_messages.foreign_domain(), "BadParameter") from error


def _secrets(visit: Visit, pool: Pool, used: Optional[bytes], value: str) -> Mapping[str, bytes]:
    """What the blob holds, opened by the transfer key that was in use. Raises Invalid."""
    if used is None:
        raise Invalid(recovery_messages.no_transfer_key(pool.name), "BadParameter")
    key, certificate = _pair(visit, pool, used)
    try:
        restore_blob.check_addressee(value, certificate)
        return restore_blob.open_(value, key)
    except OtherTransferKey as error:
        raise Invalid(recovery_messages.other_transfer_key(pool.name), "BadParameter") from error
    except CryptoError as error:
        raise Invalid(recovery_messages.damaged_restore_blob(str(error)), "BadParameter") from error


def _made(visit: Visit) -> bytes:
    """A new transfer key, wrapped; that of another request that came before."""
    name, made = visit.keyring.make_transfer_key(visit.pool.id)
    with visit.recording("domain", TRANSFER_KEY, "/", True) as (unit, pool):
        there = _wrapped(unit, pool)
        if there is None:
            unit.tx.put_material(pool.id, name, made)
        return there or made


def _wrapped(unit: Unit, pool: Pool) -> Optional[bytes]:
    return unit.tx.material(pool.id, transfer_name(pool.id))


def _pair(visit: Visit, pool: Pool, wrapped: bytes) -> Tuple[RSAPrivateKey, Certificate]:
    """A transfer key and its certificate."""
    key = visit.keyring.transfer_key(pool.id, wrapped)
    return key, transfer_keys.certificate(key, pool.name, _EPOCH + timedelta(milliseconds=pool.created))
