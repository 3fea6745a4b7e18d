"""Import of a key that was made elsewhere (rule K1, recorded): its private JWK comes in and never goes
out again (K4)."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from azext_mhsmregion.crypto import jwk as jwks
from azext_mhsmregion.crypto import keys as material
from azext_mhsmregion.crypto.errors import CryptoError
from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.dataplane import absent
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.dataplane.keys import request_of, store
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model import keys
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.keys import KeyRequest
from azext_mhsmregion.model.names import check_key_name

ACTION = "keys/import/action"
_TYPES = {"rsa": "RSA-HSM", "ec": "EC-HSM", "oct": "oct-HSM"}


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("PUT", "/keys/{name}")(import_key)


def import_key(visit: Visit, name: str) -> Response:
    """A new key, or a new version of a key. The material is checked outside the store's transaction."""
    with visit.reading(ACTION, f"/keys/{name}"):
        check_key_name(name)
    asked, key = _parsed(parse.body(visit.ask.request))
    return store(visit, name, ACTION, asked, *visit.keyring.take(asked, key))


def _parsed(body: Mapping[str, Any]) -> Tuple[KeyRequest, Any]:
    """The request and the private key of an import. Raises Invalid."""
    jwk: Mapping[str, Any] = parse.required(body, "key", dict)
    kty = parse.required(jwk, "kty", str)
    absent.refuse_members(jwk, "key_hsm")  # a key wrapped for an HSM (BYOK)
    operations = tuple(parse.strings(jwk, "key_ops"))
    texts: Dict[str, str] = {key: value for key, value in jwk.items() if isinstance(value, str)}
    try:
        key = jwks.private_key(texts)
    except CryptoError as error:
        raise Invalid(str(error), "BadParameter") from error
    public = material.public_jwk(key)
    size = None if "crv" in public else key.key_size
    asked = request_of(body, _TYPES[kty.lower().partition("-")[0]], size, public.get("crv"), operations)
    return keys.canonical(asked, keys.IMPORTED_RSA_SIZES), key
