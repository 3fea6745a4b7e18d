"""EncData: the secrets of a pool, sealed under a master key. A downloaded security domain and the restore
blob that is uploaded into another pool hold it alike (golden/hsm_security_domain.json).

Each secret has a tag and a key of its own: 64 bytes by ``sp108_kdf`` from the master key, the tag as label,
no context. Source: azure-cli 2.91.0, ``_security_domain_gen_blob``, which opens it so and seals it anew.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from azext_mhsmregion.crypto import jwe, kdf
from azext_mhsmregion.crypto.errors import BadSecurityDomain
from azext_mhsmregion.crypto.randomness import Random

MASTER_KEY_SIZE = 32
_KDF = "sp108_kdf"
_ITEM_KEY_SIZE = 64


def seal(master_key: bytes, secrets: Mapping[str, bytes], random: Random) -> Dict[str, Any]:
    """The EncData object of ``secrets`` (tag -> bytes), in their order."""
    return {
        "data": [
            {"compact_jwe": jwe.encrypt_direct(_key(master_key, tag), secret, tag, random), "tag": tag}
            for tag, secret in secrets.items()
        ],
        "kdf": _KDF,
    }


def unseal(master_key: bytes, enc_data: Any) -> Dict[str, bytes]:
    """The secrets of an EncData object: tag -> bytes.

    Raises BadSecurityDomain on another structure, BadJwe, and DecryptFailed when the master key is wrong.
    """
    if not isinstance(enc_data, dict) or enc_data.get("kdf") != _KDF:
        raise BadSecurityDomain(f"EncData is missing, or its keys are not derived by {_KDF}.")
    items = enc_data.get("data")
    if not isinstance(items, list) or not all(_is_item(item) for item in items):
        raise BadSecurityDomain("EncData.data is no list of compact_jwe and tag.")
    return {
        item["tag"]: jwe.decrypt_direct(item["compact_jwe"], _key(master_key, item["tag"])) for item in items
    }


def _is_item(item: Any) -> bool:
    """Both are ASCII: JSON may spell what no encoding has, such as half of a surrogate pair."""
    texts = [item.get(name) for name in ("compact_jwe", "tag")] if isinstance(item, dict) else [None]
    return all(isinstance(text, str) and text.isascii() for text in texts)


def _key(master_key: bytes, tag: str) -> bytes:
    return kdf.sp800_108(master_key, tag, "", _ITEM_KEY_SIZE)
