"""E6: the way out of a destroyed primary. The security domain is uploaded into a new pool, which is active
with it (C4, K5), and a full backup of the pool that is gone is restored there."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, List, Tuple

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from azext_mhsmregion.crypto import b64url, certificates
from azext_mhsmregion.emulator.service import open_emulator

from . import recovering
from .harness import (
    ACCESS,
    CRYPTO_OFFICER,
    EXTENDED,
    NOBODY,
    OTHER,
    OWNER,
    POOL,
    PRIMARY,
    SIX_MINUTES,
    THIRD,
    Answer,
    World,
)

HEIR = "Heir"
UPLOAD, PENDING = "/securitydomain/upload", "/securitydomain/upload/pending"
ACTIVATION_SECONDS = 60
RESTORING = {"status": "InProgress", "status_details": "The Security Domain is being restored."}
CONFIRMING = {"status": "InProgress", "status_details": "The Security Domain is being confirmed."}
SUCCESS = {"status": "Success", "status_details": "The resource is active."}


# -- verbs ------------------------------------------------------------------------------------


def with_domain(world: World, *extended: str) -> str:
    """An active pool whose owner may do everything with keys; its security domain, as its people keep it."""
    world.create_pool()
    text: str = world.data("POST", "/securitydomain/download", recovering.request()).ok().body["value"]
    world.data("GET", "/securitydomain/download/pending").ok()
    for role in (CRYPTO_OFFICER, "21dbd100-6940-42c2-9190-5d6cb909625b"):
        world.assign(role).ok()
    if extended:
        world.extend(*extended)
    world.advance(SIX_MINUTES)
    return text


def transfer_key(world: World, pool: str = HEIR, who: str = OWNER) -> Answer:
    return world.data("GET", UPLOAD, pool=pool, who=who)


def upload(world: World, value: Any, pool: str = HEIR, who: str = OWNER) -> Answer:
    return world.data("POST", UPLOAD, {"value": value}, pool=pool, who=who)


def prepared(world: World, domain: str, pool: str = HEIR) -> str:
    """The restore blob of a domain for a pool."""
    return recovering.restore_blob(domain, transfer_key(world, pool).ok().body)


def heir(world: World, location: str = THIRD) -> World:
    world.create_pool(HEIR, location)
    return world


def job(world: World, method: str, path: str, body: Dict[str, Any], pool: str = POOL) -> Dict[str, Any]:
    """A backup or restore to its end; the poll moves the clock there."""
    begun = world.data(method, path, body, pool=pool).ok()
    host, _, rest = begun.headers["azure-asyncoperation"][len("https://") :].partition("/")
    status: Dict[str, Any] = world.call("GET", host, f"/{rest}").ok().body
    assert status["status"] == "Succeeded", status
    return status


def backed_up(world: World, pool: str = POOL) -> str:
    address: str = job(world, "POST", "/backup", ACCESS, pool)["azureStorageBlobContainerUri"]
    return address.rpartition("/")[2]


def activation(world: World, pool: str = HEIR) -> str:
    shown = world.show(pool).body["properties"]["securityDomainProperties"]
    return str(shown["activationStatus"])


def refusal(answer: Answer) -> Tuple[int, str]:
    return answer.status, answer.code


# -- the whole way ------------------------------------------------------------------------------


@pytest.mark.rule("E6")
def test_e6_the_way_out_of_a_destroyed_primary_is_the_domain_and_a_backup_in_a_new_pool(world: World) -> None:
    domain = with_domain(world, EXTENDED)
    world.put_key("payments").ok()
    made = world.put_key("box", kty="RSA-HSM", crv=None, key_size=2048).ok().body["key"]
    signed = world.sign("payments").ok().body["value"]
    sealed = encrypted(made, b"what was kept")
    folder = backed_up(world)
    world.destroy("region", PRIMARY)
    world.advance(60)
    assert world.put_key("lost", EXTENDED).status == 503

    heir(world, THIRD)
    upload(world, prepared(world, domain)).ok()
    assert world.data("GET", PENDING, pool=HEIR).ok().body == SUCCESS
    backed_up(world, HEIR)
    restore = {"sasTokenParameters": ACCESS, "folderToRestore": folder}
    job(world, "PUT", "/restore", restore, HEIR)

    verified = {"alg": "ES256", "digest": "A" * 43, "value": signed}
    answer = world.data("POST", "/keys/payments/verify", verified, pool=HEIR).ok()
    assert answer.body["value"] is True
    version = made["kid"].rsplit("/", 1)[1]
    ciphertext = {"alg": "RSA-OAEP-256", "value": sealed}
    answer = world.data("POST", f"/keys/box/{version}/decrypt", ciphertext, pool=HEIR).ok()
    assert b64url.decode(answer.body["value"]) == b"what was kept"
    assert world.data("POST", "/keys/payments/sign", {"alg": "ES256", "value": "A" * 43}, pool=HEIR).ok()


def encrypted(jwk: Dict[str, Any], plaintext: bytes) -> str:
    """Outside of any HSM, with what is public of the key."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    public = rsa.RSAPublicNumbers(b64url.decode_int(jwk["e"]), b64url.decode_int(jwk["n"])).public_key()
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return b64url.encode(public.encrypt(plaintext, oaep))


