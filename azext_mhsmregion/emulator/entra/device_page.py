"""The page on which a person allows a sign-in by device code: ``/common/oauth2/deviceauth``.

A form for browsers; for scripts, a POST of ``user_code``, ``username`` and ``password``.
"""

from __future__ import annotations

import html
from typing import Tuple
from urllib.parse import parse_qsl

from azext_mhsmregion.emulator.entra import errors, users
from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.wire import Request, Response

URL = "https://login.microsoftonline.com/common/oauth2/deviceauth"

_HEADERS: Tuple[Tuple[str, str], ...] = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store, no-cache"),
    ("content-security-policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"),
)
_PAGE = """<!doctype html><title>mhsmregion emulator: sign in</title>
<h1>Sign in to the emulator</h1><p>{}</p>
<form method="post"><p><label>Code <input name="user_code"></label>
<p><label>User <input name="username"></label>
<p><label>Password <input name="password" type="password"></label><p><button>Sign in</button></form>
"""


def handle(request: Request, context: EntraContext) -> Response:
    """The form, or the answer to it: 200 when the sign-in may go ahead, 400 when not."""
    if request.method == "GET":
        return _page(200, "Users and passwords stand in directory.json.")
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        user = users.by_password(form, context)
    except errors.EntraError as error:
        return _page(400, str(error))
    if not context.tokens.devices.allow(form.get("user_code", ""), user.object_id, context.now()):
        return _page(400, "That code is unknown, or has expired.")
    return _page(200, f"{user.user_principal_name} is signed in. This page can be closed.")


def _page(status: int, text: str) -> Response:
    return Response(status, _HEADERS, _PAGE.format(html.escape(text)).encode())
