"""Keys in use on the wire: sign and verify, encrypt and decrypt, wrap and unwrap (rule K1).

Local RBAC first, then the key's state and ``key_ops``, then the body; the cryptography itself runs outside
the store's transaction. Material stays on this side of every answer (K4).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Mapping, Tuple

from azext_mhsmregion.crypto import b64url, encryption, signing
from azext_mhsmregion.crypto.errors import CryptoError
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
        "wrapKey": encrypt,
        "unwrapKey": decrypt,
    }
    for operation, handler in handlers.items():
        answer = _answering(operation, handler)
        router.add("POST", f"/keys/{{name}}/{operation}")(answer)
        router.add("POST", f"/keys/{{name}}/{{version}}/{operation}")(answer)


def sign(use: Use) -> Response:
    return use.answer(signing.sign(use.material, use.algorithm, use.octets("value")))


def verify(use: Use) -> Response:
    digest, signature = use.octets("digest"), use.octets("value")
    return use.answer(signing.verify(use.material, use.algorithm, digest, signature))


def encrypt(use: Use) -> Response:
    """Encrypts data, or another key: to the service the two differ by their rights alone."""
    return use.answer(encryption.encrypt(use.material, use.algorithm, use.octets("value")))


def decrypt(use: Use) -> Response:
    return use.answer(encryption.decrypt(use.material, use.algorithm, use.octets("value")))


def _answering(operation: str, handler: Handler) -> Callable[..., Response]:
    """A handler of the router's kind for one operation."""

    def answer(visit: Visit, name: str, version: str = "") -> Response:
        kid, material = _usable(visit, name, version, operation)
        body = parse.body(visit.ask.request)
        with _refusals():
            return handler(Use(kid, material, body, parse.required(body, "alg", str)))

    return answer


def _usable(visit: Visit, name: str, version: str, operation: str) -> Tuple[str, Any]:
    """The kid and private key of a version that may be used now."""
    with visit.reading(ACTIONS[operation], f"/keys/{name}") as (unit, pool):
        key, found = keys.live_version(objects.key(unit, pool, visit.region, name), name, version, unit.now)
        keys.check_use(key, found, operation, unit.now)
        wrapped = unit.tx.material(found.version)
    kid = f"{visit.host_url}/keys/{name}/{found.version}"
    return kid, visit.keyring.load(found.version, wrapped)


@contextmanager
def _refusals() -> Iterator[None]:
    """What cryptography refuses is the caller's mistake: 400."""
    try:
        yield
    except CryptoError as error:
        raise Invalid(str(error), "BadParameter") from error