@pytest.mark.rule("E6")
def test_e6_an_heir_extends_and_shows_what_was_restored_everywhere(world: World) -> None:
    domain = with_domain(world)
    world.put_key("k").ok()
    folder = backed_up(world)
    world.destroy("pool", PRIMARY)
    heir(world, EXTENDED)
    upload(world, prepared(world, domain)).ok()
    world.data("GET", PENDING, pool=HEIR).ok()

    world.extend(THIRD, pool=HEIR)
    backed_up(world, HEIR)
    job(world, "PUT", "/restore", {"sasTokenParameters": ACCESS, "folderToRestore": folder}, HEIR)
    world.advance(SIX_MINUTES)

    for region in (EXTENDED, THIRD):
        listed = world.data("GET", "/keys", region=region, pool=HEIR).ok().body["value"]
        assert [item["kid"].rsplit("/", 1)[1] for item in listed] == ["k"]
    assert world.shown(EXTENDED, HEIR) == world.shown(THIRD, HEIR)


@pytest.mark.rule("E6")
@pytest.mark.rule("K4")
def test_e6_with_a_domain_of_its_own_a_new_pool_opens_no_backup_of_the_old_one(world: World) -> None:
    with_domain(world)
    folder = backed_up(world)
    heir(world).activate(HEIR)
    backed_up(world, HEIR)

    body = {"sasTokenParameters": ACCESS, "folderToRestore": folder}
    answer = world.data("PUT", "/restore", body, pool=HEIR)

    assert refusal(answer) == (400, "BadParameter")
    assert "another security domain" in answer.message


# -- the transfer key -------------------------------------------------------------------------------


@pytest.mark.rule("K5")
def test_k5_the_transfer_key_is_shown_as_recorded(world: World) -> None:
    answer = transfer_key(heir(world)).ok()

    assert list(answer.body) == ["key_format", "transfer_key"]
    assert answer.body["key_format"] == "jwk"
    text = answer.body["transfer_key"]
    jwk = json.loads(text)
    assert list(jwk) == ["e", "key_ops", "kid", "kty", "n", "x5c", "x5t", "x5t#S256"]
    assert json.dumps(jwk, separators=(",", ":")) == text
    assert (jwk["kty"], jwk["kid"], jwk["e"], len(jwk["n"])) == ("RSA", "not used", "AQAB", 683)
    assert sorted(jwk["key_ops"]) == ["encrypt", "verify", "wrapKey"]
    certificate = recovering.exchange_certificate(answer.body)
    public = certificate.public_key()
    assert isinstance(public, RSAPublicKey) and public.public_numbers().n == b64url.decode_int(jwk["n"])
    assert certificates.thumbprint(certificate) == jwk["x5t#S256"]
    base64.b64decode(jwk["x5c"][0], validate=True)


@pytest.mark.rule("K5")
def test_k5_a_pool_has_one_transfer_key_until_it_is_used_and_it_outlives_a_restart(world: World) -> None:
    domain = with_domain(world)
    first = transfer_key(heir(world)).ok().body
    assert upload(world, "{}").status == 400
    world.emulator.store.close()

    world.emulator = open_emulator(world.emulator.home, world.sources, mounts=lambda: "")
    again = transfer_key(world).ok().body
    other = transfer_key(world, POOL).ok().body
    upload(world, recovering.restore_blob(domain, first)).ok()
    used = transfer_key(world).ok().body

    assert again == first
    assert len({body["transfer_key"] for body in (first, other, used)}) == 3


