"""What clients ask of the data plane: keys, rights, settings."""

from __future__ import annotations

from typing import Mapping

from azext_mhsmregion.model import keys, rbac, settings
from azext_mhsmregion.model.errors import ModelError
from azext_mhsmregion.model.keys import KeyChange, KeyHandle, KeyRequest
from azext_mhsmregion.model.replication import Kind

from .asking import ADMIN, HOT, IMPORTED, OFFICER, OTHERS, REQUEST
from .restores import Restores
from .rotations import Rotations
from .violation import Violation

CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
CRYPTO_OFFICER = "515eb02d-2335-4d2d-92f2-b1cbdf9c3778"
AUDITOR = "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3"
CUSTOM = tuple(f"00000000-0000-4000-8000-00000000000{number}" for number in range(4))
SETTING = "AllowKeyManagementOperationsThroughARM"


class Asked(Restores, Rotations):
    """One request of the data plane: who asks where, and what it comes to."""

    # -- keys -----------------------------------------------------------------------------
    def read(self) -> None:
        name = self._name()
        self._may(self._who(), "keys/read/action", f"/keys/{name}", False)
        keys.live_version(self._view(("key", name)), name, "", self.world.now)

    def create(self) -> None:
        self._make("keys/create", REQUEST)

    def import_key(self) -> None:
        """Material of a size that only an import may have."""
        self._make("keys/import/action", IMPORTED)

    def _make(self, action: str, asked: KeyRequest) -> None:
        name = self._name()
        self._may(self._who(), action, f"/keys/{name}", True)
        handle = KeyHandle(self.world.new_id("v"), asked.kty, asked.size, asked.curve, {})
        self._accept(keys.create(self._view(("key", name)), name, asked, handle, self.world.now))

    def update(self) -> None:
        name = self._name()
        self._may(self._who(), "keys/write/action", f"/keys/{name}", True)
        objects = self._view(("key", name))
        key = objects.keys.get(name)
        version = self.world.random.choice(key.versions).version if key is not None else ""
        change = KeyChange(tags={"n": self.world.new_id("t")})
        self._accept([keys.update(objects, name, version, change, self.world.now)])

    def delete(self) -> None:
        name = self._name()
        self._may(self._who(), "keys/delete", f"/keys/{name}", True)
        objects = self._view(("key", name))
        self._accept([keys.delete(objects, name, self._pool(), self.world.now)])
        self._is_deleted(name)

    def _is_deleted(self, name: str) -> None:
        """D5: a deleted key is listed as such and cannot be used."""
        objects = self._view(("key", name))
        keys.deleted(objects, name, self.world.now)
        try:
            keys.live(objects, name, self.world.now)
        except ModelError:
            return
        raise Violation("D5", f"{name} was deleted and is still there", self.book.id, name)

    def recover(self) -> None:
        name = self._deleted_name()
        self._may(self._who(), "keys/deletedKeys/recover/action", f"/keys/{name}", True)
        self._accept([keys.recover(self._view(("key", name)), name, self.world.now)])
        keys.live(self._view(("key", name)), name, self.world.now)

    def purge(self) -> None:
        name = self._deleted_name()
        self._may(self._who(), "keys/deletedKeys/delete", f"/keys/{name}", True)
        objects = self._view(("key", name))
        try:
            write = keys.purge(objects, name, self._pool(), self.world.now)
        except ModelError as error:
            if error.status == 403 and not self.book.purge_protection:
                raise Violation("D5", f"{name} cannot be purged: {error}", self.book.id, name) from error
            raise
        if self.book.purge_protection:
            raise Violation("D5", f"{name} is purged under purge protection", self.book.id, name)
        self._accept([write])
        if name in self._view(("key", name)).keys:
            raise Violation("D5", f"{name} was purged and is still there", self.book.id, name)

    def _deleted_name(self) -> str:
        """One that is deleted, where the first few tries find one."""
        name = self._name()
        for _ in range(4):
            key = self._view(("key", name)).keys.get(name)
            if key is not None and keys.is_deleted(key, self.world.now):
                return name
            name = self._name()
        return name

    # -- rights ---------------------------------------------------------------------------
    def employ(self) -> None:
        """The administrator gives the officer what an officer needs."""
        self._may(ADMIN, "roleAssignments/write/action", "/", True)
        for role in (CRYPTO_USER, CRYPTO_OFFICER):
            held = self.world.roles(self.book, self.visit.region)
            try:
                self._accept([rbac.assign(held, self.world.new_id("officer"), role, OFFICER, "/")])
            except ModelError:
                continue

    def assign(self) -> None:
        random = self.world.random
        self._may(ADMIN, "roleAssignments/write/action", "/", True)
        role = random.choice((CRYPTO_USER, CRYPTO_OFFICER, AUDITOR, *CUSTOM))
        scope = random.choice(("/", "/keys", f"/keys/k{random.randrange(HOT)}"))
        held = self.world.roles(self.book, self.visit.region)
        name = f"a{random.randrange(12)}"
        self._accept([rbac.assign(held, name, role, random.choice(OTHERS), scope)])

    def unassign(self) -> None:
        random = self.world.random
        self._may(ADMIN, "roleAssignments/delete/action", "/", True)
        held = self.world.roles(self.book, self.visit.region)
        names = [name for name in held.role_assignments if name.startswith("a")]
        name = random.choice(names) if names else "a0"
        if random.random() < 0.03:
            name = next((one for one in held.role_assignments if one.startswith("officer")), name)
        self._accept([rbac.unassign(held, name)])

    def define(self) -> None:
        random = self.world.random
        self._may(ADMIN, "roleDefinitions/write/action", "/", True)
        actions = random.sample(
            ("Microsoft.KeyVault/managedHsm/keys/*", "Microsoft.KeyVault/managedHsm/keys/read/action",
             "Microsoft.KeyVault/managedHsm/*/read/action", "Microsoft.KeyVault/managedHsm/keys/create"),
            2,
        )  # fmt: skip
        asked = rbac.RoleRequest("", self.world.new_id("role"), tuple(actions[:1]), tuple(actions[1:]))
        held = self.world.roles(self.book, self.visit.region)
        self._accept([rbac.define(held, random.choice(CUSTOM), "/", asked)])

    def undefine(self) -> None:
        self._may(ADMIN, "roleDefinitions/delete/action", "/", True)
        held = self.world.roles(self.book, self.visit.region)
        self._accept([rbac.undefine(held, self.world.random.choice(CUSTOM), "/")])

    def setting(self) -> None:
        self._may(ADMIN, "settings/write/action", "/", True)
        value = self.world.random.choice(("true", "false"))
        held = self._view((Kind.SETTING.value, SETTING))
        self._accept([settings.change(held, SETTING, value)])

    def read_rights(self) -> None:
        self._may(ADMIN, "roleAssignments/read/action", "/", False)

    def read_setting(self) -> None:
        self._may(ADMIN, "settings/read/action", "/", False)
        settings.setting(self._view((Kind.SETTING.value, SETTING)), SETTING)


WRITES: Mapping[str, int] = {
    "create": 26, "import_key": 2, "update": 24, "delete": 9, "recover": 4, "purge": 5, "restore": 5,
    "restore_all": 1, "set_policy": 2, "rotate": 2, "assign": 8, "unassign": 5, "define": 3, "undefine": 1,
    "setting": 4,
}  # fmt: skip
READS: Mapping[str, int] = {"read": 24, "read_rights": 4, "read_setting": 2, "keep": 4}
