"""What may not be committed does not get into a cassette. A life of a pool is recorded with its
login against a fresh emulator, whose secrets are all known here, and each is looked for in the
file; the same without the scrubber, which must hold them, shows that the looking works."""

import base64
import json
import re
from urllib.parse import quote

import pytest
import scrub
import yaml
from cassette import without_repeated_polls
from scenario import recorded
from scenarios import pool_create_activate_delete_recover_purge
from test_cassettes import problems

from azext_mhsmregion.emulator.entra.tokens import Tokens

TOKEN = f"eyJ{'a' * 20}.eyJ{'b' * 20}.{'c' * 20}"
REAL = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


@pytest.fixture
def tokens(monkeypatch):
    """Every token that the emulator issues."""
    issued = []
    issue = Tokens.issue

    def remembered(self, *arguments):
        issued.append(issue(self, *arguments))
        return issued[-1]

    monkeypatch.setattr(Tokens, "issue", remembered)
    return issued


def secrets_of(service, folder, tokens):
    """Everything that is nobody's business, by name."""
    environment = service.environment
    domain = json.loads((folder / "domain.json").read_text())
    texts = [text for text in strings_in(domain) if len(text) >= 32]
    lines = [file.read_text().splitlines()[3] for file in sorted(folder.glob("*.cer"))]
    return {
        "tenant": environment["AZURE_TENANT_ID"],
        "subscription": environment["AZURE_SUBSCRIPTION_ID"],
        "client id": environment["AZURE_CLIENT_ID"],
        "client secret": environment["AZURE_CLIENT_SECRET"],
        "caller": next(real for real, other in service.names.known.items() if other == scrub.CALLER),
        "pool": service.names.pool,
        "pool's random suffix": service.names.pool.partition("-")[2],
        **{f"token {number}": token for number, token in enumerate(tokens)},
        **{f"token {number}, signature": token.split(".")[2] for number, token in enumerate(tokens)},
        **{f"security domain, text {number}": text for number, text in enumerate(texts)},
        **{f"certificate {number}": line for number, line in enumerate(lines)},
    }


def strings_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else []


def found_in(text, secrets):
    """Names of the secrets that stand in a cassette: in the file or in its values, as they are,
    in another case, escaped for a URL or a JSON text, in base64."""
    everything = "\n".join([text, *strings_in(yaml.safe_load(text))])
    everything = everything.lower() + everything.replace("\\", "").lower()

    def stands(secret):
        encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
        spellings = (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], encoded)
        return any(spelling.lower() in everything for spelling in spellings)

    return sorted(name for name, secret in secrets.items() if stands(secret))


@pytest.mark.socket
def test_no_secret_gets_into_a_cassette(emulator_service, tmp_path, tokens):
    path = tmp_path / "scrubbed.yaml"
    with recorded(path, tmp_path, emulator_service, with_login=True) as scenario:
        pool_create_activate_delete_recover_purge(scenario)
    text = path.read_text()
    secrets = secrets_of(emulator_service, tmp_path, tokens)
    assert len(tokens) >= 2
    assert "/oauth2/v2.0/token" in text, "the login was not recorded, so nothing was proven"
    assert "/securitydomain/download" in text
    assert found_in(text, secrets) == []
    assert problems(text) == []


@pytest.mark.socket
def test_without_the_scrubber_each_secret_would_be_there(emulator_service, tmp_path, tokens):
    path = tmp_path / "raw.yaml"
    with recorded(path, tmp_path, emulator_service, scrubbed=False, with_login=True) as scenario:
        pool_create_activate_delete_recover_purge(scenario)
    secrets = secrets_of(emulator_service, tmp_path, tokens)
    assert found_in(path.read_text(), secrets) == sorted(secrets)
    kinds = " ".join(problems(path.read_text()))
    for kind in ("JWT", "GUID", "header"):
        assert kind in kinds


# -- single rules ------------------------------------------------------------------------
def request(body=b"", uri="https://management.azure.com/x", **headers):
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return {"method": "POST", "uri": uri, "body": body, "headers": named}


def answer(body, **headers):
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return {"status": {"code": 200, "message": "OK"}, "headers": named, "body": {"string": body}}


JSON = {"content_type": "application/json"}
FORM = {"content_type": "application/x-www-form-urlencoded"}


def test_headers_are_kept_by_an_allow_list():
    sent = request(authorization=f"Bearer {TOKEN}", x_ms_client_request_id=REAL, cookie="a=b", **JSON)
    assert scrub.Scrubber({}).request(sent)["headers"] == {"content-type": ["application/json"]}
    got = answer(b"", x_ms_request_id=REAL, set_cookie="a=b", retry_after="1", date="today")
    assert scrub.Scrubber({}).response(got, "https://x/y")["headers"] == {"retry-after": ["1"]}


def test_a_form_loses_secrets_and_assertions():
    body = f"client_id={REAL}&client_secret=s3cret&client_assertion={TOKEN}&assertion=x&grant_type=password"
    body += "&username=me%40corp.example&password=p&refresh_token=r&scope=https%3A%2F%2Fvault%2F.default"
    made = scrub.Scrubber({REAL: scrub.CLIENT}).request(request(body.encode(), **FORM))["body"]
    assert made == (
        f"client_id={scrub.CLIENT}&client_secret=scrubbed&client_assertion=scrubbed&assertion=scrubbed"
        "&grant_type=password&username=scrubbed&password=scrubbed&refresh_token=scrubbed"
        "&scope=https%3A%2F%2Fvault%2F.default"
    )


