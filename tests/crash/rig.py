"""An emulator that repeats exactly: the same home, the same ids, the same service time in every
run, so that the state after the n-th write is known beforehand."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from azext_mhsmregion.crypto import certificates, jwe, sealed_data
from azext_mhsmregion.emulator.service import CONTROL_HOST, Emulator, open_emulator
from azext_mhsmregion.emulator.wire import Caller, Request, Response
from azext_mhsmregion.model.clock import manual_clock

REAL = 1_767_000_000_000
ARM, VERSION, DATA_VERSION = "management.azure.com", "2023-07-01", "7.4"
CONTAINER = "https://crash.blob.core.windows.net/backups"
CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
PRIMARY, EXTENDED = "uksouth", "australiaeast"
POOL = "CrashHSM"

Step = Tuple[str, Callable[[], Any]]


class Repeating:
    """Sources of time and randomness that give every run the same."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def real(self) -> int:
        return REAL

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def random(self, count: int) -> bytes:
        return self._random.randbytes(count)


class Rig:
    """The home's owner at work. Each method is one command; all raise for an answer of 400 on."""

    def __init__(self, home: Path, seed: str, certificates: Optional[Path] = None) -> None:
        self.home = home
        self.emulator: Emulator = open_emulator(home, Repeating(seed))
        self.certificates = certificates
        self._location = ""
        self._job = ""

    # -- asking ---------------------------------------------------------------------------
    def ask(self, method: str, url: str, body: Optional[Any] = None) -> Response:
        host, _, rest = url.partition("/")
        path, _, query = rest.partition("?")
        values = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        values.setdefault("api-version", VERSION if host == ARM else DATA_VERSION)
        data = b"" if body is None else json.dumps(body).encode()
        caller = Caller(place=PRIMARY, principal=self.emulator.directory.owner.object_id)
        response = self.emulator.handle(Request(method, host, f"/{path}", values, {}, data), caller)
        if response.status >= 400:
            raise RuntimeError(f"{method} {url}: {response.status} {response.body.decode()}")
        self._location = response.header("location") or self._location
        self._job = response.header("azure-asyncoperation") or self._job
        return response

    @property
    def subscription(self) -> str:
        return f"{ARM}/subscriptions/{self.emulator.directory.subscription_id}"

    @property
    def pool(self) -> str:
        return f"{self.subscription}/resourceGroups/default/providers/Microsoft.KeyVault/managedHSMs/{POOL}"

    @staticmethod
    def vault(region: str = "") -> str:
        return f"{region + '.' if region else ''}{POOL.lower()}.managedhsm.azure.net"

    # -- commands -------------------------------------------------------------------------
    def hold_time_still(self) -> None:
        self.emulator.set_clock(lambda _, real: manual_clock(real))

    def group(self, name: str) -> None:
        self.ask("PUT", f"{self.subscription}/resourceGroups/{name}", {"location": PRIMARY})

    def create(self) -> None:
        directory = self.emulator.directory
        properties = {
            "tenantId": directory.tenant_id,
            "initialAdminObjectIds": [directory.owner.object_id],
            "softDeleteRetentionInDays": 7,
        }
        sku = {"family": "B", "name": "Standard_B1"}
        self.ask("PUT", self.pool, {"location": PRIMARY, "sku": sku, "properties": properties})

    def poll(self) -> None:
        """Under the manual clock a poll moves service time to the operation's end."""
        self.ask("GET", self._location.replace("https://", ""))

    def activate(self) -> None:
        assert self.certificates is not None
        body = {"certificates": json.loads(self.certificates.read_text()), "required": 2}
        self.ask("POST", f"{self.vault()}/securitydomain/download", body)

    def activated(self) -> None:
        self.ask("GET", f"{self.vault()}/securitydomain/download/pending")

    def transfer_key(self) -> None:
        """Made when it is asked for first, and then shown."""
        self.ask("GET", f"{self.vault()}/securitydomain/upload")

    def upload(self) -> None:
        """A security domain that a pool elsewhere has: as azure-cli seals it for this one."""
        answer = json.loads(self.ask("GET", f"{self.vault()}/securitydomain/upload").body)
        jwk = json.loads(answer["transfer_key"])
        public = certificates.recipient(jwk).public_key
        random = self.emulator.parts.sources.random
        master_key = random(sealed_data.MASTER_KEY_SIZE)
        blob = {
            "EncData": sealed_data.seal(master_key, {"hsm_backup": random(32)}, random),
            "WrappedKey": {"enc_key": jwe.encrypt_to(public, master_key, "not used", random)},
        }
        self.ask("POST", f"{self.vault()}/securitydomain/upload", {"value": json.dumps(blob)})

    def uploaded(self) -> None:
        self.ask("GET", f"{self.vault()}/securitydomain/upload/pending")

    def assign(self) -> None:
        properties = {
            "roleDefinitionId": f"x/{CRYPTO_USER}",
            "principalId": self.emulator.directory.owner.object_id,
        }
        name = self.emulator.parts.sources.new_id()
        path = f"keys/providers/Microsoft.Authorization/roleAssignments/{name}"
        self.ask("PUT", f"{self.vault()}/{path}", {"properties": properties})

    def key(self, name: str, region: str = "") -> None:
        self.ask("POST", f"{self.vault(region)}/keys/{name}/create", {"kty": "EC-HSM"})

    def delete_key(self, name: str) -> None:
        self.ask("DELETE", f"{self.vault()}/keys/{name}")

    def backup(self) -> None:
        access = {"storageResourceUri": CONTAINER, "token": "sas"}
        self.ask("POST", f"{self.vault()}/backup", access)

    def restore_backup(self) -> None:
        """The last one, asked for where it was made."""
        status = json.loads(self.ask("GET", self._job.replace("https://", "")).body)
        folder = status["azureStorageBlobContainerUri"].rpartition("/")[2]
        access = {"storageResourceUri": CONTAINER, "token": "sas"}
        body = {"sasTokenParameters": access, "folderToRestore": folder}
        self.ask("PUT", f"{self.vault()}/restore", body)

    def job_ended(self) -> None:
        """Under the manual clock a poll moves service time to the job's end."""
        self.ask("GET", self._job.replace("https://", ""))

    def regions(self, *names: str) -> None:
        self.ask("PATCH", self.pool, {"properties": {"regions": [{"name": name} for name in names]}})

    def update(self) -> None:
        self.ask("PATCH", self.pool, {"tags": {"updated": "yes"}})

    def delete(self) -> None:
        self.ask("DELETE", self.pool)

    def recover(self) -> None:
        self.ask("PUT", self.pool, {"location": PRIMARY, "properties": {"createMode": "recover"}})

    def purge(self) -> None:
        place = f"providers/Microsoft.KeyVault/locations/{PRIMARY}/deletedManagedHSMs/{POOL}"
        self.ask("POST", f"{self.subscription}/{place}/purge")

    def seed(self) -> None:
        """The name is free again: the purge is done."""
        roles = [{"role": "Managed HSM Crypto User", "scope": "/keys"}]
        pool = {"name": POOL, "regions": [EXTENDED], "roles": roles, "keys": [{"name": "k1"}]}
        self.control("POST", "seed", {"pools": [pool]})

    def break_link(self) -> None:
        fault = {"scope": "link", "hsmName": POOL, "region": EXTENDED, "to": PRIMARY}
        self.control("POST", "faults", fault)

    def mend(self) -> None:
        self.control("DELETE", "faults")

    def reset(self) -> None:
        """With a snapshot before it, which writes nothing to the store."""
        if not (self.home / "snapshots" / "seeded.db").exists():
            self.control("PUT", "snapshots/seeded")
        self.control("POST", "reset")

    def restore(self) -> None:
        self.control("POST", "snapshots/seeded/restore")

    def control(self, method: str, path: str, body: Optional[Any] = None) -> None:
        self.ask(method, f"{CONTROL_HOST}/{path}", body)

    # -- files ----------------------------------------------------------------------------
    def token(self) -> Dict[str, str]:
        return {"token": self.emulator.tokens().issue(self.emulator.directory.owner, "audience")}

    def authority(self) -> Dict[str, str]:
        from azext_mhsmregion.emulator.http.authority import Authority

        return {"serial": str(Authority(self.home, lambda: REAL / 1000).certificate().serial_number)}

    def leaf(self) -> None:
        from azext_mhsmregion.emulator.http.authority import Authority

        Authority(self.home, lambda: REAL / 1000).context(ARM)

    def carried(self) -> None:
        """Export it, and make another home of that."""
        from azext_mhsmregion.emulator import carrying

        exported = self.home.with_name(f"{self.home.name}.tar.gz")
        exported.unlink(missing_ok=True)
        carrying.export(self.emulator.parts, exported)
        carrying.unpack(exported, self.home.with_name(f"{self.home.name}-copy"))


