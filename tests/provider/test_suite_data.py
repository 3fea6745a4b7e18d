"""The data plane, on every side that has one: in process and over sockets."""

from __future__ import annotations

import hashlib
import time
import uuid

import pytest

from azext_mhsmregion.provider.errors import ForbiddenError, NotFoundError

CRYPTO_USER = "Managed HSM Crypto User"
RSA = {"kty": "RSA-HSM", "key_size": 2048}


def assign(side, role, scope="/keys"):
    """Gives us a built-in role; returns the assignment."""
    provider = side.provider
    definitions = provider.list_role_definitions(side.pool)
    chosen = next(one["id"] for one in definitions if one["properties"]["roleName"] == role)
    return provider.create_role_assignment(side.pool, scope, chosen, provider.whoami(), str(uuid.uuid4()))


@pytest.mark.rule("K3")
def test_an_administrator_cannot_use_keys_until_he_gives_himself_a_role(data_plane_side):
    side, provider = data_plane_side, data_plane_side.provider
    side.activate()
    with pytest.raises(ForbiddenError) as caught:
        provider.create_key(side.pool, "k1", RSA)
    assert caught.value.hint
    made = assign(side, CRYPTO_USER)
    assert made["properties"]["scope"] == "/keys"
    assert made["name"] in [one["name"] for one in provider.list_role_assignments(side.pool, "/keys")]
    digest = hashlib.sha256(b"message").digest()
    key = provider.create_key(side.pool, "k1", RSA)
    assert key["key"]["kid"].startswith(f"https://{side.pool}.managedhsm.azure.net/keys/k1/")
    signed = provider.sign(side.pool, "k1", "", "RS256", digest)
    signature = unpadded(signed["value"])
    assert provider.verify(side.pool, "k1", "", "RS256", digest, signature)
    assert not provider.verify(side.pool, "k1", "", "RS256", digest[::-1], signature)
    assert [one["kid"].rpartition("/")[2] for one in provider.list_keys(side.pool)] == ["k1"]


def test_a_role_that_is_taken_back_is_given_back_and_gone(data_plane_side):
    side, provider = data_plane_side, data_plane_side.provider
    side.activate()
    made = assign(side, CRYPTO_USER, "/")
    assert provider.delete_role_assignment(side.pool, "/", made["name"]) == made
    assert made["name"] not in [one["name"] for one in provider.list_role_assignments(side.pool)]
    with pytest.raises(NotFoundError):
        provider.delete_role_assignment(side.pool, "/", str(uuid.uuid4()))


@pytest.mark.rule("L4")
def test_both_regions_agree_on_a_key_after_the_lag(data_plane_side):
    side, provider = data_plane_side, data_plane_side.provider
    side.activate()
    assign(side, CRYPTO_USER)
    side.add()
    provider.create_key(side.pool, "k1", RSA)
    end = time.monotonic() + 10
    while not (found := provider.replication(side.pool, "k1")).agreed:
        assert time.monotonic() < end, f"the regions do not agree after ten seconds: {found}"
        time.sleep(0.1)
    assert found.exact is side.knows_hours


def test_a_key_that_does_not_exist_is_not_found(data_plane_side):
    side = data_plane_side
    side.activate()
    assign(side, CRYPTO_USER)
    with pytest.raises(NotFoundError):
        side.provider.get_key(side.pool, "nothing")


def unpadded(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
