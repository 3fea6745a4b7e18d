"""Entra's error answers: OAuth error names, AADSTS codes and words, as the service says them."""

from __future__ import annotations

from datetime import datetime, timezone

from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.wire import Response, json_response


class EntraError(Exception):
    """A refused request: HTTP status, OAuth error name, AADSTS code, text."""

    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        super().__init__(f"AADSTS{code}: {text}")
        self.status = status
        self.error = error
        self.code = code


def wrong_secret(app_id: str) -> EntraError:
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client "
        f"secret value, not the client secret ID, for a secret added to app '{app_id}'."
    )
    return EntraError(401, "invalid_client", 7000215, text)


def missing_secret() -> EntraError:
    text = (
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'. "
        "This emulator knows client secrets only."
    )
    return EntraError(401, "invalid_client", 7000218, text)


def unknown_app(app_id: str, tenant: str) -> EntraError:
    text = (
        f"Application with identifier '{app_id}' was not found in the directory '{tenant}'. This can happen "
        "if the application has not been installed by the administrator of the tenant or consented to by any "
        "user in the tenant. You may have sent your authentication request to the wrong tenant."
    )
    return EntraError(400, "unauthorized_client", 700016, text)


def unknown_tenant(tenant: str) -> EntraError:
    text = (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud. Check with your subscription administrator, this may happen if there are "
        "no active subscriptions for the tenant."
    )
    return EntraError(400, "invalid_request", 90002, text)


def no_tenant() -> EntraError:
    text = (
        "No tenant-identifying information found in either the request or implied by any provided "
        "credentials."
    )
    return EntraError(400, "invalid_request", 50059, text)


def unsupported_grant(grant: str) -> EntraError:
    text = (
        f"The app requested an unsupported grant type '{grant}'. "
        "This emulator knows 'client_credentials' only."
    )
    return EntraError(400, "unsupported_grant_type", 70003, text)


def missing_parameter(name: str) -> EntraError:
    text = f"The request body must contain the following parameter: '{name}'."
    return EntraError(400, "invalid_request", 900144, text)


def invalid_scope(scope: str) -> EntraError:
    text = (
        f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
        "with /.default suffixed to the resource identifier (application ID URI)."
    )
    return EntraError(400, "invalid_scope", 1002012, text)


def unknown_resource(resource: str, tenant: str) -> EntraError:
    text = (
        f"The resource principal named {resource} was not found in the tenant named {tenant}. This emulator "
        "issues tokens for Azure Resource Manager, Managed HSM and Microsoft Graph."
    )
    return EntraError(400, "invalid_resource", 500011, text)


def unknown_instance() -> EntraError:
    return EntraError(400, "invalid_instance", 50049, "Unknown or invalid instance.")


def not_implemented(method: str, path: str) -> EntraError:
    text = f"{method} {path} is not implemented by this emulator."
    return EntraError(404, "not_found", 90043, text)


def answer(error: EntraError, context: EntraContext, correlation_id: str) -> Response:
    """``error`` in Entra's own shape."""
    moment = datetime.fromtimestamp(context.now(), timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    trace_id = context.new_id()
    description = f"{error} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {moment}"
    body = {
        "error": error.error,
        "error_description": description,
        "error_codes": [error.code],
        "timestamp": moment,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
    return json_response(error.status, body, (("cache-control", "no-store, no-cache"),))
