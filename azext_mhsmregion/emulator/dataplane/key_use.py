"""Keys in use on the wire: sign and verify, encrypt and decrypt, wrap and unwrap (rule K1).

Local RBAC first, then the key's state and ``key_ops``, then the body; the cryptography itself runs outside
the store's transaction. Material stays on this side of every answer (K4).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from azext_mhsmregion.crypto import aes, b64url, encryption, mac, signing
from azext_mhsmregion.crypto.errors import CryptoError
from azext_mhsmregion.crypto.keys import SymmetricKey
from azext_mhsmregion.emulator import objects, parse
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import keys
from azext_mhsmregion.model.errors import Invalid

ACTIONS = {
    "sign": "keys/sign/action",
    "verify": "keys/verify/action",
    "encrypt": "keys/encrypt/action",
    "decrypt": "keys/decrypt/action",
    "wrapKey": "keys/wrap/action",
    "unwrapKey": "keys/unwrap/action",
}
"""The data action of each operation, by its name in ``key_ops``."""


@dataclass(frozen=True)
class Use:
    """A key version that the caller may use now, and what for."""

    kid: str
    material: Any
    body: Mapping[str, Any]
    algorithm: str
    random: Callable[[int], bytes]

    @property
    def is_symmetric(self) -> bool:
        return isinstance(self.material, SymmetricKey)

    def optional_octets(self, name: str) -> Optional[bytes]:
        """A base64url member of the body, None when absent or null. Raises Invalid."""
        return None if self.body.get(name) is None else self.octets(name)

    def octets(self, name: str) -> bytes:
        """A base64url member of the body. Raises Invalid."""
        text = parse.required(self.body, name, str)
        try:
            return b64url.decode(text)
        except ValueError:
            raise Invalid(f"'{name}' is not base64url.", "BadParameter") from None

    def answer(self, value: Any, **more: str) -> Response:
        """The answer: ``value`` in base64url unless it is a verdict."""
        shown = b64url.encode(value) if isinstance(value, bytes) else value
        return json_response(200, {"alg": self.algorithm, "kid": self.kid, "value": shown, **more})


Handler = Callable[[Use], Response]


def register(router: Router) -> None:
    """Routes of this file."""
    handlers: Dict[str, Handler] = {
        "sign": sign,
        "verify": verify,
        "encrypt": encrypt,
        "decrypt": decrypt,
        "wrapKey": wrap_key,
        "unwrapKey": unwrap_key,
    }
    for operation, handler in handlers.items():
        answer = _answering(operation, handler)
        router.add("POST", f"/keys/{{name}}/{operation}")(answer)
        router.add("POST", f"/keys/{{name}}/{{version}}/{operation}")(answer)


def sign(use: Use) -> Response:
    signs: Any = mac.sign if use.is_symmetric else signing.sign
    return use.answer(signs(use.material, use.algorithm, use.octets("value")))


def verify(use: Use) -> Response:
    verifies: Any = mac.verify if use.is_symmetric else signing.verify
    digest, signature = use.octets("digest"), use.octets("value")
    return use.answer(verifies(use.material, use.algorithm, digest, signature))


def encrypt(use: Use) -> Response:
    """RSA and AES; what AES needs again to decrypt stands beside the value (recorded for GCM)."""
    if not use.is_symmetric:
        return use.answer(encryption.encrypt(use.material, use.algorithm, use.octets("value")))
    aad = use.optional_octets("aad")
    sealed = aes.encrypt(
        use.material, use.algorithm, use.octets("value"), use.optional_octets("iv"), aad or b"", use.random
    )
    more = {"iv": b64url.encode(sealed.iv)}
    if sealed.tag is not None:
        more["tag"] = b64url.encode(sealed.tag)
        if aad is not None:
            more["aad"] = b64url.encode(aad)
    return use.answer(sealed.ciphertext, **more)


def decrypt(use: Use) -> Response:
    if not use.is_symmetric:
        return use.answer(encryption.decrypt(use.material, use.algorithm, use.octets("value")))
    aad, tag = use.optional_octets("aad") or b"", use.optional_octets("tag")
    iv = use.optional_octets("iv")
    return use.answer(aes.decrypt(use.material, use.algorithm, use.octets("value"), iv, aad, tag))


def wrap_key(use: Use) -> Response:
    wraps: Any = aes.wrap if use.is_symmetric else encryption.encrypt
    return use.answer(wraps(use.material, use.algorithm, use.octets("value")))


def unwrap_key(use: Use) -> Response:
    unwraps: Any = aes.unwrap if use.is_symmetric else encryption.decrypt
    return use.answer(unwraps(use.material, use.algorithm, use.octets("value")))


def _answering(operation: str, handler: Handler) -> Callable[..., Response]:
    """A handler of the router's kind for one operation."""

    def answer(visit: Visit, name: str, version: str = "") -> Response:
        kid, material = _usable(visit, name, version, operation)
        body = parse.body(visit.ask.request)
        with _refusals():
            algorithm = parse.required(body, "alg", str)
            return handler(Use(kid, material, body, algorithm, visit.ask.parts.sources.random))

    return answer


def _usable(visit: Visit, name: str, version: str, operation: str) -> Tuple[str, Any]:
    """The kid and private key of a version that may be used now."""
    with visit.reading(ACTIONS[operation], f"/keys/{name}") as (unit, pool):
        key, found = keys.live_version(objects.key(unit, pool, visit.region, name), name, version, unit.now)
        keys.check_use(key, found, operation, unit.now)
        wrapped = unit.tx.material(pool.id, found.version)
    kid = f"{visit.host_url}/keys/{name}/{found.version}"
    return kid, visit.keyring.load(found.version, wrapped)


@contextmanager
def _refusals() -> Iterator[None]:
    """What cryptography refuses is the caller's mistake: 400."""
    try:
        yield
    except CryptoError as error:
        raise Invalid(str(error), "BadParameter") from error
