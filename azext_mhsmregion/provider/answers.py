"""The door: bytes of an answer become typed values or typed errors here, once."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type

from azext_mhsmregion.provider.errors import (
    AuthenticationError,
    BadAnswerError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    ServiceError,
    ThrottledError,
)
from azext_mhsmregion.provider.interface import DeletedPool, Pool, Region
from azext_mhsmregion.provider.transport import Answer

_ERRORS: Dict[int, Tuple[Type[ProviderError], str]] = {
    401: (AuthenticationError, "Log in again (az login), or check the AZURE_* environment variables."),
    403: (ForbiddenError, "Ask for a role that allows it; `keyvault role assignment list` shows them."),
    404: (NotFoundError, ""),
    409: (ConflictError, ""),
    412: (ConflictError, "Someone else changed it meanwhile: try again."),
    429: (ThrottledError, "Wait a moment and try again."),
}
_BY_CODE = {
    "objectisdeletedbutrecoverable": "Recover it or purge it (`az keyvault key recover`, `az keyvault key "
    "purge`), or take another name.",
    "securitydomaintaken": "A pool gives its security domain out once: use the file that was written then.",
    "conflicterror": "A soft-deleted pool keeps its name: `keyvault list-deleted` shows it, "
    "`keyvault recover` brings it back, `keyvault purge` ends it.",
}
_BY_CODE_OF_ARM = {
    "conflict": "Wait until the operation under way has finished, then try again: `keyvault region wait "
    "--updated` waits for it.",
}
_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    409: "Conflict",
    429: "Too many requests",
}


# -- errors --------------------------------------------------------------------
def checked(answer: Answer, what: str, of_arm: bool = False) -> Answer:
    """The answer when it is a success, else raises the error that it stands for. ``what`` is
    what was asked, for answers without words of their own; ``of_arm``: the control plane was."""
    if 200 <= answer.status < 300:
        return answer
    raise error_of(answer, what, of_arm)


def error_of(answer: Answer, what: str, of_arm: bool = False) -> ProviderError:
    """The error that a refusal stands for, in the service's own words where it sent some."""
    code, message = words_of(answer)
    if not message:
        reason = _REASONS.get(answer.status, f"HTTP {answer.status}")
        message = f"{reason}: {what} was refused without a reason."
    if 300 <= answer.status < 400:
        where = answer.headers.get("location", "somewhere else")
        return BadAnswerError(f"{what} was redirected to {where}.", "Check --arm-endpoint and HTTPS_PROXY.")
    if answer.status >= 500:
        return ServiceError(message, "The service has a problem: try again later.", code)
    kind, hint = _ERRORS.get(answer.status, (BadRequestError, ""))
    if answer.status == 429 and answer.headers.get("retry-after"):
        hint = _wait_hint(answer.headers["retry-after"].strip())
    return kind(message, _hint_by_code(answer, of_arm) or hint, code)


def _wait_hint(asked: str) -> str:
    """Retry-After is a number of seconds or a date."""
    return f"The service asks to wait {f'{asked} s' if asked.isdigit() else f'until {asked}'} (Retry-After)."


def _hint_by_code(answer: Answer, of_arm: bool) -> str:
    """What to do about a conflict; Key Vault puts the telling code inside the error."""
    if answer.status != 409:
        return ""
    body = _parsed(answer)
    hints = {**_BY_CODE, **_BY_CODE_OF_ARM} if of_arm else _BY_CODE
    codes = [str(value_at(body, path)).lower() for path in ("error.innererror.code", "error.code", "code")]
    return next((hints[code] for code in codes if code in hints), "")


def words_of(answer: Answer) -> Tuple[Optional[str], str]:
    """(code, message) of an ARM or Key Vault error body; (None, "") when it has none."""
    return words_in(_parsed(answer))


def _parsed(answer: Answer) -> Any:
    """The body of a refusal, None when it is empty or not JSON."""
    try:
        return json.loads(answer.body) if answer.body else None
    except ValueError:
        return None


