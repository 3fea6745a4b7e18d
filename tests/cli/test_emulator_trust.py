"""``mhsm keyvault emulator trust``: what it prints is the authority that servers show, and it changes
nothing unless told to. No test touches this system's own store."""

import json
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from azext_mhsmregion.cli.ops import emulator_trust
from azext_mhsmregion.emulator import trust
from azext_mhsmregion.emulator.http.authority import SUFFIXES, Authority

TRUST = "keyvault emulator trust"
ARM = "management.azure.com"
PROGRAMS = {"debian": ["update-ca-certificates", "trust"], "fedora": ["trust"], "other": [], "darwin": []}


class System:
    """A system's programs, rights and what was run of it."""

    def __init__(self, monkeypatch, folder):
        self.ran, self.root, self.folder, self.fails = [], True, folder, None
        self._patch = monkeypatch
        monkeypatch.setattr(emulator_trust, "run", self._run)
        monkeypatch.setattr(emulator_trust, "has_rights", lambda: self.root)
        monkeypatch.setattr(emulator_trust, "debian_folder", folder)

    def be(self, kind):
        self._patch.setattr(emulator_trust, "platform", "darwin" if kind == "darwin" else "linux")
        programs = PROGRAMS[kind]
        self._patch.setattr(
            emulator_trust, "which", lambda name: f"/bin/{name}" if name in programs else None
        )

    def _run(self, command):
        if self.fails:
            raise self.fails
        self.ran.append(command)
        if command[0] in ("install", "rm"):
            subprocess.run(command, check=True)


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    Authority(folder, time.time).bundle()
    return folder


@pytest.fixture
def system(monkeypatch, tmp_path):
    (tmp_path / "store").mkdir()
    made = System(monkeypatch, tmp_path / "store")
    made.be("debian")
    return made


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_without_options_it_changes_nothing_and_says_all(mhsm, home, system, kind):
    system.be(kind)
    before = contents(home)
    outcome = mhsm(TRUST)
    assert (outcome.code, outcome.err) == (0, "")
    assert contents(home) == before
    assert (system.ran, contents(system.folder)) == ([], {})

    found = outcome.json
    certificate = x509.load_pem_x509_certificate((home / "ca" / "authority.crt").read_bytes())
    assert found["certificate"] == str(home / "ca" / "authority.crt")
    assert (
        found["fingerprint"].replace(":", "").lower()
        == f"sha256 {certificate.fingerprint(hashes.SHA256()).hex()}"
    )
    assert found["expires"] == f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    assert found["signsOnlyAtOrBelow"] == list(SUFFIXES)
    assert (found["store"] is None) == (kind == "other")


def test_the_printed_certificate_and_no_other_verifies_a_server(mhsm_process, tmp_path):
    port = json.loads(mhsm_process("keyvault emulator start").stdout)["port"]
    pem = mhsm_process(f"{TRUST} --query pem -o tsv").stdout
    other = Authority(tmp_path / "other", time.time)
    other.bundle()
    trusting = ssl.create_default_context(cadata=pem)
    with (
        socket.create_connection(("127.0.0.1", port), 20) as raw,
        trusting.wrap_socket(raw, server_hostname=ARM) as tls,
    ):
        assert ("DNS", ARM) in tls.getpeercert()["subjectAltName"]
    with socket.create_connection(("127.0.0.1", port), 20) as raw:
        context = ssl.create_default_context(cafile=str(tmp_path / "other" / "ca" / "authority.crt"))
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(raw, server_hostname=ARM)


def test_debian_gets_a_file_and_loses_it_again(mhsm, home, system):
    outcome = mhsm(f"{TRUST} --install")
    assert (outcome.code, outcome.json["installed"]) == (0, True)
    assert "Put into ca-certificates" in outcome.err
    (target,) = contents(system.folder)
    assert target.read_bytes() == (home / "ca" / "authority.crt").read_bytes()
    assert target.stat().st_mode & 0o777 == 0o644
    assert system.ran[-1] == ("update-ca-certificates",)

    assert mhsm(TRUST).json["installed"] is True
    assert mhsm(f"{TRUST} --uninstall").json["installed"] is False
    assert contents(system.folder) == {}
    assert system.ran[-1] == ("update-ca-certificates", "--fresh")


