"""The ARM provider: the client over sockets, on real Azure or whatever answers in its name."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any, Dict, Optional

from azext_mhsmregion.provider.access import Access, SdkAccess
from azext_mhsmregion.provider.client import ManagedHsmClient, Settings
from azext_mhsmregion.provider.durations import Durations
from azext_mhsmregion.provider.errors import AuthenticationError
from azext_mhsmregion.provider.retry import retrying
from azext_mhsmregion.provider.service import Endpoints, Service
from azext_mhsmregion.provider.surroundings import Surroundings
from azext_mhsmregion.provider.transport import Credential, RequestsTransport


class ArmProvider(ManagedHsmClient):
    """kind "arm". Any transport will do; :func:`connect` makes the usual one."""

    kind = "arm"


def connect(
    credential: Credential,
    subscription_id: str,
    endpoints: Endpoints,
    home: Optional[Path],
    outside: Surroundings,
    full_body: bool = False,
    tenant_id: Optional[str] = None,
) -> ArmProvider:
    """An ArmProvider over requests. Tenant and caller are read from the token when not given."""
    sockets = RequestsTransport(credential)

    def claim(name: str) -> str:
        return claim_of(credential.get_token(endpoints.arm_audience), name)

    settings = Settings(
        subscription_id=subscription_id,
        tenant_id=lambda: tenant_id or claim("tid"),
        caller=lambda: claim("oid"),
        endpoints=endpoints,
        full_body=full_body,
        durations=Durations(home) if home else None,
        now=outside.now,
        wall=outside.wall,
    )
    transport = retrying(sockets, outside)
    access: Access = SdkAccess(Service(transport, subscription_id, endpoints), credential, sockets)
    return ArmProvider(transport, settings, access)


def claim_of(token: str, name: str) -> str:
    """A claim of a JWT that was issued to us; its signature is the service's business."""
    try:
        payload = token.split(".")[1]
        claims: Dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims[name])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise AuthenticationError(
            f"The access token does not tell its {name}.",
            "Name the principal: --administrators OBJECT-ID, or --assignee OBJECT-ID.",
        ) from error
