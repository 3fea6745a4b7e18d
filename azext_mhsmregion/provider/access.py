"""Local RBAC of a pool: over plain REST in process, through azure-keyvault-administration over
sockets. Both give the wire's JSON (``golden/hsm_role.json``)."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Protocol, TypeVar

from azext_mhsmregion.provider.answers import error_of, object_of
from azext_mhsmregion.provider.errors import (
    BadAnswerError,
    NetworkError,
    ProviderError,
)
from azext_mhsmregion.provider.service import ACCESS_API_VERSION, Service, segment
from azext_mhsmregion.provider.transport import Answer, Credential, RequestsTransport

_AUTHORIZATION = "providers/Microsoft.Authorization"
_ASSIGNMENT_TYPE = "Microsoft.Authorization/roleAssignments"
_DEFINITION_TYPE = "Microsoft.Authorization/roleDefinitions"
_ASK_AGAIN = 0  # an expiry in the past: azure-core asks our credential each time, which keeps tokens

T = TypeVar("T")


class Access(Protocol):
    """``base`` is the pool's hsmUri, ``scope`` one of /, /keys, /keys/<name>."""

    def definitions(self, base: str, scope: str) -> List[Dict[str, Any]]: ...
    def assignments(self, base: str, scope: str) -> List[Dict[str, Any]]: ...
    def assign(
        self, base: str, scope: str, definition_id: str, principal_id: str, name: str
    ) -> Dict[str, Any]: ...
    def unassign(self, base: str, scope: str, name: str) -> Dict[str, Any]: ...


class RestAccess:
    """Plain REST over any transport."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def definitions(self, base: str, scope: str) -> List[Dict[str, Any]]:
        return list(self._pages(base, f"{_path(scope)}/roleDefinitions", "the role definitions"))

    def assignments(self, base: str, scope: str) -> List[Dict[str, Any]]:
        return list(self._pages(base, f"{_path(scope)}/roleAssignments", "the role assignments"))

    def assign(
        self, base: str, scope: str, definition_id: str, principal_id: str, name: str
    ) -> Dict[str, Any]:
        what = f"the role assignment {name}"
        body = {"properties": {"roleDefinitionId": definition_id, "principalId": principal_id}}
        path = f"{_path(scope)}/roleAssignments/{segment(name)}"
        return object_of(self._service.hsm("PUT", base, path, what, ACCESS_API_VERSION, body), what)

    def unassign(self, base: str, scope: str, name: str) -> Dict[str, Any]:
        what = f"the role assignment {name}"
        path = f"{_path(scope)}/roleAssignments/{segment(name)}"
        return object_of(self._service.hsm("DELETE", base, path, what, ACCESS_API_VERSION), what)

    def _pages(self, base: str, path: str, what: str) -> Iterator[Dict[str, Any]]:
        return self._service.hsm_pages(base, path, what, ACCESS_API_VERSION)


class SdkAccess:
    """The user's chosen library, on the same credential, proxies and authorities as the rest."""

    def __init__(self, service: Service, credential: Credential, transport: RequestsTransport) -> None:
        self._service = service
        self._credential = credential
        self._transport = transport
        self._clients: Dict[str, Any] = {}

    def definitions(self, base: str, scope: str) -> List[Dict[str, Any]]:
        client = self._client(base)
        return _translated(
            "the role definitions", lambda: [_definition(one) for one in client.list_role_definitions(scope)]
        )

    def assignments(self, base: str, scope: str) -> List[Dict[str, Any]]:
        client = self._client(base)
        return _translated(
            "the role assignments", lambda: [_assignment(one) for one in client.list_role_assignments(scope)]
        )

    def assign(
        self, base: str, scope: str, definition_id: str, principal_id: str, name: str
    ) -> Dict[str, Any]:
        client = self._client(base)
        return _translated(
            f"the role assignment {name}",
            lambda: _assignment(client.create_role_assignment(scope, definition_id, principal_id, name=name)),
        )

    def unassign(self, base: str, scope: str, name: str) -> Dict[str, Any]:
        client = self._client(base)

        def read_and_delete() -> Dict[str, Any]:
            # The library's delete is silent about one that is not there, and gives nothing back.
            found = _assignment(client.get_role_assignment(scope, name))
            client.delete_role_assignment(scope, name)
            return found

        return _translated(f"the role assignment {name}", read_and_delete)

    def _client(self, base: str) -> Any:
        if base not in self._clients:
            self._clients[base] = self._made(base)
        return self._clients[base]

    def _made(self, base: str) -> Any:
        try:
            from azure.keyvault.administration import KeyVaultAccessControlClient
        except ImportError as error:
            raise ProviderError(
                "azure-keyvault-administration is not installed.", "pip install azure-keyvault-administration"
            ) from error
        options: Dict[str, Any] = {}
        if self._transport.proxies:
            options["proxies"] = dict(self._transport.proxies)
        if self._transport.ca_bundle:
            options["connection_verify"] = self._transport.ca_bundle
        audience = self._service.hsm_audience(base)
        return KeyVaultAccessControlClient(
            vault_url=base.rstrip("/"),
            credential=CoreCredential(self._credential, audience),
            api_version=ACCESS_API_VERSION,
            # A pool under another name than its cloud's service is allowed; the token's
            # audience is ours to say, whatever the challenge says.
            verify_challenge_resource=audience == self._service.endpoints.hsm_audience,
            **options,
        )


