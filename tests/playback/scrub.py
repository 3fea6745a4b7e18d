"""Takes out of a recording what must not be committed, and what changes from one recording to the
next. Standard library only: it runs in az's Python too.

Headers are kept by an allow-list. GUIDs, key versions and opaque values get numbers in order of
appearance, so that two recordings of one scenario are the same file.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

REQUEST_HEADERS = ("content-type",)
RESPONSE_HEADERS = ("content-type", "location", "azure-asyncoperation", "retry-after", "www-authenticate")

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TENANT = "00000000-0000-0000-0000-000000000002"
CLIENT = "00000000-0000-0000-0000-000000000003"
CALLER = "00000000-0000-0000-0000-000000000004"
SOMEONE = "someone@example.com"
SCRUBBED = "scrubbed"
SECURITY_DOMAIN = '{"SecurityDomain":"scrubbed"}'

GUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
HEX = re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE)
TICKS = re.compile(r"(?<=[?&]t=)\d{18}\b")  # when an address was signed
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+(?:\.[\w-]*)?")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
PLACEHOLDER = re.compile(r"0{8}-0{4}-0{4}-0{4}-0{9}[0-9a-f]{3}")

ROLES_FILE = Path(__file__).resolve().parents[2] / "azext_mhsmregion" / "data" / "roles.json"
BUILT_IN_ROLES = frozenset(role["id"] for role in json.loads(ROLES_FILE.read_text())["roles"])
"""The same GUIDs in every pool."""

# Fields whose value is a secret or an identity, whatever it looks like.
SECRET_FIELDS = frozenset(
    {
        "access_token",
        "assertion",
        "certificates",
        "client_assertion",
        "client_info",
        "client_secret",
        "id_token",
        "key_value",
        "password",
        "refresh_token",
        "secret",
        "transfer_key",
        "username",
        "wrapped_key",
        "x5c",
    }
)
PEOPLE_FIELDS = frozenset({"createdBy", "lastModifiedBy", "userPrincipalName", "displayName", "mail"})
# Public parts of keys: no secrets, but other ones in each recording.
OPAQUE_FIELDS = frozenset({"n", "x", "y"})
OPAQUE = re.compile(r"[\w+/=-]{80,}")


class Scrubber:
    """One recording's. ``known`` maps real values to what stands for them."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known: Dict[str, str] = {}
        for real, placeholder in known.items():
            if real and real != placeholder:
                self._know(real, placeholder)
        self._numbered: Dict[str, Dict[str, str]] = {"guid": {}, "hex": {}, "opaque": {}}

    def _know(self, real: str, placeholder: str) -> None:
        """In the spellings in which it may occur."""
        variants = {real, quote(real, safe=""), real.upper(), real.lower()}
        variants.add(b64encode(real.encode()).decode())
        for variant in variants:
            self._known[variant] = placeholder

    # -- one exchange ------------------------------------------------------------------
    def request(self, request: Mapping[str, Any]) -> Dict[str, Any]:
        """A request in vcrpy's form: method, uri, body, headers."""
        kept = _kept(request["headers"], REQUEST_HEADERS)
        path = urlsplit(request["uri"]).path
        return {
            "method": request["method"],
            "uri": self.text(request["uri"]),
            "headers": {name: [self.text(value) for value in values] for name, values in kept.items()},
            "body": self._body(request["body"], kept, path, answer=False),
        }

    def response(self, response: Mapping[str, Any], uri: str) -> Dict[str, Any]:
        """A response in vcrpy's form: status, headers, body.string."""
        kept = _kept(response["headers"], RESPONSE_HEADERS)
        body = self._body(response["body"].get("string"), kept, urlsplit(uri).path, answer=True)
        return {
            "status": dict(response["status"]),
            "headers": {name: [self.text(value) for value in values] for name, values in kept.items()},
            "body": {"string": body or ""},
        }

    # -- text --------------------------------------------------------------------------
    def text(self, text: str) -> str:
        """Known values, tokens, identities and ids, wherever they stand."""
        for real in sorted(self._known, key=len, reverse=True):
            text = text.replace(real, self._known[real])
        text = JWT.sub("scrubbed-token", text)
        text = PEM.sub("scrubbed-pem", text)
        text = EMAIL.sub(SOMEONE, text)
        text = GUID.sub(self._guid, text)
        text = TICKS.sub("0" * 18, text)
        return HEX.sub(self._hex, text)

    def _guid(self, match: re.Match[str]) -> str:
        found = match.group(0).lower()
        if found in BUILT_IN_ROLES or PLACEHOLDER.fullmatch(found):
            return found
        known = self._numbered["guid"]
        return known.setdefault(found, f"00000000-0000-0000-0000-{0x100 + len(known):012x}")

    def _hex(self, match: re.Match[str]) -> str:
        found = match.group(0).lower()
        if found.startswith("0" * 16):
            return found
        known = self._numbered["hex"]
        return known.setdefault(found, f"{1 + len(known):032x}")

    def _opaque(self, value: str) -> str:
        """A number that decodes as base64, for a value that clients decode."""
        if value.startswith(_encoded(SCRUBBED)[:8]):
            return value.rstrip("=")
        known = self._numbered["opaque"]
        return known.setdefault(value.rstrip("="), _encoded(f"{SCRUBBED} value {1 + len(known):04}"))

    # -- bodies ------------------------------------------------------------------------
    def _body(self, body: Any, headers: Mapping[str, List[str]], path: str, answer: bool) -> Optional[str]:
        if not body:
            return None
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        if "x-www-form-urlencoded" in " ".join(headers.get("content-type", ())):
            pairs = parse_qsl(text, keep_blank_values=True)
            return urlencode([(name, self._form_value(name, value)) for name, value in pairs])
        try:
            value = json.loads(text)
        except ValueError:
            return self.text(text)
        value = self._value(_trimmed(value, path) if answer else value, "", _is_opaque_value(path, answer))
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    def _form_value(self, name: str, value: str) -> str:
        return SCRUBBED if name in SECRET_FIELDS else self.text(value)

    def _value(self, value: Any, name: str, opaque: str) -> Any:
        """A JSON value. ``opaque`` says what the field ``value`` holds on this path."""
        if name in SECRET_FIELDS and value not in (None, "", []):
            return SCRUBBED
        if isinstance(value, dict):
            return {self.text(key): self._value(item, key, opaque) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, name, opaque) for item in value]
        if not isinstance(value, str):
            return value
        if name == "value" and opaque == "domain":
            return SECURITY_DOMAIN
        if name in PEOPLE_FIELDS:
            return SOMEONE
        if name in OPAQUE_FIELDS or (name == "value" and opaque == "signature"):
            return self._opaque(value)
        scrubbed = self.text(value)
        return self._opaque(scrubbed) if OPAQUE.fullmatch(scrubbed) else scrubbed


def _kept(headers: Mapping[str, Any], names: Any) -> Dict[str, List[str]]:
    """Headers of the allow-list, lower case, each a list of texts."""
    kept: Dict[str, List[str]] = {}
    for name, value in headers.items():
        if name.lower() in names:
            kept[name.lower()] = [_text(one) for one in (value if isinstance(value, list) else [value])]
    return kept


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _is_opaque_value(path: str, answer: bool) -> str:
    lower = path.lower()
    if "/securitydomain/" in lower:
        return "domain" if answer else ""
    if (answer and lower.endswith("/sign")) or (not answer and lower.endswith("/verify")):
        return "signature"
    return ""


def _trimmed(value: Any, path: str) -> Any:
    """Role definitions list hundreds of actions that no test reads."""
    if path.lower().endswith("/roledefinitions") and isinstance(value, dict):
        for item in value.get("value", ()):
            item["properties"].update({"permissions": [], "description": ""})
    return value


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")
