"""Rule K2's second half: tokens are checked for signature, audience, tenant, expiry."""

import stat

import jwt
import pytest

from azext_mhsmregion.emulator.entra.tokens import (
    LIFETIME,
    SKEW,
    TokenError,
    TokenExpired,
    TokenInvalid,
    Tokens,
    WrongAudience,
    WrongTenant,
)

HSM = "https://managedhsm.azure.net"
OTHER_TENANT = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def tokens(context):
    return context.tokens


@pytest.fixture
def token(tokens, directory):
    return tokens.issue(directory.app, HSM)


def test_an_apps_token_has_entras_claims(token, directory, clock):
    claims = jwt.decode(token, options={"verify_signature": False})
    app = directory.app
    assert claims["iss"] == f"https://sts.windows.net/{directory.tenant_id}/"
    assert (claims["aud"], claims["tid"], claims["ver"]) == (HSM, directory.tenant_id, "1.0")
    assert (claims["oid"], claims["sub"], claims["appid"]) == (app.object_id, app.object_id, app.app_id)
    assert claims["idtyp"] == "app"
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (clock(), clock(), clock() + LIFETIME)


def test_a_users_token_names_the_user(tokens, directory):
    claims = tokens.verify(tokens.issue(directory.owner, HSM), [HSM])
    assert (claims.kind, claims.object_id) == ("user", directory.owner.object_id)
    assert claims.name == "owner@mhsmregion.onmicrosoft.com"


def test_a_published_key_verifies_a_token(tokens, token):
    (row,) = tokens.key_set()["keys"]
    assert jwt.get_unverified_header(token)["kid"] == row["kid"]
    key = jwt.PyJWK({**row, "alg": "RS256"}).key
    times = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    assert jwt.decode(token, key, algorithms=["RS256"], audience=HSM, options=times)


@pytest.mark.rule("K2")
def test_k2_a_good_token_is_accepted_again_and_again(tokens, token, directory):
    assert tokens.verify(token, [HSM]) is tokens.verify(token, [HSM + "/"])
    assert tokens.verify(token, [HSM]).app_id == directory.app.app_id


@pytest.mark.rule("K2")
@pytest.mark.parametrize("is_known", [False, True])
def test_k2_a_token_for_another_resource_is_refused(tokens, token, is_known):
    if is_known:
        tokens.verify(token, [HSM])
    with pytest.raises(WrongAudience, match="Found token with aud=.*, but expected aud=https://a") as caught:
        tokens.verify(token, ["https://a"])
    assert (caught.value.found, caught.value.expected) == (HSM, ("https://a",))


@pytest.mark.rule("K2")
@pytest.mark.parametrize("is_known", [False, True])
def test_k2_a_token_ends_with_its_hour(tokens, token, clock, is_known):
    if is_known:
        tokens.verify(token, [HSM])
    clock.seconds += LIFETIME - 1
    tokens.verify(token, [HSM])
    clock.seconds += 1
    with pytest.raises(TokenExpired):
        tokens.verify(token, [HSM])


@pytest.mark.rule("K2")
def test_k2_a_token_from_the_future_is_refused(tokens, token, clock):
    clock.seconds -= SKEW
    tokens.verify(token, [HSM])
    clock.seconds -= 1
    with pytest.raises(TokenInvalid):
        tokens.verify(token, [HSM])


@pytest.mark.rule("K2")
def test_k2_a_token_of_another_tenant_is_refused(entra_home, directory, clock, token):
    elsewhere = Tokens(entra_home, directory._replace(tenant_id=OTHER_TENANT), clock)
    with pytest.raises(WrongTenant) as caught:
        elsewhere.verify(token, [HSM])
    assert directory.tenant_id in caught.value.found
    assert OTHER_TENANT in caught.value.expected


@pytest.mark.rule("K2")
def test_k2_a_token_signed_by_another_home_is_refused(tmp_path, tokens, directory, clock):
    forged = Tokens(tmp_path, directory, clock).issue(directory.owner, HSM)
    with pytest.raises(TokenInvalid):
        tokens.verify(forged, [HSM])


@pytest.mark.rule("K2")
def test_k2_a_token_that_was_changed_is_refused(tokens, token, directory):
    head, body, signature = token.split(".")
    owners = tokens.issue(directory.owner, HSM).split(".")[1]
    tokens.verify(token, [HSM])
    with pytest.raises(TokenInvalid):
        tokens.verify(f"{head}.{owners}.{signature}", [HSM])


@pytest.mark.rule("K2")
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_k2_another_algorithm_is_refused(tokens, token, algorithm):
    claims = jwt.decode(token, options={"verify_signature": False})
    key = None if algorithm == "none" else "k" * 64
    with pytest.raises(TokenInvalid):
        tokens.verify(jwt.encode(claims, key, algorithm=algorithm), [HSM])


@pytest.mark.rule("K2")
@pytest.mark.parametrize("text", ["", "x", "a.b.c", "ü.ü.ü", "." * 5, "e30.e30.e30", "\ud800"])
def test_k2_what_is_no_token_is_refused(tokens, text):
    with pytest.raises(TokenInvalid):
        tokens.verify(text, [HSM])


@pytest.mark.rule("K2")
def test_k2_a_refusal_does_not_repeat_the_token(tokens, token, tmp_path, directory, clock):
    forged = Tokens(tmp_path, directory, clock).issue(directory.owner, HSM)
    for refused, audience in ((forged, HSM), (token, "https://a")):
        with pytest.raises(TokenError) as caught:
            tokens.verify(refused, [audience])
        assert not any(part in str(caught.value) for part in refused.split("."))


def test_tokens_outlive_the_process(entra_home, directory, clock, token):
    assert Tokens(entra_home, directory, clock).verify(token, [HSM])


def test_the_signing_key_is_the_owners_alone(entra_home, token):
    assert stat.S_IMODE((entra_home / "token-key.pem").stat().st_mode) == 0o600


def test_the_cache_is_bounded(tokens, directory):
    for number in range(1100):
        tokens._verified[str(number)] = None
    tokens.verify(tokens.issue(directory.app, HSM), [HSM])
    assert len(tokens._verified) == 1
