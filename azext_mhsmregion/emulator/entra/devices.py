"""Sign-ins by device code: begun by a program, allowed by a person elsewhere, fetched by the
program. They live in memory, for a quarter of an hour at most."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace
from typing import Callable, Dict, Mapping, Optional, Tuple

LIFETIME = 900
"""Seconds that a code lives."""

INTERVAL = 5
"""Seconds that a program is told to wait between two questions."""

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_LENGTH = 9
_MOST = 1000


@dataclass(frozen=True)
class Device:
    """One sign-in: the program's id, what it asked for (``scope`` or ``resource``: it need not say
    so again), until when (seconds since 1970), and the object id of the user who allowed it, None
    while nobody has."""

    client_id: str
    asked: Mapping[str, str]
    user_code: str
    expires: float
    object_id: Optional[str] = None


class Devices:
    """The sign-ins of one home. May be shared by threads."""

    def __init__(self, new_code: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> None:
        self._new_code = new_code
        self._lock = threading.Lock()
        self._waiting: Dict[str, Device] = {}

    def begin(self, client_id: str, asked: Mapping[str, str], now: float) -> Tuple[str, str]:
        """Device code (the program's secret) and user code (what the person types)."""
        user_code = "".join(secrets.choice(ALPHABET) for _ in range(_CODE_LENGTH))
        code = self._new_code()
        with self._lock:
            self._waiting = {key: one for key, one in self._waiting.items() if one.expires > now}
            while len(self._waiting) >= _MOST:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[code] = Device(client_id, asked, user_code, now + LIFETIME)
        return code, user_code

    def allow(self, user_code: str, object_id: str, now: float) -> bool:
        """Let the sign-in of ``user_code`` go ahead as that user. Is there one?"""
        wanted = user_code.strip().upper()
        with self._lock:
            for code, one in self._waiting.items():
                if one.user_code == wanted and one.expires > now:
                    self._waiting[code] = replace(one, object_id=object_id)
                    return True
        return False

    def fetch(self, code: str, client_id: str, now: float) -> Optional[Device]:
        """The sign-in of a device code, None where there is none (any more) for that program. One
        that somebody allowed is given once."""
        with self._lock:
            found = self._waiting.get(code)
            if found is None or found.client_id != client_id or found.expires <= now:
                return None
            if found.object_id is not None:
                del self._waiting[code]
            return found
