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
    text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
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
        "This emulator knows client_credentials, refresh_token, password and device codes."
    )
    return EntraError(400, "unsupported_grant_type", 70003, text)


def bad_assertion(code: int, text: str) -> EntraError:
    """700021 to 700027, 50027: the client's signed assertion."""
    return EntraError(401, "invalid_client", code, text)


def unregistered_certificate(app_id: str) -> EntraError:
    text = (
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - The key was not found. App ID: {app_id}]"
    )
    return bad_assertion(700027, text)


def unknown_user(name: str, tenant: str) -> EntraError:
    text = (
        f"The user account {name} does not exist in the {tenant} directory. To sign into this application, "
        "the account must be added to the directory."
    )
    return EntraError(400, "invalid_grant", 50034, text)


def wrong_password() -> EntraError:
    text = "Error validating credentials due to invalid username or password."
    return EntraError(400, "invalid_grant", 50126, text)


def bad_grant() -> EntraError:
    return EntraError(400, "invalid_grant", 70000, "Provided grant is invalid or malformed.")


def expired_grant() -> EntraError:
    text = "The refresh token has expired due to inactivity."
    return EntraError(400, "invalid_grant", 700082, text)


def authorization_pending() -> EntraError:
    text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
    return EntraError(400, "authorization_pending", 70016, text)


def expired_device_code() -> EntraError:
    text = "The provided value for the input parameter 'device_code' is not valid: it is expired or unknown."
    return EntraError(400, "expired_token", 70020, text)


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
