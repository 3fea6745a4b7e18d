"""What the help says: a text for every group and command, with examples. ``{p}`` stands for the
program: ``mhsm`` or ``az``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

from azext_mhsmregion.cli import help_drill, help_emulator, help_faults
from azext_mhsmregion.model.activation import MINIMUM_QUORUM, MINIMUM_WRAPPING_KEYS

SUMMARY = "Managed HSM regions: extend a pool to another region, list its regions, remove one."
STANCE = """Talks to the local emulator unless told otherwise: no Azure account is needed, and an
emulator is not an HSM. --provider arm talks to real Azure."""
WELCOME = f"\n{SUMMARY}\n\n{STANCE}\n"

# Knack keeps line breaks within its width.
COMPLETION = """Completion on TAB, in bash (in ~/.bashrc):
  eval "$(register-python-argcomplete mhsm)"
In zsh (in ~/.zshrc), the line before it:
  autoload -U bashcompinit && bashcompinit
In fish:
  register-python-argcomplete --shell fish mhsm | source
It offers commands and options, the emulator's pools after --hsm-name, and after --region
the regions that the pool has or, for `region add`, can be extended to."""

EXIT_CODES = "Exit codes: 0 success, 1 error, 2 wrong usage, 3 not found."


@dataclass(frozen=True)
class Text:
    """Help of one group or command. ``examples`` are pairs of what it does and how."""

    summary: str
    examples: Tuple[Tuple[str, str], ...]
    detail: str = ""


GROUPS: Dict[str, Text] = {
    "": Text(
        SUMMARY,
        (
            (
                "Extend a pool to Australia East.",
                "{p} keyvault region add --hsm-name ContosoMHSM --region australiaeast",
            ),
            (
                "On real Azure.",
                "{p} keyvault region list --hsm-name ContosoMHSM --provider arm",
            ),
        ),
        detail=f"{STANCE}\n\n{EXIT_CODES}\n\n{COMPLETION}",
    ),
    "keyvault": Text(
        "Managed HSM pools, their regions and keys.",
        (
            ("Create a pool.", "{p} keyvault create --hsm-name ContosoMHSM --location uksouth"),
            (
                "Extend it to another region.",
                "{p} keyvault region add --hsm-name ContosoMHSM --region australiaeast",
            ),
        ),
    ),
    "keyvault region": Text(
        "Manage the regions of a managed HSM pool (multi-region replication).",
        (
            (
                "Extend a pool to Australia East.",
                "{p} keyvault region add --hsm-name ContosoMHSM --region australiaeast",
            ),
            ("See its regions.", "{p} keyvault region list --hsm-name ContosoMHSM --output table"),
            (
                "Remove the region again.",
                "{p} keyvault region remove --hsm-name ContosoMHSM --region australiaeast",
            ),
        ),
        detail="A write may take up to six minutes to reach the other region. An extended region is "
        "billed like another pool.",
    ),
    "keyvault security-domain": Text(
        "A pool's security domain.",
        (
            (
                "Activate a pool.",
                "{p} keyvault security-domain download --hsm-name ContosoMHSM --sd-wrapping-keys 1.cer "
                "2.cer 3.cer --sd-quorum 2 --security-domain-file ContosoMHSM-SD.json",
            ),
        ),
    ),
    "keyvault key": Text(
        "Keys of a pool.",
        (("List the keys.", "{p} keyvault key list --hsm-name ContosoMHSM"),),
    ),
    "keyvault role": Text(
        "A pool's local RBAC.",
        (("List who may do what.", "{p} keyvault role assignment list --hsm-name ContosoMHSM"),),
    ),
    "keyvault role assignment": Text(
        "Role assignments: who may do what with a pool's keys.",
        (
            (
                "Let somebody use the keys.",
                "{p} keyvault role assignment create --hsm-name ContosoMHSM --role 'Managed HSM Crypto User' "
                "--assignee 00000000-0000-0000-0000-000000000001 --scope /keys",
            ),
        ),
        detail="A pool's administrators can assign roles, but cannot create or use keys until they "
        "assign themselves a role that can.",
    ),
    "keyvault emulator": Text(
        "The local emulator's server. The commands of mhsm need none; az, SDKs and curl do.",
        (
            ("Start it.", "{p} keyvault emulator start"),
            ("Point this shell at it.", 'eval "$({p} keyvault emulator env)"'),
        ),
    ),
}

COMMANDS: Dict[str, Text] = {
    "keyvault region add": Text(
        "Extend a managed HSM pool to another region.",
        (
            (
                "Extend a pool to Australia East and wait for it.",
                "{p} keyvault region add --hsm-name ContosoMHSM --region australiaeast",
            ),
            (
                "See what it would send and cost, without doing it.",
                "{p} keyvault region add --hsm-name ContosoMHSM --region australiaeast --dry-run",
            ),
            (
                "Begin, and wait later.",
                "{p} keyvault region add --hsm-name ContosoMHSM --region australiaeast --no-wait\n"
                "{p} keyvault region wait --hsm-name ContosoMHSM --region australiaeast --created",
            ),
        ),
        detail="Prints the pool's regions when it is done. It may take up to 30 minutes. Ctrl-C stops the "
        "waiting, not the operation. Adding a region that is there already changes nothing.",
    ),
    "keyvault region remove": Text(
        "Remove an extended region from a managed HSM pool.",
        (
            (
                "Remove Australia East.",
                "{p} keyvault region remove --hsm-name ContosoMHSM --region australiaeast",
            ),
            (
                "Without being asked, in a script.",
                "{p} keyvault region remove --hsm-name ContosoMHSM --region australiaeast --yes",
            ),
        ),
        detail="The HSM in that region is purged at once, not soft-deleted, and its billing ends. The "
        "primary region cannot be removed: delete and purge the pool instead.",
    ),
    "keyvault region list": Text(
        "List the regions of a managed HSM pool, the primary first.",
        (
            ("List them.", "{p} keyvault region list --hsm-name ContosoMHSM"),
            (
                "Only the names of the extended ones.",
                '{p} keyvault region list --hsm-name ContosoMHSM --query "[?!isPrimary].name" --output tsv',
            ),
        ),
    ),
    "keyvault region show": Text(
        "Show one region of a managed HSM pool.",
        (
            (
                "Is Australia East there, and in which state?",
                "{p} keyvault region show --hsm-name ContosoMHSM --region australiaeast",
            ),
        ),
        detail="Ends with exit code 3 when the pool has no such region.",
    ),
    "keyvault region wait": Text(
        "Wait until a region, or the pool as a whole, is in a state.",
        (
            (
                "Until Australia East is there.",
                "{p} keyvault region wait --hsm-name ContosoMHSM --region australiaeast --created",
            ),
            (
                "Until both regions agree, at most ten minutes.",
                "{p} keyvault region wait --hsm-name ContosoMHSM --replicated --timeout 600",
            ),
            ("Until the pool is updated.", "{p} keyvault region wait --hsm-name ContosoMHSM --updated"),
        ),
        detail="A region in Failed ends --created, --updated and --custom with exit code 1. Real Azure "
        "cannot be asked whether its regions agree: they are asked one by one until they answer alike, at "
        "most for the six minutes after which the service guarantees it.",
    ),
    "keyvault region list-locations": Text(
        "List the regions that a pool can be extended to, and why not to the others.",
        (
            ("All regions.", "{p} keyvault region list-locations --output table"),
            (
                "Where can this pool go?",
                '{p} keyvault region list-locations --hsm-name ContosoMHSM --query "[?canBeExtended].name"',
            ),
        ),
        detail="With provider arm this is as documented, not asked of Azure.",
    ),
    "keyvault region cost": Text(
        "Show hours and price by pool and region, and what one more region adds.",
        (("Of one pool.", "{p} keyvault region cost --hsm-name ContosoMHSM --output table"),),
    ),
    "keyvault create": Text(
        "Create a managed HSM pool.",
        (
            (
                "Create one in UK South, with yourself as administrator.",
                "{p} keyvault create --hsm-name ContosoMHSM --location uksouth --retention-days 7",
            ),
        ),
        detail="A new pool must be activated by downloading its security domain.",
    ),
    "keyvault show": Text(
        "Show a managed HSM pool.",
        (("Show one.", "{p} keyvault show --hsm-name ContosoMHSM"),),
    ),
    "keyvault list": Text(
        "List the managed HSM pools.",
        (("All of them, as a table.", "{p} keyvault list --output table"),),
    ),
    "keyvault delete": Text(
        "Soft-delete a managed HSM pool.",
        (("Delete one.", "{p} keyvault delete --hsm-name ContosoMHSM"),),
        detail="Remove its extended regions first. It is billed until it is purged.",
    ),
    "keyvault list-deleted": Text(
        "List the soft-deleted pools.",
        (("All of them.", "{p} keyvault list-deleted"),),
    ),
    "keyvault show-deleted": Text(
        "Show a soft-deleted pool.",
        (("Show one.", "{p} keyvault show-deleted --hsm-name ContosoMHSM --location uksouth"),),
    ),
    "keyvault recover": Text(
        "Recover a soft-deleted pool, with everything in it.",
        (("Recover one.", "{p} keyvault recover --hsm-name ContosoMHSM --location uksouth"),),
    ),
    "keyvault purge": Text(
        "Purge a soft-deleted pool for good.",
        (("Purge one.", "{p} keyvault purge --hsm-name ContosoMHSM --location uksouth"),),
    ),
    "keyvault check-name": Text(
        "Check that a name is valid and not taken.",
        (("Check one.", "{p} keyvault check-name --name ContosoMHSM"),),
    ),
    "keyvault update-hsm": Text(
        "Change properties of a managed HSM pool.",
        (
            (
                "Switch purge protection on, for ever.",
                "{p} keyvault update-hsm --hsm-name ContosoMHSM --enable-purge-protection true",
            ),
        ),
    ),
    "keyvault security-domain download": Text(
        "Download a pool's security domain, which activates the pool.",
        (
            (
                "With three wrapping keys, two of which recover it.",
                "{p} keyvault security-domain download --hsm-name ContosoMHSM --sd-wrapping-keys 1.cer "
                "2.cer 3.cer --sd-quorum 2 --security-domain-file ContosoMHSM-SD.json",
            ),
        ),
        detail=f"Takes {MINIMUM_WRAPPING_KEYS} wrapping keys or more and a quorum of {MINIMUM_QUORUM} or "
        "more. Each wrapping key is an RSA certificate; keep its private key offline. The file is made "
        "for you alone and never overwrites another.",
    ),
    "keyvault key create": Text(
        "Create a key.",
        (
            (
                "An RSA key of 3072 bits.",
                "{p} keyvault key create --hsm-name ContosoMHSM --name mykey --kty RSA-HSM --size 3072",
            ),
            (
                "An EC key that only signs.",
                "{p} keyvault key create --hsm-name ContosoMHSM --name mykey --kty EC-HSM --curve P-256 "
                "--ops sign verify",
            ),
        ),
    ),
    "keyvault key show": Text(
        "Show a key's public part and attributes.",
        (
            (
                "As a client standing in Australia East sees it.",
                "{p} keyvault key show --hsm-name ContosoMHSM --name mykey --from australiaeast",
            ),
        ),
    ),
    "keyvault key list": Text(
        "List the keys of a pool.",
        (("List them.", "{p} keyvault key list --hsm-name ContosoMHSM --output table"),),
    ),
    "keyvault key delete": Text(
        "Soft-delete a key.",
        (("Delete one.", "{p} keyvault key delete --hsm-name ContosoMHSM --name mykey"),),
    ),
    "keyvault key sign": Text(
        "Sign a digest.",
        (
            (
                "Sign a file's digest.",
                "{p} keyvault key sign --hsm-name ContosoMHSM --name mykey --algorithm RS256 "
                '--digest "$(openssl dgst -sha256 -binary FILE | base64)"',
            ),
        ),
    ),
    "keyvault key verify": Text(
        "Verify a signature.",
        (
            (
                "Verify one.",
                "{p} keyvault key verify --hsm-name ContosoMHSM --name mykey --algorithm RS256 "
                '--digest "$DIGEST" --signature "$SIGNATURE" --query isValid',
            ),
        ),
        detail="A wrong signature is an answer (isValid false), not an error.",
    ),
    "keyvault role assignment create": Text(
        "Assign a role.",
        (
            (
                "Let somebody use all keys.",
                "{p} keyvault role assignment create --hsm-name ContosoMHSM --role 'Managed HSM Crypto User' "
                "--assignee 00000000-0000-0000-0000-000000000001 --scope /keys",
            ),
        ),
    ),
    "keyvault role assignment list": Text(
        "List role assignments.",
        (
            (
                "Who has the role?",
                "{p} keyvault role assignment list --hsm-name ContosoMHSM --role 'Managed HSM Crypto User'",
            ),
        ),
    ),
    "keyvault role assignment delete": Text(
        "Delete role assignments.",
        (
            (
                "Delete one by name.",
                "{p} keyvault role assignment delete --hsm-name ContosoMHSM "
                "--name 00000000-0000-0000-0000-000000000004",
            ),
        ),
        detail="By name or id, or all those that the filters match.",
    ),
}


for more in (help_drill, help_emulator, help_faults):
    GROUPS.update((name, Text(*entry)) for name, entry in more.GROUPS.items())
    COMMANDS.update((name, Text(*entry)) for name, entry in more.COMMANDS.items())
