"""What can go wrong with key material, as types. The floors above turn them into the service's
codes; messages are sentences for people and never hold key material (rule K4)."""

from __future__ import annotations


class CryptoError(ValueError):
    """Base of all."""


class UnsupportedKey(CryptoError):
    """A key type, size or curve that a Managed HSM does not have (rule K1)."""


class UnsupportedAlgorithm(CryptoError):
    """Unknown algorithm, or one that does not fit the key's type or curve (rule K1)."""


class BadKey(CryptoError):
    """Bytes that are no key, or a symmetric key of the wrong length."""


class BadDigest(CryptoError):
    """The digest's length is not that of the algorithm's hash."""


class BadPlaintext(CryptoError):
    """Bytes that the algorithm cannot encrypt or wrap: too many of them, or no whole blocks."""


class BadIv(CryptoError):
    """An initialization vector that is missing, has another length, or that the algorithm makes itself."""


class BadRandom(CryptoError):
    """The random source that was handed in gave another number of bytes than asked for."""


class UnwrapFailed(CryptoError):
    """A wrapped blob was altered, cut, made with another home key, or for another purpose."""


class BadShare(CryptoError):
    """Shares that cannot belong together, or a split that cannot be made."""


class BadJwe(CryptoError):
    """Text that is no compact JWE of the two kinds that we read."""


class DecryptFailed(CryptoError):
    """A well-formed JWE or a ciphertext that this key does not open: altered, or for another key."""


class BadCertificate(CryptoError):
    """A certificate, or a set of them, that a security domain cannot be encrypted to (rule C4)."""


class BadSecurityDomain(CryptoError):
    """Text that is no security domain, or no restore blob, of the recorded structure."""


class OtherTransferKey(CryptoError):
    """A restore blob for another pool's transfer key, or for one that was used before (rule K5)."""


class BadBackup(CryptoError):
    """Bytes that are no backup of a known version, or one that was cut or altered."""


class OtherDomain(CryptoError):
    """A backup of a pool with another security domain (rule K4)."""


class QuorumNotMet(CryptoError):
    """Fewer fitting wrapping keys than the security domain requires (rule C4)."""
