"""HMAC over digests: what "sign" and "verify" are with a symmetric key (rule K1, facts/algorithms.json).

No recording or document says whether the value must be a digest. Ours must, as for every other algorithm.
"""

from __future__ import annotations

import hmac

from azext_mhsmregion.crypto.errors import BadDigest, UnsupportedAlgorithm
from azext_mhsmregion.crypto.keys import SymmetricKey

_HASHES = {"HS256": ("sha256", 32), "HS384": ("sha384", 48), "HS512": ("sha512", 64)}


def sign(key: SymmetricKey, algorithm: str, digest: bytes) -> bytes:
    """The code of ``digest``, as long as it. Raises UnsupportedAlgorithm, BadDigest."""
    found = _HASHES.get(algorithm)
    if found is None:
        raise UnsupportedAlgorithm(f"A symmetric key signs with {', '.join(_HASHES)}, not with {algorithm}.")
    name, size = found
    if len(digest) != size:
        raise BadDigest(f"{algorithm} takes a digest of {size} bytes; this one has {len(digest)}.")
    return hmac.digest(key.value, digest, name)


def verify(key: SymmetricKey, algorithm: str, digest: bytes, code: bytes) -> bool:
    """Whether ``code`` is that of ``digest``. Raises as ``sign`` does."""
    return hmac.compare_digest(sign(key, algorithm, digest), code)