@pytest.mark.rule("K4")
@pytest.mark.rule("K5")
def test_k4_of_a_transfer_key_and_a_domain_nothing_private_lies_open_in_the_home_or_an_answer(
    world: World,
) -> None:
    domain = with_domain(world)
    key = recovering.opened(domain)["hsm_backup"]
    shown = transfer_key(heir(world)).ok().body
    with world.emulator.parts.reading() as unit:
        pool = world.record(HEIR)
        wrapped = unit.tx.material(pool.id, f"transfer:{pool.id}")
    assert wrapped is not None
    der = world.emulator.keyring().unseal(f"transfer:{pool.id}", wrapped)

    answer = upload(world, prepared(world, domain)).ok()

    stored = b"".join(path.read_bytes() for path in world.emulator.home.glob("store.db*"))
    for secret in (key, der[-64:]):
        assert secret not in stored
        for form in (b64url.encode(secret), base64.b64encode(secret).decode()):
            assert form not in json.dumps([shown, answer.body])
    with world.emulator.parts.reading() as unit:
        assert unit.tx.material(pool.id, f"transfer:{pool.id}") is None


# -- the upload ----------------------------------------------------------------------------------


@pytest.mark.rule("C4")
@pytest.mark.rule("K5")
def test_c4_an_upload_activates_and_takes_its_time_as_recorded(world: World) -> None:
    domain = with_domain(world)
    value = prepared(heir(world), domain)
    world.hold_time_still()

    begun = upload(world, value)
    polls = [world.data("GET", f"/securitydomain/{way}/pending", pool=HEIR) for way in ("upload", "download")]
    early = [activation(world), world.data("GET", "/keys", pool=HEIR).code]
    world.advance(ACTIVATION_SECONDS - 0.001)
    still = world.data("GET", PENDING, pool=HEIR).body["status"]
    world.advance(0.001)

    assert (begun.status, begun.body) == (202, RESTORING)
    assert begun.headers["azure-asyncoperation"] == (
        "https://Heir.managedhsm.azure.net/securitydomain/upload/pending?api-version=7.4"
    )
    assert [poll.body for poll in polls] == [RESTORING, RESTORING]
    assert early == ["NotActivated", "HsmNotActivated"]
    assert still == "InProgress"
    assert world.data("GET", PENDING, pool=HEIR, version="").ok().body == SUCCESS
    assert activation(world) == "Active"


@pytest.mark.rule("K5")
def test_k5_the_same_address_tells_of_a_download_where_one_was_made(world: World) -> None:
    world.hold_time_still()
    world.configure(durations={"create": 0})
    world.put_pool(HEIR)
    transfer_key(world).ok()
    world.data("POST", "/securitydomain/download", recovering.request(), pool=HEIR).ok()

    assert world.data("GET", PENDING, pool=HEIR).ok().body == CONFIRMING


@pytest.mark.rule("C4")
@pytest.mark.rule("K5")
def test_c4_a_pool_that_has_a_domain_takes_no_other_and_gives_out_none_of_another_pool(world: World) -> None:
    domain = with_domain(world)
    value = prepared(heir(world), domain)
    world.hold_time_still()
    upload(world, value).ok()

    answers: List[Answer] = [upload(world, value), upload(world, prepared(world, domain, POOL), POOL)]
    world.advance(ACTIVATION_SECONDS)
    answers += [upload(world, prepared(world, domain)), world.download(pool=HEIR)]

    assert [refusal(answer) for answer in answers] == [(409, "SecurityDomainTaken")] * 4
    assert all("has a security domain" in answer.message for answer in answers[:3])
    assert "was uploaded into it" in answers[3].message
    assert activation(world) == "Active"


@pytest.mark.rule("C4")
def test_c4_a_pool_being_made_takes_no_domain(world: World) -> None:
    world.hold_time_still()
    world.put_pool(HEIR)

    assert upload(world, "{}").status in (409, 502)


def changed(blob: Dict[str, Any], **parts: Any) -> str:
    return json.dumps({**blob, **parts})