def words_in(body: Any) -> Tuple[Optional[str], str]:
    """(code, message) of a parsed ``{"error": {"code", "message"}}``."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None, ""
    code, message = error.get("code"), error.get("message")
    return (code if isinstance(code, str) else None), (message if isinstance(message, str) else "")


# -- JSON ----------------------------------------------------------------------
def object_of(answer: Answer, what: str) -> Dict[str, Any]:
    """The JSON object of an answer. Raises BadAnswerError when it is truncated, not JSON or
    not an object."""
    try:
        body = json.loads(answer.body)
    except ValueError as error:
        raise BadAnswerError(
            f"The answer to {what} cannot be read: {_fault(answer, error)}.",
            "Try again; if it happens again, something between here and the service changes its answers.",
        ) from error
    if not isinstance(body, dict):
        raise BadAnswerError(f"The answer to {what} is not a JSON object.")
    return body


def _fault(answer: Answer, error: ValueError) -> str:
    length = answer.headers.get("content-length", "")
    if not answer.body:
        return "it is empty"
    if length.isdigit() and int(length) > len(answer.body):
        return f"it is truncated ({len(answer.body)} of {length} bytes)"
    # UnicodeDecodeError has no position in characters.
    text = answer.body.decode("utf-8", "replace").rstrip()
    if text[:1] in "{[" and text[-1:] not in "}]":
        return f"it is truncated after {len(answer.body)} bytes"
    kind = answer.headers.get("content-type", "no content type").partition(";")[0]
    return f"it is not JSON ({kind}: {error})"


def text_at(body: Mapping[str, Any], path: str, what: str) -> str:
    """The string at ``path`` (names joined by dots), or BadAnswerError that names it."""
    value = value_at(body, path)
    if not isinstance(value, str):
        raise _lacks(path, what)
    return value


def value_at(body: Any, path: str) -> Any:
    """The value at ``path``, None when any part of it is absent."""
    for name in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


def items_of(body: Mapping[str, Any], what: str) -> List[Dict[str, Any]]:
    """The objects of a list answer's ``value``."""
    value = body.get("value")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _lacks("value", what)
    return value


def _lacks(path: str, what: str) -> BadAnswerError:
    return BadAnswerError(f"The answer to {what} lacks the field {path}, or it is of another type.")


# -- typed values --------------------------------------------------------------
def pool_of(body: Mapping[str, Any], what: str = "the pool") -> Pool:
    """A managed HSM resource (rule C1)."""
    resource = text_at(body, "id", what)
    regions = value_at(body, "properties.regions") or []
    if not isinstance(regions, list):
        raise _lacks("properties.regions", what)
    return Pool(
        id=resource,
        name=text_at(body, "name", what),
        group=group_in(resource, what),
        location=text_at(body, "location", what),
        provisioning_state=text_at(body, "properties.provisioningState", what),
        activation_status=_activation(body),
        hsm_uri=text_at(body, "properties.hsmUri", what),
        extended=tuple(extended_of(region, what) for region in regions),
        body=body,
    )


def _activation(body: Mapping[str, Any]) -> str:
    """Old api-versions do not tell: then Unknown, as the service says while it does not know."""
    status = value_at(body, "properties.securityDomainProperties.activationStatus")
    return status if isinstance(status, str) else "Unknown"


def extended_of(body: Any, what: str) -> Region:
    """One entry of a pool's ``properties.regions``: extended regions only (rule C2)."""
    name = text_at(body if isinstance(body, dict) else {}, "name", what)
    return Region(name, str(body.get("provisioningState") or ""), False)


def region_of(body: Mapping[str, Any], what: str = "the regions") -> Region:
    """One entry of ``GET …/regions`` (rule C2)."""
    primary = body.get("isPrimary")
    if not isinstance(primary, bool):
        raise _lacks("isPrimary", what)
    return Region(text_at(body, "name", what), text_at(body, "provisioningState", what), primary)


def deleted_pool_of(body: Mapping[str, Any], what: str = "the deleted pool") -> DeletedPool:
    """A soft-deleted pool (rule D4)."""
    return DeletedPool(text_at(body, "name", what), text_at(body, "properties.location", what), body)


def group_in(resource_id: str, what: str) -> str:
    """The resource group in an ARM id; its types are compared without case (rule C3b)."""
    parts = resource_id.split("/")
    for name, value in zip(parts, parts[1:]):
        if name.lower() == "resourcegroups":
            return value
    raise BadAnswerError(f"The answer to {what} has an id without a resource group: {resource_id}")
