"""Rotation policies and rotations on demand (rule E8). What is due by itself is not driven: it is written
later, dated when it was due (``emulator/rotations.py``). So policies here only say when keys expire."""

from __future__ import annotations

from azext_mhsmregion.model import rotation
from azext_mhsmregion.model.keys import KeyHandle

from .asking import Asking
from .violation import Violation

EXPIRIES = ("P28D", "P90D", "P400D", None)
"""None takes the policy away."""

DAY_SECONDS = 86_400


class Rotations(Asking):
    """Requests about rotation."""

    def set_policy(self) -> None:
        name = self._name()
        self._may(self._who(), "keys/write/action", f"/keys/{name}", True)
        if self._is_big():
            return  # the model looks at all the pool's keys from then on
        expiry = self.world.random.choice(EXPIRIES)
        self._accept([rotation.set_policy(self._view(("key", name)), name, (), expiry, self.world.now)])
        policy = self._view(("key", name)).keys[name].policy
        if policy.get("expiry") != expiry:
            raise Violation("E8", f"the policy of {name} is {policy}, not {expiry}", self.book.id, name)

    def rotate(self) -> None:
        name = self._policed_name()
        self._may(self._who(), "keys/rotate/action", f"/keys/{name}", True)
        objects, now = self._view(("key", name)), self.world.now
        asked = rotation.wanted(objects, name, now)
        before = objects.keys[name]
        handle = KeyHandle(self.world.new_id("v"), asked.kty, asked.size, asked.curve, {})
        self._accept([rotation.rotated(before, handle, now)])
        after = self._view(("key", name)).keys[name].current
        expires = now // 1000 + int(before.policy["expiry"][1:-1]) * DAY_SECONDS
        wanted = {**before.current.attributes, "created": now // 1000, "updated": now // 1000}
        wanted.update(exp=expires, nbf=None)
        if after.version != handle.version or after.attributes != wanted:
            raise Violation("E8", f"{name} was rotated to {after}, not {wanted}", self.book.id, name)

    def _policed_name(self) -> str:
        """One that has a policy, where the first few tries find one."""
        name = self._name()
        for _ in range(4):
            key = self._view(("key", name)).keys.get(name)
            if key is not None and rotation.has_policy(key):
                return name
            name = self._name()
        return name