def test_an_authority_made_anew_takes_the_old_ones_place(mhsm, home, system):
    mhsm(f"{TRUST} --install")
    shutil.rmtree(home / "ca")
    Authority(home, time.time).bundle()
    assert mhsm(TRUST).json["installed"] is False
    assert mhsm(f"{TRUST} --install").json["installed"] is True
    assert len(contents(system.folder)) == 1


@pytest.mark.parametrize(
    ("kind", "option", "command"),
    [
        ("fedora", "--install", "trust anchor --store {crt}"),
        ("fedora", "--uninstall", "trust anchor --remove {crt}"),
        ("darwin", "--install", "security add-trusted-cert -d -r trustRoot -k {keychain} {crt}"),
        ("darwin", "--uninstall", "security remove-trusted-cert -d {crt}"),
    ],
)
def test_other_systems_have_a_program_for_it(mhsm, home, system, kind, option, command):
    system.be(kind)
    expected = command.format(crt=home / "ca" / "authority.crt", keychain=trust.MACOS_KEYCHAIN)
    assert mhsm(f"{TRUST} {option}").code == 0
    assert [" ".join(one) for one in system.ran] == [expected]


@pytest.mark.parametrize("option", ["install", "uninstall"])
def test_without_rights_it_prints_the_command_to_type(mhsm, home, system, option):
    system.root = False
    outcome = mhsm(f"{TRUST} --{option}")
    assert outcome.code == 1
    assert "Only root can change this system's store; nothing was changed." in outcome.err
    assert f"Type: {mhsm(TRUST).json[option]}\n" in outcome.err
    assert system.ran == []


def test_the_command_to_type_does_it(mhsm, home, system, tmp_path):
    """In a shell, with a sudo that only runs what it is given."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in {"sudo": 'exec "$@"', "update-ca-certificates": "touch updated"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    line = mhsm(TRUST).json["install"]
    subprocess.run(["sh", "-euc", line], check=True, cwd=tmp_path, env={"PATH": f"{programs}:/usr/bin:/bin"})
    assert (tmp_path / "updated").exists()
    assert mhsm(TRUST).json["installed"] is True


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(2, "No such file"), subprocess.CalledProcessError(1, "update-ca-certificates")],
)
def test_a_program_that_fails_is_told(mhsm, home, system, error):
    system.fails = error
    outcome = mhsm(f"{TRUST} --install")
    assert outcome.code == 1
    assert "could not be changed" in outcome.err


def test_a_system_without_a_known_store_is_told_what_to_do(mhsm, home, system):
    system.be("other")
    outcome = mhsm(f"{TRUST} --install")
    assert outcome.code == 1
    assert str(home / "ca" / "authority.crt") in outcome.err


def test_both_at_once_is_wrong_usage(mhsm, home):
    assert mhsm(f"{TRUST} --install --uninstall").code == 2


def test_a_home_without_an_authority_is_told_how_it_gets_one(mhsm, tmp_path):
    outcome = mhsm(TRUST)
    assert outcome.code == 3
    assert "mhsm keyvault emulator start" in outcome.err
    assert not (tmp_path / "home").exists()


@pytest.mark.socket
def test_an_authority_that_ends_with_its_server_is_not_installed(mhsm_process):
    mhsm_process("keyvault emulator start --memory")
    assert mhsm_process(TRUST).returncode == 0
    refused = mhsm_process(f"{TRUST} --install")
    assert (refused.returncode, "throw-away" in refused.stderr) == (1, True)


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here")
def test_openssl_verifies_a_leaf_from_the_debian_folder(mhsm, home, system, tmp_path):
    """Another reader of certificates than Python's, and the file that lies in the store."""
    mhsm(f"{TRUST} --install")
    Authority(home, time.time).context(ARM)
    (target,) = contents(system.folder)
    leaf = home / "ca" / "leaves" / f"{ARM}.pem"
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-verify_hostname",
        ARM,
        "-no-CApath",
        "-CAfile",
        target,
        leaf,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.endswith(": OK\n"), done.stderr
    assert Path(target).name.startswith("mhsmregion-")
