"""``mhsm keyvault emulator``: status, clock, seed, reset, snapshots, export, in process and with a
server on the home, through the same commands."""

import json
import re
import subprocess
import sys
import time

import pytest

ANN, SIGNERS = "a0000000-0000-0000-0000-00000000000a", "e0000000-0000-0000-0000-000000000001"

SEED = """
pools:
- name: ContosoMHSM
  regions: [australiaeast]
  roles: [{role: Managed HSM Crypto User, scope: /keys}]
  keys: [{name: payments}]
"""


@pytest.fixture(params=["in process", pytest.param("server", marks=pytest.mark.socket)])
def mhsm(request, tmp_path):
    """Runs one command in a process of its own; on a home with a server in the second round."""

    def run(line, code=0, home="home"):
        command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", *line.split()]
        done = subprocess.run(
            [*command, "--home", str(tmp_path / home)], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == code, (line, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip()[:1] in ("{", "[") else done.stderr

    (tmp_path / "pools.yaml").write_text(SEED)
    if request.param == "server":
        run("emulator start")
        request.addfinalizer(lambda: run("emulator stop"))
    return run


def test_seed_snapshot_reset_restore(mhsm):
    assert mhsm("emulator seed --file pools.yaml") == {"pools": ["ContosoMHSM"]}
    mhsm("emulator snapshot create --name before")
    mhsm("emulator reset --yes")
    assert mhsm("list") == []
    mhsm("emulator snapshot restore --name before")
    assert [region["name"] for region in mhsm("region list --hsm-name ContosoMHSM")] == [
        "uksouth",
        "australiaeast",
    ]
    assert [item["name"] for item in mhsm("emulator snapshot list")] == ["before"]
    mhsm("emulator snapshot delete --name before")
    assert "no snapshot named" in mhsm("emulator snapshot restore --name before", code=3)


def test_a_held_clock_ends_a_wait_at_once_and_names_the_advance(mhsm):
    mhsm("emulator seed --file pools.yaml")
    mhsm("emulator settings --profile documented --hold")
    mhsm("emulator clock set --mode manual")
    message = mhsm("region remove --hsm-name ContosoMHSM --region australiaeast", code=1)
    assert "Service time stands still" in message
    assert "emulator clock advance --by 1500s" in message
    mhsm("emulator clock advance --by 1500s")
    assert len(mhsm("region list --hsm-name ContosoMHSM")) == 1


REGION = "--hsm-name ContosoMHSM --region australiaeast"
ACTIVE = "properties.securityDomainProperties.activationStatus=='Active'"


def advance_named_in(message):
    """The command that the message tells to type."""
    (by,) = re.findall(r"`mhsm keyvault emulator clock advance --by (\S+s)` completes it", message)
    return f"emulator clock advance --by {by}"


@pytest.fixture
def held(mhsm):
    """A pool in two regions whose time stands still; polls of operations move it unless told."""

    def run(line, code=0):
        begun = time.monotonic()
        outcome = mhsm(line, code)
        assert time.monotonic() - begun < 30  # a wait's own time-out is an hour
        if code == 1:
            assert "Service time stands still" in outcome
        return outcome

    mhsm("emulator seed --file pools.yaml")
    mhsm("emulator settings --profile documented")
    mhsm("emulator clock set --mode manual")
    return run


@pytest.mark.parametrize("hold", [False, True])
def test_every_wait_ends_at_once_and_names_the_advance_that_completes_it(held, hold):
    """No look of a wait moves a clock, whatever polls do."""
    if hold:
        held("emulator settings --hold")
    held(f"region remove {REGION} --no-wait")
    waits = [f"region wait {REGION} --deleted", "region wait --hsm-name ContosoMHSM --updated"]
    waits.append("region wait --hsm-name ContosoMHSM --custom properties.provisioningState=='Succeeded'")
    waits.append(f"region remove {REGION}")  # somebody else began it
    advances = {advance_named_in(held(wait, code=1)) for wait in waits}
    assert advances == {"emulator clock advance --by 1500s"}
    held(advances.pop())
    for wait in waits:
        held(wait)

    held(f"region add {REGION} --no-wait")
    held(f"region wait {REGION} --exists")
    wait = f"region wait {REGION} --created"
    held(advance_named_in(held(wait, code=1)))
    held(wait)


def test_a_wait_for_what_nobody_began_ends_at_once_and_says_so(held):
    for line in ("--hsm-name ContosoMHSM --region japaneast --exists", "--hsm-name nobody --created"):
        message = held(f"region wait {line}", code=1)
        assert "nothing is under way" in message and "advance" not in message


def test_a_wait_for_agreement_names_the_advance_to_the_last_arrival(held):
    held("key create --hsm-name ContosoMHSM --name late --kty EC-HSM")
    for line in ("", " --key late"):
        advance = advance_named_in(held(f"region wait --hsm-name ContosoMHSM --replicated{line}", code=1))
    held("region wait --hsm-name ContosoMHSM --replicated --key payments")
    held(advance)
    held("region wait --hsm-name ContosoMHSM --replicated")
    held("region wait --hsm-name ContosoMHSM --replicated --key late")


def test_a_wait_for_agreement_across_an_outage_without_an_end_names_no_advance(held):
    held("emulator fault inject --scope link --region uksouth --to australiaeast --effect down")
    held("key create --hsm-name ContosoMHSM --name late --kty EC-HSM")
    message = held("region wait --hsm-name ContosoMHSM --replicated", code=1)
    assert "nothing is under way" in message and "advance" not in message


@pytest.mark.parametrize("hold", [False, True])
def test_a_download_waits_for_the_activation_where_its_polls_move_the_clock(held, tmp_path, hold):
    files = []
    for number in range(3):
        files.append(f"{number}.cer")
        words = (
            f"openssl req -newkey rsa:2048 -nodes -keyout k.pem -x509 -subj /CN={number} -out {number}.cer"
        )
        subprocess.run(words.split(), cwd=tmp_path, check=True, capture_output=True)
    held("create --hsm-name NewHSM --location uksouth")
    if hold:
        held("emulator settings --hold")
    download = "security-domain download --hsm-name NewHSM --sd-quorum 2 --security-domain-file sd.json"
    said = held(f"{download} --sd-wrapping-keys {' '.join(files)}", code=int(hold))
    if hold:
        held(advance_named_in(said))
    assert (tmp_path / "sd.json").stat().st_size > 100
    held(f"region wait --hsm-name NewHSM --custom {ACTIVE}")


def test_the_clock_moves_forward_only(mhsm):
    mhsm("emulator clock set --mode manual --to 2030-01-01T00:00:00Z")
    assert mhsm("emulator clock advance --by 6m")["now"] == "2030-01-01T00:06:00.000Z"
    assert "never goes back" in mhsm("emulator clock set --to 2029-01-01T00:00:00Z", code=1)
    assert "no duration" in mhsm("emulator clock advance --by soon", code=2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clock set --to garbage", "'garbage' is not a time"),
        ("clock scale --factor=-1", "scale is a number from"),
        ("settings --durations nope=1", "unknown duration nope"),
    ],
)
def test_what_the_clock_and_the_settings_cannot_be_is_wrong_usage(mhsm, line, said):
    assert said in mhsm(f"emulator {line}", code=2)


@pytest.mark.parametrize("command", ["seed", "fault inject"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("faults:\n- region: uksouth\n  region: ukwest\n", 3),
        ('{"faults": [{"region": "x", "region": "y"}]}', 1),
    ],
)
def test_a_member_that_stands_twice_is_refused(mhsm, tmp_path, command, text, line):
    (tmp_path / "twice.yaml").write_text(text)
    said = mhsm(f"emulator {command} --file twice.yaml", code=2)
    assert f"twice.yaml, line {line}: 'region' stands twice in one object." in said
    assert mhsm("emulator fault list") == []


def test_anchors_and_merged_members_of_yaml_stay(mhsm, tmp_path):
    first, second = "&one {region: uksouth, for: 60}", "&two {<<: *one, region: ukwest}"
    entries = (first, second, "{<<: *two, region: japaneast}")
    (tmp_path / "plan.yaml").write_text("faults:\n" + "".join(f"- {entry}\n" for entry in entries))
    made = mhsm("emulator fault inject --file plan.yaml")
    assert [one["region"] for one in made] == ["uksouth", "ukwest", "japaneast"]


def test_export_and_import_carry_everything(mhsm):
    mhsm("emulator seed --file pools.yaml")
    mhsm("emulator export --file all.tar.gz")
    assert "exists" in mhsm("emulator export --file all.tar.gz", code=1)
    (pool,) = mhsm("emulator import --file all.tar.gz", home="copy")["pools"]
    assert (pool["name"], pool["regions"]) == ("ContosoMHSM", ["uksouth", "australiaeast"])
    assert "not empty" in mhsm("emulator import --file all.tar.gz", code=1)


def test_a_wrong_seed_is_told_and_changes_nothing(mhsm, tmp_path):
    (tmp_path / "wrong.yaml").write_text("pools: [{name: ContosoMHSM, region: x}]")
    assert "no member 'region'" in mhsm("emulator seed --file wrong.yaml", code=1)
    assert "cannot be read" in mhsm("emulator seed --file none.yaml", code=2)
    (tmp_path / "rubbish.yaml").write_text("{")
    assert "neither YAML nor JSON" in mhsm("emulator seed --file rubbish.yaml", code=2)
    assert mhsm("list") == []


def test_settings_are_shown_and_changed(mhsm):
    assert mhsm("emulator settings")["profile"] == "quick"
    changed = mhsm("emulator settings --profile documented --seed 7 --durations region-add=30s dns.ttl=1m")
    assert (changed["profile"], changed["seed"]) == ("documented", 7)
    assert changed["durations"] == {"region-add": 30, "dns.ttl": 60}
    assert mhsm("emulator status")["settings"] == changed
    assert "must be NAME=DURATION" in mhsm("emulator settings --durations x", code=2)
    assert "unknown duration" in mhsm("emulator settings --durations nosuch=1s", code=2)


def test_settings_say_where_the_traffic_manager_sends_clients(mhsm):
    table = "--latency WestEurope:uksouth=280 westeurope:australiaeast=12.5"
    changed = mhsm(f"emulator settings --routing latency {table} --place westeurope")
    assert (changed["routing"], changed["place"]) == ("latency", "westeurope")
    assert changed["latency"] == {"westeurope": {"uksouth": 280, "australiaeast": 12.5}}
    assert mhsm("emulator settings --latency")["latency"] == {}
    for wrong in ("uksouth=12", "westeurope:uksouth", "westeurope:uksouth=-1", "westeurope:uksouth=fast"):
        refusal = mhsm(f"emulator settings --latency {wrong}", code=2)
        assert f"'{wrong}' must be PLACE:REGION=MILLISECONDS" in refusal
    assert "unknown region" in mhsm("emulator settings --latency westeurope:atlantis=1", code=2)
    assert "'fastest' is not a valid value" in mhsm("emulator settings --routing fastest", code=2)


def test_settings_pace_the_partitions(mhsm):
    assert mhsm("emulator settings")["pacing"] is False
    assert mhsm("emulator settings --pacing")["pacing"] is True
    assert mhsm("emulator settings --pacing false")["pacing"] is False


def test_a_clock_that_would_brick_the_home_is_refused(mhsm):
    for line, words in (
        ("clock scale --factor 1e12", "from 0.000001 to 1000000"),
        ("clock scale --factor inf", "must be a number"),
        ("clock scale --factor nan", "must be a number"),
        ("clock scale --factor 0", "from 0.000001 to 1000000"),
        ("clock advance --by 3000000d", "5999"),
        (f"clock advance --by {'9' * 400}d", "must be a number"),
        ("clock set --to 9999-12-31T23:59:59Z", "5999"),
    ):
        said = mhsm(f"emulator {line}", code=2 if "scale" in line else 1)
        assert words in said, (line, said)
        assert "Traceback" not in said
    mhsm("create --hsm-name ContosoMHSM -l uksouth --retention-days 7")
    assert mhsm("emulator clock scale --factor 1000000")["scale"] == 1_000_000


def test_a_seed_may_set_the_clock_and_make_groups(mhsm, tmp_path):
    """YAML makes a date of what looks like one."""
    clock = "clock: {mode: manual, now: 2030-01-01T00:00:00Z}\n"
    (tmp_path / "all.yaml").write_text(clock + "groups: [{name: rg1}]\npools: [{name: X1Y, group: rg1}]")
    assert mhsm("emulator seed --file all.yaml") == {"pools": ["X1Y"]}
    assert mhsm("emulator clock show")["now"] == "2030-01-01T00:00:00.000Z"
    assert mhsm("show --hsm-name X1Y -g rg1")["name"] == "X1Y"


def test_an_import_of_junk_says_so_and_leaves_no_home(mhsm, tmp_path):
    (tmp_path / "junk.tar.gz").write_bytes(b"junk")
    assert "not an export" in mhsm("emulator import --file junk.tar.gz", code=1, home="copy")
    assert not (tmp_path / "copy").exists()


def test_a_number_of_lines_is_from_0_on(mhsm):
    assert "from 0 on" in mhsm("emulator logs --lines -1", code=2)


def test_who_is_added_to_the_directory_is_known_at_once(mhsm, tmp_path):
    """By a server that runs on the home as by commands: a user, and a group that has a right."""
    mhsm("emulator seed --file pools.yaml")
    path = tmp_path / "home" / "directory.json"
    before = path.read_text()
    body = json.loads(before)
    body["principals"].append({"name": "ann", "kind": "user", "objectId": ANN})
    body["groups"] = [{"name": "signers", "objectId": SIGNERS, "members": ["ann"]}]
    path.write_text(json.dumps(body))

    sign = "key sign --hsm-name ContosoMHSM --name payments --algorithm ES256 --digest " + "A" * 43 + "="
    assert "not authorized" in mhsm(f"{sign} --as ann", code=1).lower()
    made = mhsm("role assignment create --hsm-name ContosoMHSM --assignee signers --scope /keys "
                "--role 21dbd100-6940-42c2-9190-5d6cb909625b")  # fmt: skip
    assert made["principalId"] == SIGNERS
    mhsm(f"{sign} --as ann")

    path.write_text(before)
    said = mhsm(f"{sign} --as ann", code=1)
    assert "no principal named 'ann'" in said and str(path) in said

    path.write_text("{")
    assert "directory.json" in mhsm("list", code=1)
