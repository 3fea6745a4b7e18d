"""The key derivation that security domains call ``sp108_kdf``: NIST SP 800-108 in counter mode.

HMAC-SHA-512; a 32-bit counter before ``label || 0x00 || context || length in bits (32)``.
Source: azure-cli 2.91.0, ``keyvault/security_domain/sp800_108.py``, which reads EncData with it.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode


def sp800_108(key: bytes, label: str, context: str, length: int) -> bytes:
    """``length`` bytes derived from ``key``; ``label`` and ``context`` in UTF-8."""
    derivation = KBKDFHMAC(
        algorithm=hashes.SHA512(),
        mode=Mode.CounterMode,
        length=length,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label.encode("utf-8"),
        context=context.encode("utf-8"),
        fixed=None,
    )
    return derivation.derive(key)