def test_an_answers_tokens_are_scrubbed():
    body = json.dumps({"access_token": "opaque", "id_token": TOKEN, "refresh_token": "r", "expires_in": 3599})
    made = scrub.Scrubber({}).response(answer(body.encode(), **JSON), "https://login/x")["body"]["string"]
    assert json.loads(made) == {
        "access_token": "scrubbed",
        "expires_in": 3599,
        "id_token": "scrubbed",
        "refresh_token": "scrubbed",
    }


def test_known_values_go_wherever_they_stand():
    scrubber = scrub.Scrubber({REAL: scrub.TENANT, "mhsm-a1b2c3": "mhsm-000001"})
    made = scrubber.request(request(uri=f"https://mhsm-a1b2c3.managedhsm.azure.net/x?t={REAL.upper()}"))
    assert made["uri"] == f"https://mhsm-000001.managedhsm.azure.net/x?t={scrub.TENANT}"
    location = answer(b"", location=f"https://management.azure.com/subscriptions/{REAL}")
    made = scrubber.response(location, "https://x/y")
    assert made["headers"]["location"] == [f"https://management.azure.com/subscriptions/{scrub.TENANT}"]


def test_when_an_address_was_signed_is_left_out():
    scrubber = scrub.Scrubber({})
    assert scrubber.text(f"https://a/b?c=1&t=638800000000000000&h={'0a' * 16}") == (
        f"https://a/b?c=1&t={'0' * 18}&h={1:032x}"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"a {TOKEN} b",
        "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        "from me@corp.example",
        REAL,
    ],
)
def test_what_looks_like_a_secret_goes_from_any_text(text):
    made = scrub.Scrubber({}).response(answer(text.encode(), content_type="text/plain"), "https://x/y")
    assert problems(yaml.safe_dump(made)) == []
    assert not any(word in made["body"]["string"] for word in (TOKEN, "MIIC", "corp", REAL))


def test_ids_are_numbered_in_order_and_again_the_same():
    other, version = "11111111-2222-3333-4444-555555555555", "0123456789abcdef" * 2
    scrubber = scrub.Scrubber({})
    once = scrubber.text(f"{REAL} {other} {REAL.upper()} {version}")
    assert once == (
        "00000000-0000-0000-0000-000000000100 00000000-0000-0000-0000-000000000101 "
        f"00000000-0000-0000-0000-000000000100 {'1'.zfill(32)}"
    )
    assert scrub.Scrubber({}).text(once) == once


def test_built_in_roles_stay_as_they_are():
    role = sorted(scrub.BUILT_IN_ROLES)[0]
    assert scrub.Scrubber({}).text(f"roleDefinitions/{role}") == f"roleDefinitions/{role}"


def test_a_signature_still_decodes_and_is_recognised_when_it_comes_back():
    signature = base64.urlsafe_b64encode(b"s" * 256).decode().rstrip("=")
    pool = "https://p.managedhsm.azure.net/keys/k/"
    scrubber = scrub.Scrubber({})
    made = scrubber.response(answer(json.dumps({"value": signature}).encode(), **JSON), f"{pool}sign")
    shown = json.loads(made["body"]["string"])["value"]
    assert base64.urlsafe_b64decode(shown + "==") != b"s" * 256
    recorded_one = json.dumps({"alg": "RS256", "value": signature}).encode()
    replayed_one = json.dumps({"alg": "RS256", "value": shown}).encode()
    bodies = [
        one.request(request(body, f"{pool}verify", **JSON))["body"]
        for one, body in ((scrubber, recorded_one), (scrub.Scrubber({}), replayed_one))
    ]
    assert bodies[0] == bodies[1]
    assert signature not in bodies[0]


def test_certificates_and_the_security_domain_are_gone():
    uri = "https://p.managedhsm.azure.net/securitydomain/download"
    body = json.dumps({"certificates": [{"x5c": ["MIIC"], "kty": "RSA"}], "required": 2}).encode()
    made = scrub.Scrubber({}).request(request(body, uri, **JSON))["body"]
    assert json.loads(made) == {"certificates": "scrubbed", "required": 2}
    domain = json.dumps({"value": json.dumps({"EncData": {"data": "secret"}})}).encode()
    made = scrub.Scrubber({}).response(answer(domain, **JSON), uri)["body"]["string"]
    assert json.loads(made) == {"value": scrub.SECURITY_DOMAIN}


# -- polls -------------------------------------------------------------------------------
def exchange(state, uri="https://management.azure.com/x", code=200, method="GET"):
    body = json.dumps({"properties": {"provisioningState": state}})
    return {
        "request": {"method": method, "uri": uri, "body": None, "headers": {}},
        "response": {"status": {"code": code, "message": ""}, "headers": {}, "body": {"string": body}},
    }


def test_repeated_polls_are_dropped():
    waiting, done = exchange("Provisioning"), exchange("Succeeded")
    assert without_repeated_polls([waiting, waiting, waiting, done]) == [waiting, done]
    accepted = exchange("", code=202)
    assert without_repeated_polls([accepted, accepted, done]) == [accepted, done]


def test_what_is_no_poll_is_kept():
    done, patch = exchange("Succeeded"), exchange("Provisioning", method="PATCH")
    other = exchange("Provisioning", uri="https://management.azure.com/y")
    everything = [done, done, patch, patch, exchange("Provisioning"), other, exchange("Provisioning")]
    assert without_repeated_polls(everything) == everything


def test_the_expressions_match_what_they_should():
    assert re.fullmatch(scrub.JWT, TOKEN)
    assert re.fullmatch(scrub.GUID, REAL)
