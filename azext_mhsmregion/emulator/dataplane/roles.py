"""Role definitions, built in and custom, and role assignments on the wire (rule K3)."""

from __future__ import annotations

from typing import Any, List, Mapping

from azext_mhsmregion.emulator import acceptance, objects, parse
from azext_mhsmregion.emulator.dataplane import bodies
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import rbac
from azext_mhsmregion.model.errors import Invalid, NotFound
from azext_mhsmregion.model.rbac import RoleRequest

DEFINITIONS = "/{scope:path}/providers/Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "/{scope:path}/providers/Microsoft.Authorization/roleAssignments"


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", DEFINITIONS)(list_definitions)
    router.add("GET", DEFINITIONS + "/{name}")(get_definition)
    router.add("PUT", DEFINITIONS + "/{name}")(put_definition)
    router.add("DELETE", DEFINITIONS + "/{name}")(delete_definition)
    router.add("GET", ASSIGNMENTS)(list_assignments)
    router.add("GET", ASSIGNMENTS + "/{name}")(get_assignment)
    router.add("PUT", ASSIGNMENTS + "/{name}")(create_assignment)
    router.add("DELETE", ASSIGNMENTS + "/{name}")(delete_assignment)


def list_definitions(visit: Visit, scope: str) -> Response:
    scope = rbac.check_scope(scope)
    with visit.reading("roleDefinitions/read/action", scope) as (unit, pool):
        shown = [bodies.role_body(role) for role in rbac.roles(objects.rights(unit, pool, visit.region))]
    return json_response(200, {"value": shown})


def get_definition(visit: Visit, scope: str, name: str) -> Response:
    scope = rbac.check_scope(scope)
    with visit.reading("roleDefinitions/read/action", scope) as (unit, pool):
        role = rbac.role(objects.rights(unit, pool, visit.region), name)
    if role is None:
        raise NotFound(f"The role definition '{name}' does not exist.", "RoleDefinitionNotFound")
    return json_response(200, bodies.role_body(role))


def put_definition(visit: Visit, scope: str, name: str) -> Response:
    """Create or change a custom role: 201 for both (azure-keyvault-administration 4.7.2 knows no other)."""
    scope = rbac.check_scope(scope)
    with visit.writing("role", "roleDefinitions/write/action", scope) as (unit, pool):
        asked = _role_request(parse.body(visit.ask.request))
        write = rbac.define(objects.rights(unit, pool, visit.region), name, scope, asked)
        pool = acceptance.accept(unit, pool, visit.region, [write])
        role = rbac.role(objects.rights(unit, pool, visit.region), name)
    assert role is not None
    return json_response(201, bodies.role_body(role))


def delete_definition(visit: Visit, scope: str, name: str) -> Response:
    scope = rbac.check_scope(scope)
    with visit.writing("role", "roleDefinitions/delete/action", scope) as (unit, pool):
        held = objects.rights(unit, pool, visit.region)
        write, role = rbac.undefine(held, name, scope), rbac.role(held, name)
        acceptance.accept(unit, pool, visit.region, [write])
    assert role is not None
    return json_response(200, bodies.role_body(role))


def list_assignments(visit: Visit, scope: str) -> Response:
    """All assignments, whatever the scope in the path (recorded: clients sort them out)."""
    scope = rbac.check_scope(scope)
    with visit.reading("roleAssignments/read/action", scope) as (unit, pool):
        held = objects.rights(unit, pool, visit.region).role_assignments
        shown = [bodies.assignment_body(name, body) for name, body in held.items()]
    return json_response(200, {"value": shown})


def get_assignment(visit: Visit, scope: str, name: str) -> Response:
    scope = rbac.check_scope(scope)
    with visit.reading("roleAssignments/read/action", scope) as (unit, pool):
        body = rbac.assignment(objects.rights(unit, pool, visit.region), name)
    return json_response(200, bodies.assignment_body(name.lower(), body))


def create_assignment(visit: Visit, scope: str, name: str) -> Response:
    scope = rbac.check_scope(scope)
    properties = parse.required(parse.body(visit.ask.request), "properties", dict)
    role_id = parse.required(properties, "roleDefinitionId", str)
    principal = parse.required(properties, "principalId", str)
    with visit.writing("role", "roleAssignments/write/action", scope) as (unit, pool):
        write = rbac.assign(objects.rights(unit, pool, visit.region), name, role_id, principal, scope)
        acceptance.accept(unit, pool, visit.region, [write])
    return json_response(201, bodies.assignment_body(write.name, write.body))


def delete_assignment(visit: Visit, scope: str, name: str) -> Response:
    scope = rbac.check_scope(scope)
    with visit.writing("role", "roleAssignments/delete/action", scope) as (unit, pool):
        write = rbac.unassign(objects.rights(unit, pool, visit.region), name)
        acceptance.accept(unit, pool, visit.region, [write])
    return json_response(200, bodies.assignment_body(write.name, write.body))


def _role_request(body: Mapping[str, Any]) -> RoleRequest:
    properties: Mapping[str, Any] = parse.required(body, "properties", dict)
    permissions: List[Any] = parse.optional(properties, "permissions", list) or []
    if len(permissions) > 1 or not all(isinstance(one, dict) for one in permissions):
        raise Invalid("'permissions' must be an array of one object.", "BadParameter")
    permission: Mapping[str, Any] = permissions[0] if permissions else {}
    if parse.strings(permission, "actions") or parse.strings(permission, "notActions"):
        raise Invalid("A managed HSM has data actions only; 'actions' must be empty.", "BadParameter")
    if parse.optional(properties, "type", str) not in (None, "CustomRole"):
        raise Invalid("'type' of a role definition that you make is CustomRole.", "BadParameter")
    return RoleRequest(
        name=parse.optional(properties, "roleName", str) or "",
        description=parse.optional(properties, "description", str) or "",
        data_actions=tuple(parse.strings(permission, "dataActions")),
        not_data_actions=tuple(parse.strings(permission, "notDataActions")),
        assignable_scopes=tuple(parse.strings(properties, "assignableScopes")) or ("/",),
    )