class CoreCredential:
    """Our credential as azure-core's TokenCredential. It gives tokens for one audience only,
    whatever a challenge asks for."""

    def __init__(self, credential: Credential, audience: str) -> None:
        self._credential = credential
        self._audience = audience

    def get_token(self, *scopes: str, **_: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(self._credential.get_token(self._audience), _ASK_AGAIN)


def _path(scope: str) -> str:
    return f"{scope.rstrip('/')}/{_AUTHORIZATION}"


def _definition(one: Any) -> Dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "properties": {
            "assignableScopes": [_text(scope) for scope in one.assignable_scopes or []],
            "description": one.description or "",
            "permissions": [_permission(permission) for permission in one.permissions or []],
            "roleName": one.role_name,
            "type": _text(one.role_type),
        },
        "type": _text(one.type or _DEFINITION_TYPE),
    }


def _permission(one: Any) -> Dict[str, Any]:
    return {
        "actions": list(one.actions or []),
        "dataActions": [_text(action) for action in one.data_actions or []],
        "notActions": list(one.not_actions or []),
        "notDataActions": [_text(action) for action in one.not_data_actions or []],
    }


def _assignment(one: Any) -> Dict[str, Any]:
    return {
        "id": one.role_assignment_id,
        "name": one.name,
        "properties": {
            "principalId": one.properties.principal_id,
            "roleDefinitionId": one.properties.role_definition_id,
            "scope": _text(one.properties.scope),
        },
        "type": one.type or _ASSIGNMENT_TYPE,
    }


def _text(value: Any) -> str:
    """An enum of the library, or a string, as on the wire."""
    return str(getattr(value, "value", value))


def _translated(what: str, call: Callable[[], T]) -> T:
    """The result of a call of the library, its exceptions as ours."""
    from azure.core.exceptions import (
        AzureError,
        DecodeError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    try:
        return call()
    except DecodeError as error:
        raise BadAnswerError(f"The answer to {what} cannot be read: {error}") from error
    except HttpResponseError as error:
        raise _of_response(error, what) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise NetworkError(
            f"{what} could not be asked: {error}", "Check the network and HTTPS_PROXY."
        ) from error
    except (AzureError, ValueError) as error:  # ValueError: the challenge names another host
        raise BadAnswerError(f"The answer to {what} cannot be used: {error}") from error


def _of_response(error: Any, what: str) -> ProviderError:
    """The library's exception for a refusal, in the service's own words."""
    response = error.response
    if response is None:
        return BadAnswerError(f"The answer to {what} cannot be used: {error}")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return error_of(Answer(int(response.status_code), headers, response.text().encode()), what)
