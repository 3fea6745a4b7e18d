"""The arguments of every command: az's names and shapes. An argument that is not listed here has
the option made of its function's parameter."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict

from knack.arguments import enum_choice_list

from azext_mhsmregion.cli import completers

Settings = Dict[str, Any]

KEY_TYPES = ["RSA", "RSA-HSM", "EC", "EC-HSM", "oct", "oct-HSM"]
CURVES = ["P-256", "P-256K", "P-384", "P-521"]
OPERATIONS = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export"]
SIGNATURE_ALGORITHMS = [
    "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "ES256K",
    "HS256", "HS384", "HS512",
]  # fmt: skip
PRINCIPAL_TYPES = ["User", "Group", "ServicePrincipal"]


def flag(help_text: str, *options: str) -> Settings:
    """An option without a value."""
    settings: Settings = {"action": "store_true", "help": help_text}
    return {**settings, "options_list": list(options)} if options else settings


def _boolean(text: str) -> bool:
    values = {"true": True, "yes": True, "false": False, "no": False}
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


def _three_state(help_text: str, *options: str) -> Settings:
    settings: Settings = {
        "nargs": "?",
        "const": True,
        "type": _boolean,
        "metavar": "{false,true}",
        "help": help_text,
    }
    return {**settings, "options_list": list(options)} if options else settings


def positive(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number <= 0:
        raise ValueError(text)
    return number


def not_negative(text: str) -> int:
    """A whole number from zero on; a wait of no seconds looks once."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def utc_seconds(text: str) -> int:
    """``2030-01-31T12:00:00Z`` or a part of it, as seconds since 1970."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%HZ", "%Y-%m-%dZ"):
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp())
        except ValueError:
            continue
    raise ValueError(f"'{text}' is not of the form Y-m-d'T'H:M:S'Z'")


def tags_as_mapping(namespace: Any) -> None:
    """``a=1 b`` becomes ``{"a": "1", "b": ""}``; a single empty text clears all tags."""
    if isinstance(namespace.tags, list):
        pairs = [text.partition("=") for text in namespace.tags if text]
        namespace.tags = {name: value for name, _, value in pairs}


GROUP: Settings = {
    "options_list": ["--resource-group", "-g"],
    "help": "Resource group. Not needed: a pool is found by its name.",
}
CREATE_GROUP: Settings = {**GROUP, "help": "Resource group to create the pool in. Without it: default."}
POOL: Settings = {
    "options_list": ["--hsm-name"],
    "help": "Name of the managed HSM pool.",
    "completer": completers.pools,
}
POOL_SHORT: Settings = {**POOL, "options_list": ["--hsm-name", "--name", "-n"]}
DELETED_POOL: Settings = {**POOL_SHORT, "help": "Name of the deleted pool.", "completer": None}
REGION: Settings = {
    "options_list": ["--region-name", "--region", "-r"],
    "help": "The region's name, such as australiaeast.",
    "completer": completers.regions,
}
NO_WAIT = flag("Do not wait for the operation to finish.", "--no-wait")
DRY_RUN = flag("Print what would be sent and the change to the bill; change nothing.", "--dry-run")
YES = flag(
    "Do not ask; and remove even when acknowledged writes that no other region has would be lost.",
    "--yes",
    "-y",
)
TAGS: Settings = {
    "nargs": "*",
    "help": "Space-separated tags: key[=value] [key[=value] ...]. Use '' to clear existing tags.",
    "validator": tags_as_mapping,
}
LOCATION: Settings = {"options_list": ["--location", "-l"], "help": "Region of the deleted pool."}
RESOURCE_TYPE: Settings = {**enum_choice_list(["hsm"]), "help": "Type of resource; hsm is the only one."}
PURGE_PROTECTION = "Nobody can purge the pool before its retention ends. Cannot be undone."
KEY_NAME: Settings = {"options_list": ["--name", "-n"], "help": "Name of the key."}
KEY_POOL: Settings = {**POOL, "help": "Name of the pool. Can be omitted if --id is given."}
KEY_VERSION: Settings = {
    "options_list": ["--version", "-v"],
    "help": "The key's version. If omitted, the latest.",
}
KEY_ID: Settings = {"options_list": ["--id"], "help": "Id of the key, instead of pool, name and version."}
KEY: Dict[str, Settings] = {"hsm_name": KEY_POOL, "name": KEY_NAME, "identifier": KEY_ID}
KEY_OF_VERSION: Dict[str, Settings] = {**KEY, "version": KEY_VERSION}
ALGORITHM: Settings = {
    **enum_choice_list(SIGNATURE_ALGORITHMS),
    "options_list": ["--algorithm", "-a"],
    "help": "Algorithm identifier.",
}
DIGEST: Settings = {"help": "The digest, base64 encoded."}
ROLE: Settings = {"help": "Role name or id, such as 'Managed HSM Crypto User'."}
SCOPE: Settings = {"help": 'Scope of the assignment: "/", "/keys" or "/keys/{keyname}". Default: all.'}
ASSIGNEE: Settings = {"help": "Object id of a user, group or service principal, or its name."}
ASSIGNEE_ID: Settings = {"help": "Object id; nothing is looked up."}
REGION_OF_POOL: Dict[str, Settings] = {"name": POOL, "region_name": REGION, "resource_group_name": GROUP}

PARAMETERS: Dict[str, Dict[str, Settings]] = {
    "keyvault region add": {**REGION_OF_POOL, "no_wait": NO_WAIT, "dry_run": DRY_RUN},
    "keyvault region remove": {**REGION_OF_POOL, "no_wait": NO_WAIT, "dry_run": DRY_RUN, "yes": YES},
    "keyvault region list": {"name": POOL, "resource_group_name": GROUP},
    "keyvault region show": REGION_OF_POOL,
    "keyvault region wait": {
        **REGION_OF_POOL,
        "region_name": {**REGION, "help": "The region to wait for. Without it: the pool as a whole."},
        "created": flag("Wait until provisioningState is Succeeded; may not exist yet."),
        "updated": flag("Wait until provisioningState is Succeeded; must exist."),
        "deleted": flag("Wait until it is gone."),
        "exists": flag("Wait until it exists, whatever its state."),
        "custom": {"metavar": "JMESPATH", "help": "Wait until the expression is true of it."},
        "replicated": flag("Wait until all regions of the pool agree."),
        "key": {"help": "With --replicated: until they agree on this key."},
        "interval": {"type": positive, "help": "Seconds between looks. Default: 30; 1 with the emulator."},
        "timeout": {"type": not_negative, "help": "Give up after this many seconds; 0 looks once."},
    },
    "keyvault region list-locations": {
        "name": {**POOL, "help": "Say it for this pool: its own regions cannot be extended to."}
    },
    "keyvault region cost": {"name": {**POOL, "help": "Only this pool."}},
    "keyvault create": {
        "hsm_name": POOL_SHORT,
        "resource_group_name": CREATE_GROUP,
        "location": {"options_list": ["--location", "-l"], "help": "The primary region."},
        "administrators": {"nargs": "+", "help": "Object ids of the administrators. Default: you."},
        "retention_days": {"type": int, "help": "Days that a deleted pool is kept, 7 to 90. Default: 90."},
        "enable_purge_protection": _three_state(PURGE_PROTECTION),
        "sku": {"help": "SKU of the pool. Default: Standard_B1."},
        "tags": TAGS,
        "no_wait": NO_WAIT,
    },
    "keyvault show": {"hsm_name": POOL_SHORT, "resource_group_name": GROUP},
    "keyvault list": {
        "resource_group_name": {**GROUP, "help": "Only the pools of this resource group."},
        "resource_type": RESOURCE_TYPE,
    },
    "keyvault delete": {"hsm_name": POOL_SHORT, "resource_group_name": GROUP, "no_wait": NO_WAIT},
    "keyvault list-deleted": {"resource_type": RESOURCE_TYPE},
    "keyvault show-deleted": {"hsm_name": DELETED_POOL, "location": LOCATION},
    "keyvault recover": {
        "hsm_name": DELETED_POOL,
        "location": LOCATION,
        "resource_group_name": GROUP,
        "no_wait": NO_WAIT,
    },
    "keyvault purge": {"hsm_name": DELETED_POOL, "location": LOCATION, "no_wait": NO_WAIT},
    "keyvault check-name": {
        "name": {"options_list": ["--name", "-n"], "help": "The name to check."},
        "resource_type": RESOURCE_TYPE,
    },
    "keyvault update-hsm": {
        "hsm_name": POOL_SHORT,
        "resource_group_name": GROUP,
        "enable_purge_protection": _three_state(PURGE_PROTECTION, "--enable-purge-protection", "-e"),
        "public_network_access": {
            **enum_choice_list(["Enabled", "Disabled"]),
            "help": "Data plane traffic from public networks.",
        },
        "bypass": {**enum_choice_list(["AzureServices", "None"]), "help": "What passes the firewall."},
        "default_action": {
            **enum_choice_list(["Allow", "Deny"]),
            "help": "What happens to traffic that no rule matches.",
        },
        "tags": TAGS,
        "no_wait": NO_WAIT,
    },
    "keyvault security-domain download": {
        "hsm_name": POOL,
        "sd_wrapping_keys": {"nargs": "*", "help": "Files of PEM certificates (RSA)."},
        "sd_quorum": {"type": int, "help": "How many of the private keys are needed to recover."},
        "security_domain_file": {"help": "File to write; it must not exist."},
        "no_wait": flag("Do not wait for the activation.", "--no-wait"),
    },
    "keyvault key create": {
        **KEY,
        "kty": {**enum_choice_list(KEY_TYPES), "help": "Type of key. Default: RSA-HSM."},
        "protection": {
            **enum_choice_list(["hsm"]),
            "options_list": ["--protection", "-p"],
            "help": "Keys of a managed HSM are always protected by it.",
        },
        "key_size": {
            "options_list": ["--size"],
            "type": int,
            "help": "Size in bits: 2048, 3072 or 4096 for RSA; 128, 192 or 256 for oct.",
        },
        "curve": {**enum_choice_list(CURVES), "help": "Curve of an EC key."},
        "key_ops": {
            **enum_choice_list(OPERATIONS),
            "options_list": ["--ops"],
            "nargs": "*",
            "help": "Space-separated list of permitted operations.",
        },
        "disabled": _three_state("Create the key disabled."),
        "expires": {"type": utc_seconds, "help": "Expiration UTC time (Y-m-d'T'H:M:S'Z')."},
        "not_before": {"type": utc_seconds, "help": "Not usable before this UTC time (Y-m-d'T'H:M:S'Z')."},
        "exportable": _three_state("Whether the private key can be exported under a release policy."),
        "tags": TAGS,
    },
    "keyvault key show": KEY_OF_VERSION,
    "keyvault key list": {
        "hsm_name": KEY_POOL,
        "identifier": {"options_list": ["--id"], "help": "URL of the pool, instead of its name."},
        "maxresults": {"type": int, "help": "Maximum number of results to return."},
    },
    "keyvault key delete": KEY,
    "keyvault key sign": {**KEY_OF_VERSION, "algorithm": ALGORITHM, "digest": DIGEST},
    "keyvault key verify": {
        **KEY_OF_VERSION,
        "algorithm": ALGORITHM,
        "digest": DIGEST,
        "signature": {"help": "The signature, base64 encoded."},
    },
    "keyvault role assignment create": {
        "hsm_name": POOL,
        "role": ROLE,
        "scope": SCOPE,
        "assignee": ASSIGNEE,
        "assignee_object_id": ASSIGNEE_ID,
        "assignee_principal_type": {
            **enum_choice_list(PRINCIPAL_TYPES),
            "options_list": ["--assignee-principal-type", "-t"],
            "help": "Type of the assignee; taken for az's sake.",
        },
        "role_assignment_name": {"options_list": ["--name", "-n"], "help": "A GUID. Default: a new one."},
    },
    "keyvault role assignment list": {
        "hsm_name": POOL,
        "role": ROLE,
        "scope": SCOPE,
        "assignee": ASSIGNEE,
        "assignee_object_id": ASSIGNEE_ID,
    },
    "keyvault role assignment delete": {
        "hsm_name": POOL,
        "role_assignment_name": {"options_list": ["--name", "-n"], "help": "Name of the assignment."},
        "ids": {"nargs": "+", "help": "Space-separated ids of assignments."},
        "role": ROLE,
        "scope": SCOPE,
        "assignee": ASSIGNEE,
        "assignee_object_id": ASSIGNEE_ID,
    },
}


def register(argument: Any, command: str) -> None:
    """Tell ``argument`` of the command's arguments: a Knack or az argument context's methods, by
    whether ``positional`` is among the settings."""
    parameters = PARAMETERS.get(command)
    if parameters is None:
        from azext_mhsmregion.cli import params_drill, params_emulator, params_faults

        others = (params_emulator, params_faults, params_drill)
        parameters = next((one.PARAMETERS[command] for one in others if command in one.PARAMETERS), None)
    for dest, settings in (parameters or {}).items():
        argument(dest, **settings)
