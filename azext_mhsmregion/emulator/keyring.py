"""Key material for the model: made outside the store's transaction, wrapped at rest, loaded
once. The model sees a handle; private parts stay on this side (rule K4)."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, Iterable, Optional, Tuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from azext_mhsmregion.crypto import keys as material
from azext_mhsmregion.crypto import transfer_key, wrap
from azext_mhsmregion.crypto.errors import BadSecurityDomain
from azext_mhsmregion.model.keys import KeyHandle, KeyRequest

DOMAIN_KEY_BYTES = 32


def domain_name(pool_id: str) -> str:
    """The name of the material of the key that a pool's security domain carries."""
    return f"domain:{pool_id}"


def transfer_name(pool_id: str) -> str:
    """The name of the material of a pool's transfer key."""
    return f"transfer:{pool_id}"


class Keyring:
    """Makes and loads private keys. ``random`` and ``new_id`` are handed in."""

    def __init__(
        self, home_key: Callable[[], bytes], random: Callable[[int], bytes], new_id: Callable[[], str]
    ) -> None:
        self._home_key = home_key
        self._random = random
        self._new_id = new_id
        self._loaded: Dict[str, Any] = {}
        self._turn = threading.Lock()

    def make(self, asked: KeyRequest) -> Tuple[KeyHandle, bytes]:
        """A new key for a canonical request, as :meth:`take`."""
        return self.take(asked, material.generate(asked.kty, asked.size, asked.curve))

    def take(self, asked: KeyRequest, key: Any) -> Tuple[KeyHandle, bytes]:
        """A private key as a new version: its handle, and the wrapped private part. It is not
        kept: a create or import that is refused leaves nothing behind."""
        version = self._new_id().replace("-", "")
        wrapped = self.seal(version, material.to_der(key))
        return KeyHandle(version, asked.kty, asked.size, asked.curve, material.public_jwk(key)), wrapped

    def make_domain_key(self, pool_id: str) -> Tuple[str, bytes, bytes]:
        """A pool's own key, which its security domain carries: the name of its material, the key,
        and the key wrapped for the store."""
        name, key = domain_name(pool_id), self._random(DOMAIN_KEY_BYTES)
        return name, key, self.seal(name, key)

    def take_domain_key(self, pool_id: str, key: bytes) -> Tuple[str, bytes]:
        """The key of another pool's security domain as this pool's own: the name of its material, and
        the key wrapped. Raises BadSecurityDomain for what is no such key."""
        if len(key) != DOMAIN_KEY_BYTES:
            raise BadSecurityDomain(f"The key of a domain has {DOMAIN_KEY_BYTES} bytes, not {len(key)}.")
        name = domain_name(pool_id)
        return name, self.seal(name, key)

    def make_transfer_key(self, pool_id: str) -> Tuple[str, bytes]:
        """A transfer key of a pool: the name of its material, and the key wrapped."""
        name = transfer_name(pool_id)
        return name, self.seal(name, material.to_der(transfer_key.generate()))

    def transfer_key(self, pool_id: str, wrapped: bytes) -> RSAPrivateKey:
        """What :meth:`make_transfer_key` wrapped. It is not kept: there is another one after its use."""
        found = material.load(self.unseal(transfer_name(pool_id), wrapped))
        assert isinstance(found, RSAPrivateKey)
        return found

    def seal(self, name: str, plain: bytes) -> bytes:
        """Bytes as they lie in the store under ``name``."""
        return wrap.wrap(self._home_key(), plain, name.encode(), self._random)

    def unseal(self, name: str, wrapped: bytes) -> bytes:
        """What :meth:`seal` was given: for this keyring, a backup or a transfer, nothing else (K4). Raises
        UnwrapFailed."""
        return wrap.unwrap(self._home_key(), wrapped, name.encode())

    def load(self, version: str, wrapped: Optional[bytes]) -> Any:
        """The private key of a version, from the cache or unwrapped. Raises UnwrapFailed."""
        with self._turn:
            found = self._loaded.get(version)
        if found is None:
            if wrapped is None:
                raise KeyError(version)
            found = material.load(self.unseal(version, wrapped))
            with self._turn:
                self._loaded[version] = found
        return found

    def forget(self, versions: Iterable[str]) -> None:
        """Drop the handles of purged versions."""
        with self._turn:
            for version in versions:
                self._loaded.pop(version, None)
