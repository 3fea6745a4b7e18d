"""The one command table. Both doors, the help and its tests read it; operations are named, not
imported, so that a command loads its own file and nothing else."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence

OPS = "azext_mhsmregion.cli.ops"


class Command(NamedTuple):
    """One command. ``operation`` is ``module#function``, ``table`` the name of a function in
    ``cli/tables.py`` or ``cli/tables_regions.py`` (None: Knack's own columns), ``in_az`` whether the
    extension offers it too (az has the others of its own)."""

    operation: str
    table: Optional[str] = None
    in_az: bool = False


COMMANDS: Dict[str, Command] = {
    "keyvault region add": Command(f"{OPS}.region#add", "regions", in_az=True),
    "keyvault region remove": Command(f"{OPS}.region#remove", "regions", in_az=True),
    "keyvault region list": Command(f"{OPS}.region#list_", "regions", in_az=True),
    "keyvault region show": Command(f"{OPS}.region#show", "regions", in_az=True),
    "keyvault region wait": Command(f"{OPS}.region_wait#wait", in_az=True),
    "keyvault region list-locations": Command(f"{OPS}.region#list_locations", "locations", in_az=True),
    "keyvault region cost": Command(f"{OPS}.region#cost", "cost", in_az=True),
    "keyvault region status": Command(f"{OPS}.region_view#status", "region_status", in_az=True),
    "keyvault region route": Command(f"{OPS}.region_view#route", "route", in_az=True),
    "keyvault region watch": Command(f"{OPS}.region_watch#watch", in_az=True),
    "keyvault region drill": Command(f"{OPS}.drill#drill", in_az=True),
    "keyvault create": Command(f"{OPS}.pool#create", "pools"),
    "keyvault show": Command(f"{OPS}.pool#show", "pools"),
    "keyvault list": Command(f"{OPS}.pool#list_", "pools"),
    "keyvault delete": Command(f"{OPS}.pool#delete"),
    "keyvault list-deleted": Command(f"{OPS}.pool#list_deleted", "deleted_pools"),
    "keyvault show-deleted": Command(f"{OPS}.pool#show_deleted", "deleted_pools"),
    "keyvault recover": Command(f"{OPS}.pool#recover", "pools"),
    "keyvault purge": Command(f"{OPS}.pool#purge"),
    "keyvault check-name": Command(f"{OPS}.pool#check_name"),
    "keyvault update-hsm": Command(f"{OPS}.pool#update", "pools"),
    "keyvault security-domain download": Command(f"{OPS}.security_domain#download"),
    "keyvault key create": Command(f"{OPS}.key#create", "keys"),
    "keyvault key show": Command(f"{OPS}.key#show", "keys"),
    "keyvault key list": Command(f"{OPS}.key#list_", "keys"),
    "keyvault key delete": Command(f"{OPS}.key#delete", "keys"),
    "keyvault key sign": Command(f"{OPS}.key#sign"),
    "keyvault key verify": Command(f"{OPS}.key#verify"),
    "keyvault role assignment create": Command(f"{OPS}.role#create_assignment", "assignments"),
    "keyvault role assignment list": Command(f"{OPS}.role#list_assignments", "assignments"),
    "keyvault role assignment delete": Command(f"{OPS}.role#delete_assignment"),
    "keyvault emulator start": Command(f"{OPS}.emulator#start"),
    "keyvault emulator stop": Command(f"{OPS}.emulator#stop"),
    "keyvault emulator env": Command(f"{OPS}.emulator#env"),
    "keyvault emulator trust": Command(f"{OPS}.emulator_trust#trust"),
    "keyvault emulator restart": Command(f"{OPS}.emulator#restart"),
    "keyvault emulator status": Command(f"{OPS}.emulator_state#status"),
    "keyvault emulator logs": Command(f"{OPS}.emulator_state#logs"),
    "keyvault emulator seed": Command(f"{OPS}.emulator_state#seed"),
    "keyvault emulator reset": Command(f"{OPS}.emulator_state#reset"),
    "keyvault emulator settings": Command(f"{OPS}.emulator_state#settings"),
    "keyvault emulator export": Command(f"{OPS}.emulator_state#export"),
    "keyvault emulator import": Command(f"{OPS}.emulator_state#import_"),
    "keyvault emulator snapshot create": Command(f"{OPS}.emulator_state#snapshot_create"),
    "keyvault emulator snapshot list": Command(f"{OPS}.emulator_state#snapshot_list"),
    "keyvault emulator snapshot restore": Command(f"{OPS}.emulator_state#snapshot_restore"),
    "keyvault emulator snapshot delete": Command(f"{OPS}.emulator_state#snapshot_delete"),
    "keyvault emulator clock show": Command(f"{OPS}.emulator_state#clock_show"),
    "keyvault emulator clock advance": Command(f"{OPS}.emulator_state#clock_advance"),
    "keyvault emulator clock set": Command(f"{OPS}.emulator_state#clock_set"),
    "keyvault emulator clock scale": Command(f"{OPS}.emulator_state#clock_scale"),
    "keyvault emulator fault inject": Command(f"{OPS}.fault#inject", "faults"),
    "keyvault emulator fault list": Command(f"{OPS}.fault#list_", "faults"),
    "keyvault emulator fault clear": Command(f"{OPS}.fault#clear", "faults"),
    "keyvault emulator events": Command(f"{OPS}.happenings#events", "events"),
    "keyvault emulator metrics": Command(f"{OPS}.happenings#metrics"),
}


def groups(names: Sequence[str]) -> List[str]:
    """Every group that the commands ``names`` live in, outer ones first."""
    found: Dict[str, None] = {}
    for name in names:
        words = name.split()
        for length in range(1, len(words)):
            found[" ".join(words[:length])] = None
    return list(found)


def typed(arguments: Sequence[str]) -> Optional[str]:
    """The command that ``arguments`` begin with, None when they name none in full."""
    words: List[str] = []
    for word in arguments:
        if word.startswith("-"):
            break
        words.append(word)
        if " ".join(words) in COMMANDS:
            return " ".join(words)
    return None


def table_transformer(name: Optional[str]):
    """A table view that loads its code when a table is printed."""
    if name is None:
        return None

    def view(result):
        from azext_mhsmregion.cli import tables, tables_regions

        return (getattr(tables, name, None) or getattr(tables_regions, name))(result)

    return view
