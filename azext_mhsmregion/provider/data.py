"""A pool's data plane: keys, signatures, the security domain."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, Dict, List, Mapping, Optional, Sequence

from azext_mhsmregion.provider.answers import object_of, text_at, value_at
from azext_mhsmregion.provider.errors import BadAnswerError
from azext_mhsmregion.provider.service import KEYS_API_VERSION, SECURITY_DOMAIN_API_VERSION, Service, segment

PAGE = 25


class DataPlane:
    """Every call takes ``base``, the pool's hsmUri (or a regional name of it)."""

    def __init__(self, service: Service) -> None:
        self._service = service

    # -- keys --------------------------------------------------------------------
    def create_key(self, base: str, key: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        return self._key(
            "POST", base, f"/keys/{segment(key)}/create", f"the creation of key {key}", parameters
        )

    def get_key(self, base: str, key: str, version: str = "") -> Dict[str, Any]:
        path = f"/keys/{segment(key)}" + (f"/{segment(version)}" if version else "")
        return self._key("GET", base, path, f"key {key}")

    def list_keys(self, base: str, limit: Optional[int] = None) -> List[Dict[str, Any]]:
        """Properties of the keys; ``limit`` of them, all without."""
        size = PAGE if limit is None else max(1, min(PAGE, limit))
        pages = self._service.hsm_pages(
            base, "/keys", "the list of keys", KEYS_API_VERSION, {"maxresults": str(size)}
        )
        return list(islice(pages, limit))

    def delete_key(self, base: str, key: str) -> Dict[str, Any]:
        return self._key("DELETE", base, f"/keys/{segment(key)}", f"the deletion of key {key}")

    def sign(self, base: str, key: str, version: str, algorithm: str, digest: bytes) -> Dict[str, Any]:
        body = {"alg": algorithm, "value": _encoded(digest)}
        path = self._version_path(base, key, version)
        return self._key("POST", base, f"{path}/sign", f"signing with key {key}", body)

    def verify(
        self, base: str, key: str, version: str, algorithm: str, digest: bytes, signature: bytes
    ) -> bool:
        body = {"alg": algorithm, "digest": _encoded(digest), "value": _encoded(signature)}
        path = self._version_path(base, key, version)
        what = f"verifying with key {key}"
        answer = self._key("POST", base, f"{path}/verify", what, body).get("value")
        if not isinstance(answer, bool):
            raise BadAnswerError(f"The answer to {what} lacks the field value, or it is of another type.")
        return answer

    def _version_path(self, base: str, key: str, version: str) -> str:
        """Operations name a version: without one, the current."""
        if not version:
            kid = text_at(self.get_key(base, key), "key.kid", f"key {key}")
            version = kid.rstrip("/").rpartition("/")[2]
        return f"/keys/{segment(key)}/{segment(version)}"

    def _key(
        self, method: str, base: str, path: str, what: str, body: Optional[Mapping[str, Any]] = None
    ) -> Dict[str, Any]:
        return object_of(self._service.hsm(method, base, path, what, KEYS_API_VERSION, body), what)

    # -- security domain -----------------------------------------------------------
    def download_security_domain(self, base: str, certificates: Sequence[bytes], quorum: int) -> str:
        """The security domain, a JSON text; the pool is active some polls later (rule C4)."""
        from azext_mhsmregion.provider.wrapping_keys import wrapping_key

        what = "the download of the security domain"
        body = {"certificates": [wrapping_key(one) for one in certificates], "required": quorum}
        answer = self._service.hsm(
            "POST", base, "/securitydomain/download", what, SECURITY_DOMAIN_API_VERSION, body
        )
        return text_at(object_of(answer, what), "value", what)

    def security_domain_status(self, base: str) -> Dict[str, Any]:
        """``{"status": InProgress|Success|Failed, "status_details"}``; asked where az asks (K5)."""
        what = "the state of the security domain"
        answer = self._service.hsm(
            "GET", base, "/securitydomain/upload/pending", what, SECURITY_DOMAIN_API_VERSION
        )
        return object_of(answer, what)


def comparable(body: Mapping[str, Any]) -> str:
    """A key's answer as text that is equal in two regions exactly when the key is: without the
    host in ``kid``, and with ``key_ops`` sorted (their order varies from call to call)."""
    copy = json.loads(json.dumps(body))
    for holder in (copy, value_at(copy, "key")):
        if isinstance(holder, dict):
            if isinstance(holder.get("kid"), str):
                holder["kid"] = holder["kid"].partition("/keys/")[2]
            if isinstance(holder.get("key_ops"), list):
                holder["key_ops"].sort()
    return json.dumps(copy, sort_keys=True)


def _encoded(data: bytes) -> str:
    from azext_mhsmregion.provider.wrapping_keys import base64url

    return base64url(data)