@pytest.mark.rule("C4")
@pytest.mark.rule("K5")
def test_k5_a_blob_that_is_broken_is_refused_and_activates_nothing(world: World) -> None:
    domain = with_domain(world)
    certificate = recovering.exchange_certificate(transfer_key(heir(world)).ok().body)
    secrets = recovering.opened(domain)
    good = recovering.blob(secrets, certificate)
    other = recovering.blob(secrets, certificate)["EncData"]["data"][:2]
    wrapped, sealed = good["WrappedKey"], good["EncData"]["data"]
    cut = [{**sealed[0], "compact_jwe": sealed[0]["compact_jwe"][:-8]}, *sealed[1:]]
    swapped = [{**sealed[0], "compact_jwe": sealed[1]["compact_jwe"]}, *sealed[1:]]
    short = recovering.blob({**secrets, "hsm_backup": b"k" * 31}, certificate)
    broken = [
        "", "x", "[]", "null", "{}", domain, "[" * 100_000,
        changed(good, WrappedKey={}), changed(good, WrappedKey=[]),
        changed(good, WrappedKey={**wrapped, "enc_key": wrapped["enc_key"][:-6]}),
        changed(good, WrappedKey={**wrapped, "enc_key": "a.b.c.d.e"}),
        changed(good, EncData={}),
        changed(good, EncData={"data": cut, "kdf": "sp108_kdf"}),
        changed(good, EncData={"data": swapped, "kdf": "sp108_kdf"}),
        changed(good, EncData={"data": other, "kdf": "none"}),
        changed(good, EncData={"data": [{**sealed[0], "tag": "\ud800"}], "kdf": "sp108_kdf"}),
    ]  # fmt: skip
    without = [changed(good, EncData={"data": data, "kdf": "sp108_kdf"}) for data in ([], sealed[1:])]

    for value in broken:
        answer = upload(world, value)
        assert refusal(answer) == (400, "BadParameter"), value[:80]
        assert "'value' is not the restore blob" in answer.message, answer.message
    for value in (json.dumps(short), *without):
        assert "that no emulator made" in upload(world, value).message
    for value in (None, 7, good, *without, json.dumps(short)):
        assert refusal(upload(world, value)) == (400, "BadParameter")
    assert refusal(world.data("POST", UPLOAD, b"null", pool=HEIR)) == (400, "BadParameter")
    assert activation(world) == "NotActivated" and world.record(HEIR).activated is None
    assert upload(world, json.dumps(good)).status == 202


@pytest.mark.rule("K5")
def test_k5_a_blob_for_another_transfer_key_is_refused_whether_it_says_so_or_not(world: World) -> None:
    domain = with_domain(world)
    heir(world)
    early = upload(world, "{}")
    foreign = json.loads(prepared(world, domain, POOL))
    own = transfer_key(world).ok().body
    named = json.loads(own["transfer_key"])["x5t#S256"]
    unnamed = {"enc_key": foreign["WrappedKey"]["enc_key"]}
    lying = {**unnamed, "x5t_256": named}

    answers = [upload(world, json.dumps(foreign))]
    answers += [upload(world, changed(foreign, WrappedKey=wrapped)) for wrapped in (unnamed, lying)]
    good = json.loads(recovering.restore_blob(domain, own))
    del good["WrappedKey"]["x5t_256"]

    assert [refusal(answer) for answer in (early, *answers)] == [(400, "BadParameter")] * 4
    assert "init-recovery" in early.message and "given out no transfer key" in early.message
    assert "another transfer key than Heir's" in answers[0].message
    assert all("'value' is not the restore blob" in answer.message for answer in answers[1:])
    assert upload(world, json.dumps(good)).status == 202


@pytest.mark.rule("K2")
@pytest.mark.rule("K3")
def test_k3_who_may_ask_for_the_transfer_key_and_upload(world: World) -> None:
    domain = with_domain(world)
    value = prepared(heir(world), domain)
    calls = {
        "transfer key": lambda who: transfer_key(world, who=who),
        "upload": lambda who: upload(world, value, who=who),
        "status": lambda who: world.data("GET", PENDING, pool=HEIR, who=who),
    }

    assert {name: call(NOBODY).status for name, call in calls.items()} == dict.fromkeys(calls, 401)
    assert transfer_key(world, who=NOBODY).body == "OK"
    refused = {name: call(OTHER) for name, call in calls.items()}
    assert {name: refusal(answer) for name, answer in refused.items()} == dict.fromkeys(
        calls, (403, "AccessDenied")
    )
    assert "securitydomain/transferkey/read" in refused["transfer key"].message
    assert "securitydomain/upload/action" in refused["upload"].message
    assert "securitydomain/upload/read" in refused["status"].message
    assert {name: call(OWNER).status for name, call in calls.items()} == {
        "transfer key": 200, "upload": 202, "status": 200,
    }  # fmt: skip
