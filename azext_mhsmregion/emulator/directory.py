"""Who exists: the tenant, the subscription, the principals and the groups of one home.

The directory is the file ``<home>/directory.json`` (``directory_text``), made with defaults on first
use and the user's to edit from then on; a running server sees what was edited (``directory_file``).
A directory says who somebody is, never what he may do: rights are local RBAC's (rule K3).
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Tuple, Union

from azext_mhsmregion.emulator.files import create_private

FILE_NAME = "directory.json"
USER = "user"
SERVICE_PRINCIPAL = "servicePrincipal"
GROUP = "group"
OWNER = "owner"
APP = "emulator-app"
OTHER = "other"
DOMAIN = "mhsmregion.onmicrosoft.com"


class DirectoryError(Exception):
    """The directory file cannot be used: which file, which field, what is wrong with it."""

    def __init__(self, path: Path, field: str, problem: str) -> None:
        super().__init__(f"{path}: {field}: {problem}")
        self.path = path
        self.field = field
        self.problem = problem


class Principal(NamedTuple):
    """A user with the password, or a service principal with its application id, secret and
    certificates (PEM)."""

    object_id: str
    name: str
    kind: str
    app_id: Optional[str] = None
    secret: Optional[str] = None
    password: Optional[str] = None
    certificates: Tuple[str, ...] = ()

    @property
    def user_principal_name(self) -> str:
        """The sign-in name: ``owner`` is ``owner@mhsmregion.onmicrosoft.com``."""
        return self.name if "@" in self.name else f"{self.name}@{DOMAIN}"


class Group(NamedTuple):
    """A group; ``members`` are object ids of principals and of other groups."""

    object_id: str
    name: str
    members: Tuple[str, ...] = ()
    kind: str = GROUP


Entry = Union[Principal, Group]
"""Whatever has an object id."""


class Directory(NamedTuple):
    """The principals and groups of one home. Ids are compared without regard to case, names with."""

    tenant_id: str
    subscription_id: str
    principals: Tuple[Principal, ...]
    groups: Tuple[Group, ...] = ()

    @property
    def owner(self) -> Principal:
        """The home's owner, in whose name commands in process act."""
        return next(p for p in self.principals if p.name == OWNER)

    @property
    def app(self) -> Optional[Principal]:
        """The service principal that ``emulator env`` hands to clients; None when the user
        has taken every service principal out."""
        found = [p for p in self.principals if p.kind == SERVICE_PRINCIPAL]
        return next((p for p in found if p.name == APP), found[0] if found else None)

    def by_name(self, name: str) -> Optional[Principal]:
        return next((p for p in self.principals if p.name == name), None)

    def by_object_id(self, object_id: str) -> Optional[Principal]:
        return next((p for p in self.principals if p.object_id == object_id.lower()), None)

    def by_app_id(self, app_id: str) -> Optional[Principal]:
        return next((p for p in self.principals if p.app_id == app_id.lower()), None)

    def by_user_principal_name(self, name: str) -> Optional[Principal]:
        users = (p for p in self.principals if p.kind == USER)
        return next((p for p in users if p.user_principal_name.lower() == name.lower()), None)

    def find(self, name: str) -> Optional[Entry]:
        """A principal by its name, sign-in name, application id or object id, or a group."""
        return self.principal(name) or self.group(name)

    def principal(self, name: str) -> Optional[Principal]:
        """A principal by its name, sign-in name, application id or object id."""
        looks = (self.by_name, self.by_user_principal_name, self.by_app_id, self.by_object_id)
        return next((found for look in looks for found in [look(name)] if found is not None), None)

    def group(self, name: str) -> Optional[Group]:
        """A group by its name or object id."""
        wanted = (name, name.lower())
        return next((g for g in self.groups if g.name == wanted[0] or g.object_id == wanted[1]), None)

    def entry(self, object_id: str) -> Optional[Entry]:
        """The principal or group with an object id."""
        found = self.by_object_id(object_id)
        wanted = object_id.lower()
        return found or next((group for group in self.groups if group.object_id == wanted), None)

    def groups_with(self, object_id: str) -> List[Group]:
        """The groups of which it is a member itself."""
        return [group for group in self.groups if object_id.lower() in group.members]

    def groups_of(self, object_id: str) -> List[Group]:
        """The groups that it belongs to, by others too, nearest first; groups may hold each other."""
        found: List[Group] = []
        waiting = [object_id]
        while waiting:
            new = [group for group in self.groups_with(waiting.pop(0)) if group not in found]
            found += new
            waiting += [group.object_id for group in new]
        return found

    def ids_of(self, principal: Principal) -> Tuple[str, ...]:
        """Its object id and those of its groups: whose rights it has."""
        return (principal.object_id, *(group.object_id for group in self.groups_of(principal.object_id)))

    @staticmethod
    def load(home: Path, new_id: Callable[[], str], new_secret: Callable[[], str]) -> Directory:
        """The directory of ``home``, written with defaults where there is none. Raises
        :class:`DirectoryError` for a malformed file, OSError for one that cannot be read or made."""
        from azext_mhsmregion.emulator import directory_text

        path = home / FILE_NAME
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            made = directory_text.written(directory_text.defaults(new_id, new_secret))
            data = create_private(path, made, "directory.json")
        return directory_text.parsed(path, data)
