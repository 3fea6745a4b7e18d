"""azure-cli's own ``security-domain restore-blob`` opens what our ``create`` wrote (rules C4, K5).

An Azure CLI is looked for in the folder that MHSMREGION_AZ names, else in ``.az`` of the checkout; each
version has a folder of its own there (``2.91.0/bin/az``). It runs in a profile of its own, not logged in, and
with a proxy that answers nobody, so that it can reach nothing.
"""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from azext_mhsmregion.crypto import jwe, kdf, restore_blob, security_domain, wrap
from azext_mhsmregion.crypto.certificates import thumbprint
from azext_mhsmregion.crypto.errors import DecryptFailed

FOLDER = Path(os.environ.get("MHSMREGION_AZ") or Path(__file__).parents[2] / ".az")
INSTALLED = sorted(path.parent.parent.name for path in FOLDER.glob("*/bin/az"))
NONE_FOUND = f"no Azure CLI under {FOLDER}/<version>/bin/az: set MHSMREGION_AZ"
SECRETS = {
    "hsm_backup": b"the pool's own key" * 50,
    "base_enclave_backup": b"x",
    "partition_enclave_backup": bytes(16),
}
PASSWORD = "of officer 1"

pytestmark = [pytest.mark.az, pytest.mark.skipif(not INSTALLED, reason=NONE_FOUND)]
versions = pytest.mark.parametrize("version", INSTALLED or ["none"])


def run_az(version, profile, *arguments):
    """The finished ``az`` process."""
    nowhere = "http://127.0.0.1:1"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(profile),
        "AZURE_CONFIG_DIR": str(profile),
        "AZURE_EXTENSION_DIR": str(profile / "extensions"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "HTTPS_PROXY": nowhere,
        "HTTP_PROXY": nowhere,
    }
    program = FOLDER / version / "bin" / "az"
    return subprocess.run(
        [str(program), *arguments], env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def files(tmp_path, officers, exchange):
    """What a person has on disk: ``officerN.key`` beside ``officerN.cer`` (az wants that name), the domain,
    the exchange certificate. Officer 1's key has a password."""
    for number, officer in enumerate(officers):
        (tmp_path / f"officer{number}.key").write_bytes(officer.key_pem)
        (tmp_path / f"officer{number}.cer").write_bytes(officer.certificate_pem)
    encryption = BestAvailableEncryption(PASSWORD.encode())
    encrypted = officers[1].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (tmp_path / "officer1.key").write_bytes(encrypted)
    (tmp_path / "exchange.cer").write_bytes(exchange.certificate_pem)
    certificates = [security_domain.certificate_jwk(officer.certificate_pem) for officer in officers]
    text = security_domain.create(certificates, 3, SECRETS, random.Random(11).randbytes)
    (tmp_path / "domain.json").write_text(text)
    return tmp_path


def restore(version, files, numbers):
    """``az keyvault security-domain restore-blob`` with these officers' keys.

    az matches the passwords with the first keys, and has no way to say "none" before another: officer 1,
    whose key has the only one, comes first where it comes at all.
    """
    passwords = ["--passwords", PASSWORD] if 1 in numbers else []
    assert not passwords or numbers[0] == 1
    return run_az(
        version,
        files / "profile",
        "keyvault", "security-domain", "restore-blob",
        "--sd-file", str(files / "domain.json"),
        "--sd-exchange-key", str(files / "exchange.cer"),
        "--sd-wrapping-keys", *(str(files / f"officer{number}.key") for number in numbers),
        *passwords,
        "--sd-file-restore-blob", str(files / "blob.json"),
    )  # fmt: skip


@pytest.mark.rule("C4")
@versions
def test_c4_azure_cli_opens_our_security_domain(version, files, exchange):
    done = restore(version, files, [1, 3, 2])
    assert done.returncode == 0, done.stderr
    text = (files / "blob.json").read_text()
    blob = json.loads(text)
    assert list(blob) == ["EncData", "WrappedKey"]
    assert blob["WrappedKey"]["x5t_256"] == thumbprint(exchange.certificate)
    assert restore_blob.open_(text, exchange.key) == SECRETS


@pytest.mark.rule("C4")
@versions
def test_c4_the_wrapped_key_is_the_master_key_of_the_blob(version, files, exchange):
    """Step by step, without our reader of the blob: WrappedKey -> master key -> key of a tag -> secret."""
    assert restore(version, files, [0, 2, 3]).returncode == 0
    blob = json.loads((files / "blob.json").read_text())
    master_key = jwe.decrypt_with(blob["WrappedKey"]["enc_key"], exchange.key)
    assert len(master_key) == 32
    for item in blob["EncData"]["data"]:
        key = kdf.sp800_108(master_key, item["tag"], "", 64)
        assert jwe.decrypt_direct(item["compact_jwe"], key) == SECRETS[item["tag"]]
    original = json.loads((files / "domain.json").read_text())["EncData"]["data"][0]
    with pytest.raises(DecryptFailed):  # az seals under a master key of its own, not under the domain's
        jwe.decrypt_direct(original["compact_jwe"], kdf.sp800_108(master_key, original["tag"], "", 64))


@pytest.mark.rule("C4")
@versions
def test_c4_azure_cli_wants_the_quorum_that_we_wrote(version, files):
    done = restore(version, files, [0, 2])
    assert done.returncode != 0
    assert "should not less than 3" in done.stderr
    assert not (files / "blob.json").exists()


@pytest.mark.rule("C4")
@versions
def test_c4_azure_cli_finds_no_share_for_a_stranger(version, files, exchange):
    """A stranger's key is passed over, so two officers and a stranger are too few."""
    (files / "officer0.key").write_bytes(exchange.key_pem)
    (files / "officer0.cer").write_bytes(exchange.certificate_pem)
    done = restore(version, files, [0, 2, 3])
    assert done.returncode != 0
    assert "Insufficient shares available" in done.stderr


@pytest.mark.rule("C4")
@versions
def test_c4_azure_cli_opens_what_mhsm_downloaded(version, files, exchange):
    """The whole way: the file that ``security-domain download`` wrote carries the pool's own key."""
    from azext_mhsmregion.cli.app import main
    from azext_mhsmregion.emulator.service import open_emulator

    home = files / "home"
    certificates = [str(files / f"officer{number}.cer") for number in range(4)]
    (files / "domain.json").unlink()
    create = ["keyvault", "create", "--hsm-name", "ContosoMHSM", "--location", "uksouth", "-o", "none"]
    download = [
        "keyvault", "security-domain", "download", "--hsm-name", "ContosoMHSM", "--sd-quorum", "3",
        "--sd-wrapping-keys", *certificates, "--security-domain-file", str(files / "domain.json"),
    ]  # fmt: skip
    emulator = open_emulator(home)
    emulator.configure(durations={"create": 0, "activation": 0})
    for command in (create, download):
        assert main([*command, "--home", str(home)]) == 0
    assert restore(version, files, [0, 2, 3]).returncode == 0
    opened = restore_blob.open_((files / "blob.json").read_text(), exchange.key)
    with emulator.parts.reading() as unit:
        pool = unit.tx.pool_named("ContosoMHSM", unit.now)
        wrapped = unit.tx.material(pool.id, f"domain:{pool.id}")
    assert opened["hsm_backup"] == wrap.unwrap(emulator.home_key(), wrapped, f"domain:{pool.id}".encode())
    emulator.store.close()