def beginning(rig: Rig) -> List[Step]:
    """To an active pool whose owner may use keys. One step is one write."""
    return [
        ("clock", rig.hold_time_still),
        ("settings", lambda: rig.emulator.configure(seed=7)),
        ("group", lambda: rig.group("others")),
        ("create", rig.create),
        ("created", rig.poll),
        ("activate", rig.activate),
        ("activated", rig.activated),
        ("assign", rig.assign),
    ]


def story(rig: Rig) -> List[Step]:
    """The life of a pool, from its beginning to its purge; and a new one with another's security domain."""
    return [
        *beginning(rig),
        ("key k1", lambda: rig.key("k1")),
        ("key k1 again", lambda: rig.key("k1")),
        ("key k2", lambda: rig.key("k2")),
        ("extend", lambda: rig.regions(EXTENDED)),
        ("key k3 meanwhile", lambda: rig.key("k3")),
        ("extended", rig.poll),
        ("key k4 there", lambda: rig.key("k4", EXTENDED)),
        ("break the link", rig.break_link),
        ("key k6 there", lambda: rig.key("k6", EXTENDED)),
        ("mend the link", rig.mend),
        ("back up", rig.backup),
        ("backed up", rig.job_ended),
        ("delete k2", lambda: rig.delete_key("k2")),
        ("restore the backup", rig.restore_backup),
        ("restored", rig.job_ended),
        ("delete k2 again", lambda: rig.delete_key("k2")),
        ("update", rig.update),
        ("updated", rig.poll),
        ("shrink", lambda: rig.regions()),
        ("shrunk", rig.poll),
        ("key k5", lambda: rig.key("k5")),
        ("delete", rig.delete),
        ("deleted", rig.poll),
        ("recover", rig.recover),
        ("recovered", rig.poll),
        ("delete again", rig.delete),
        ("deleted again", rig.poll),
        ("purge", rig.purge),
        ("purged", rig.poll),
        ("seed", rig.seed),
        ("reset", rig.reset),
        ("restore", rig.restore),
        ("reset again", rig.reset),
        ("clock again", rig.hold_time_still),
        ("create the heir", rig.create),
        ("heir created", rig.poll),
        ("transfer key", rig.transfer_key),
        ("upload", rig.upload),
        ("uploaded", rig.uploaded),
    ]


def files(rig: Rig) -> List[Step]:
    """What makes private files and writes nothing to the store."""
    steps = [("token", rig.token), ("authority", rig.authority), ("leaf", rig.leaf)]
    return [*steps, ("carried", rig.carried)]


def round_of_writes(rig: Rig, number: int) -> List[Step]:
    """Add, remove, and keys before, between and after."""
    return [
        (f"key a{number}", lambda: rig.key(f"a{number}")),
        (f"add {number}", lambda: rig.regions(EXTENDED)),
        (f"key b{number}", lambda: rig.key(f"b{number}")),
        (f"added {number}", rig.poll),
        (f"key c{number}", lambda: rig.key(f"c{number}", EXTENDED)),
        (f"remove {number}", lambda: rig.regions()),
        (f"removed {number}", rig.poll),
    ]
