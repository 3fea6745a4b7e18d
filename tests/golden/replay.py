"""Replays a recording of the real service against the emulator's handlers.

The contract is ``shared/golden/README.md``, "What replays means": data flow, not bytes. What a
replay needs beside the recording stands in ``tests/golden/<name>.toml`` (``replay_script.py``);
an entry there that nothing used fails the replay, as does a declared difference that no longer
differs.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from replay_script import Script, ScriptError, Unordered
from replay_values import Bag, Difference, Texts, compare, cuts, get, nodes, put, read_body, short
from rules import recovering
from ways import Ask, in_process

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.emulator.service import Emulator, manual_clock, open_emulator
from azext_mhsmregion.emulator.wire import Request, Response

ARM, GRAPH = "management.azure.com", "graph.microsoft.com"
POOL_AUDIENCE = "https://managedhsm.azure.net"
ARM_API, DATA_API = "api-version=2023-07-01", "api-version=7.4"
NOT_COVERED = "is not implemented by this emulator"
LARGEST_SKIPPED_SHARE = 10
"""At most one exchange of so many may be skipped, over all recordings."""

Exchange = Mapping[str, Any]
Alter = Callable[[int, Response], Response]
Way = Callable[[Emulator], ContextManager[Ask]]
"""How requests reach the emulator: a call, or a socket."""


def _make_certificates(run: _Replay, index: int) -> Any:
    return recovering.request()["certificates"]


def _make_restore_blob(run: _Replay, index: int) -> str:
    """The security domain that was downloaded last, for the pool that gave the last transfer key."""
    domain = run.newest_answer("/securitydomain/download")["value"]
    return recovering.restore_blob(domain, run.newest_answer("/securitydomain/upload"))


def _make_ciphertext(run: _Replay, index: int) -> str:
    """The plaintext that exchange ``index`` was answered with, encrypted by pyca to the key that the
    emulator made: the recorded ciphertext is for the service's own."""
    exchange = run.recording[index]
    path = run.texts.ours(exchange["request"]["path"]).rsplit("/", 1)[0]
    answer = run.call("GET", exchange["request"]["host"], path, DATA_API)
    jwk = json.loads(answer.body)["key"]
    public = rsa.RSAPublicNumbers(b64url.decode_int(jwk["e"]), b64url.decode_int(jwk["n"])).public_key()
    hash_ = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}[exchange["request"]["body"]["alg"]]
    plaintext = b64url.decode(exchange["response"]["body"]["value"])
    return b64url.encode(public.encrypt(plaintext, padding.OAEP(padding.MGF1(hash_), hash_, None)))


def _make_private_key(run: _Replay, index: int) -> Dict[str, str]:
    """A whole JWK of the kind and size of the recorded one, whose private part was removed: no other
    public part belongs to a private part of ours."""
    recorded = run.recording[index]["request"]["body"]["key"]
    if recorded["kty"] == "EC":
        assert recorded["crv"] == "P-256"
        private = ec.generate_private_key(ec.SECP256R1()).private_numbers()
        point = private.public_numbers
        numbers = {"x": (point.x, 32), "y": (point.y, 32), "d": (private.private_value, 32)}
        whole = {key: b64url.encode_int(*pair) for key, pair in numbers.items()}
        return {"kty": "EC", "crv": "P-256", **whole}
    size = b64url.decode_int(recorded["n"]).bit_length()
    made = rsa.generate_private_key(65537, size).private_numbers()
    members = {
        "n": made.public_numbers.n, "e": made.public_numbers.e, "d": made.d, "p": made.p, "q": made.q,
        "dp": made.dmp1, "dq": made.dmq1, "qi": made.iqmp,
    }  # fmt: skip
    return {"kty": "RSA", **{key: b64url.encode_int(number) for key, number in members.items()}}


MAKERS: Dict[str, Callable[[_Replay, int], Any]] = {
    "private-key": _make_private_key,
    "certificates": _make_certificates,
    "ciphertext": _make_ciphertext,
    "restore-blob": _make_restore_blob,
}


@dataclass
class Report:
    """``compared`` exchanges were sent and compared whole, with ``assertions`` comparisons;
    ``repeated`` more sendings of them were compared too; ``different`` of the compared ones show
    declared differences. ``absent`` ones the emulator itself says it does not implement.
    ``problems`` is everything that fails the replay."""

    name: str
    exchanges: int
    compared: int = 0
    assertions: int = 0
    repeated: int = 0
    absent: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    different: int = 0
    problems: List[str] = field(default_factory=list)

    def line(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
        return (
            f"golden {self.name}: {self.exchanges} exchanges, {self.compared} compared "
            f"({self.assertions} assertions), {self.repeated} repeated, {sum(self.skipped.values())} skipped"
            f"{f' ({reasons})' if reasons else ''}, {self.different} different (declared)"
            f"{f', {self.absent} absent' if self.absent else ''}"
        )


def check_share(skipped_and_all: Iterable[Tuple[int, int]]) -> Tuple[int, int]:
    """Skipped and all exchanges over several recordings. Raises ScriptError above a tenth."""
    pairs = list(skipped_and_all)
    skipped, every = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    if skipped * LARGEST_SKIPPED_SHARE > every:
        raise ScriptError(f"{skipped} of {every} exchanges are skipped: more than a tenth")
    return skipped, every


def replay(
    script: Script,
    recording: Sequence[Exchange],
    home: Path,
    alter: Alter = lambda index, answer: answer,
    way: Way = in_process,
) -> Report:
    """Replay ``recording`` on a fresh emulator in ``home``, reached by ``way``. ``alter`` may change
    an answer before it is compared: the engine's own mutation check. Raises ScriptError."""
    _check_script(script, recording)
    emulator = _emulator(home, script)
    with way(emulator) as ask:
        return _Replay(script, recording, emulator, ask, alter).run()


def _check_script(script: Script, recording: Sequence[Exchange]) -> None:
    used = [*script.skipped, *script.absent, *script.anonymous, *(item.exchange for item in script.inputs)]
    used += [index for item in script.declared for index in item.exchanges]
    unknown = [step.do for step in script.setup if step.do not in SETUP]
    unknown += [item.make for item in script.inputs if item.make not in MAKERS]
    if unknown:
        raise ScriptError(f"{script.name}: no such set-up or maker: {', '.join(unknown)}")
    beyond = [index for index in used if not 0 <= index < len(recording)]
    if beyond:
        raise ScriptError(f"{script.name}: no such exchanges: {beyond}")
    for index, reason in script.skipped.items():
        if reason == "cut-input" and not cuts(recording[index]["request"]["body"]):
            raise ScriptError(f"{script.name}: exchange {index}: nothing of the request is cut")


# -- the engine --------------------------------------------------------------------------------
class _Replay:
    def __init__(
        self, script: Script, recording: Sequence[Exchange], emulator: Emulator, ask: Ask, alter: Alter
    ) -> None:
        self.script, self.recording, self.alter = script, recording, alter
        self.emulator, self.ask = emulator, ask
        self.texts = Texts({old: self._own(new) for old, new in script.substitutions.items()})
        self.report = Report(script.name, len(recording))
        self.used: Set[Tuple[str, int]] = set()
        self.met: Set[Tuple[int, int]] = set()
        self.bearers: Dict[str, str] = {}
        self.answers: Dict[str, Any] = {}
        self.newest: Dict[str, Dict[str, str]] = {}
        """The query of each operation's address as the newest answer named it: recordings of 2023 poll
        a bare address, which is not signed (C4c)."""

    def run(self) -> Report:
        steps = list(self.script.setup)
        for index, exchange in enumerate(self.recording):
            for step in [step for step in steps if step.before == index]:
                SETUP[step.do](self, **step.options)
            if index in self.script.skipped:
                self.report.skipped[self.script.skipped[index]] += 1
            elif index in self.script.absent:
                self._find_absent(index, exchange)
            else:
                self._play(index, exchange)
        self._find_stale()
        return self.report

    # -- one exchange ---------------------------------------------------------------------------
    def _play(self, index: int, exchange: Exchange) -> None:
        request = self._request(index, exchange["request"])
        self.emulator.configure(advance_on_poll=self._ends_a_wait(index))
        declared = False
        for turn in range(int(exchange.get("repeated", 1))):
            answer = self.alter(index, self._asked(request))
            self.answers[request.path] = read_body(answer.body)
            found, checks = self._differences(index, exchange["response"], answer)
            open_ones = [item for item in found if not self._is_declared(item)]
            self.report.problems += [str(item) for item in open_ones]
            declared = declared or len(open_ones) < len(found)
            if turn == 0:
                self.report.compared += 1
                self.report.assertions += checks
            else:
                self.report.repeated += 1
        self.report.different += declared

    def _asked(self, request: Request) -> Response:
        """The answer, asked at the newest address where one was given out."""
        followed = {**request.query, **self.newest.get(request.path, {})}
        answer = self.ask(request._replace(query=followed))
        parts = urlsplit(answer.header("location") or "")
        if parts.query:
            self.newest[parts.path] = dict(parse_qsl(parts.query))
        return answer

    def newest_answer(self, path: str) -> Any:
        """The body that the emulator answered last at an address."""
        return self.answers[path]

    def _find_absent(self, index: int, exchange: Exchange) -> None:
        request = self._request(index, exchange["request"], whole=False)
        body = read_body(self.ask(request).body)
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict) or NOT_COVERED not in str(error.get("message")):
            self.report.problems.append(f"exchange {index}: is not absent any more: {short(body)}")
        self.report.absent += 1

    def _request(self, index: int, recorded: Mapping[str, Any], whole: bool = True) -> Request:
        """The recorded request with our identifiers and inputs, and a token of the owner's."""
        body = self.texts.ours(recorded["body"])
        for number, item in enumerate(self.script.inputs):
            if item.exchange == index:
                self._see("input", number)
                put(body, item.where, MAKERS[item.make](self, index))
        if whole and cuts(body):
            raise ScriptError(f"{self.script.name}: exchange {index}: cut, and not made: {cuts(body)}")
        self._learn(recorded["body"], body, "request")
        query = self.texts.ours(dict(parse_qsl(recorded["query"], keep_blank_values=True)))
        path = self.texts.ours(recorded["path"])
        data = b"" if body is None else json.dumps(body).encode()
        bearer = {} if index in self.script.anonymous else self._bearer(recorded["host"])
        return Request(recorded["method"], recorded["host"], path, query, bearer, data)

    def _ends_a_wait(self, index: int) -> bool:
        """The exchange that a recorded run of polls ends with: only there time moves on."""
        if index == 0 or self.recording[index - 1]["request"] != self.recording[index]["request"]:
            return False
        before = self.recording[index - 1]["response"]
        body = before["body"]
        waiting = isinstance(body, dict) and body.get("status") == "InProgress"
        return bool(before["status"] == 202 or waiting)

    # -- comparing ------------------------------------------------------------------------------
    def _differences(
        self, index: int, recorded: Mapping[str, Any], answer: Response
    ) -> Tuple[List[Difference], int]:
        """Differences, and how many comparisons there were."""
        found: List[Difference] = []
        if answer.status != recorded["status"]:
            found.append(Difference(index, "status", "value", recorded["status"], answer.status))
        old, new = (
            self._read(recorded["body"], self.texts.ours),
            self._read(read_body(answer.body), lambda item: item),
        )
        self._learn(old, new, "body")
        for name in self.script.headers_equal:
            self._learn(recorded["headers"].get(name), answer.header(name), f"header:{name}")
        headers = [*self.script.headers_equal, *self.script.headers_present]
        for name in headers:
            found += self._header(index, name, recorded["headers"].get(name), answer.header(name))
        body, checks = compare(index, self.texts.ours(old), new, self._is_volatile)
        return found + body, 1 + len(headers) + checks

    def _header(self, index: int, name: str, old: Optional[str], new: Optional[str]) -> List[Difference]:
        where = f"header:{name}"
        if (old is None) != (new is None):
            return [Difference(index, where, "missing" if new is None else "extra", old, new)]
        expected = self.texts.ours(old)
        if name in self.script.headers_present or expected == new:
            return []
        return [Difference(index, where, "value", expected, new)]

    def _read(self, body: Any, ours: Callable[[Any], Any]) -> Any:
        """A body with what is JSON inside texts read, and lists without order as bags."""
        return self._bags(self._embedded(body, "body"), "body", ours)

    def _embedded(self, item: Any, at: str) -> Any:
        if isinstance(item, dict):
            return {key: self._embedded(value, f"{at}.{key}") for key, value in item.items()}
        if isinstance(item, str):
            for number, place in enumerate(self.script.embedded):
                if place.fullmatch(at):
                    self._see("embedded", number)
                    return read_body(item.encode())
        return item

    def _bags(self, item: Any, at: str, ours: Callable[[Any], Any]) -> Any:
        if isinstance(item, dict):
            return {key: self._bags(value, f"{at}.{key}", ours) for key, value in item.items()}
        if not isinstance(item, list):
            return item
        for number, rule in enumerate(self.script.unordered):
            if rule.where.fullmatch(at):
                self._see("unordered", number)
                return self._bag(item, at, rule, ours)
        return [self._bags(value, f"{at}[{place}]", ours) for place, value in enumerate(item)]

    def _bag(self, items: List[Any], at: str, rule: Unordered, ours: Callable[[Any], Any]) -> Bag:
        made = Bag()
        for item in items:
            own = ours(item)
            members = [get(own, member) for member in rule.by]
            key = "|".join(str(member) for member in members if member is not None) or str(own)
            while key in made:
                key += "+"
            made[key] = self._bags(item, f"{at}{{{key}}}", ours)
        return made

    def _learn(self, old: Any, new: Any, at: str) -> None:
        """Take the emulator's values at the places of ``learn``."""
        recorded, own = nodes(old, at), nodes(new, at)
        for where, node in recorded.items():
            other = own.get(where)
            for number, rule in enumerate(self.script.learn):
                if other is None or not rule.where.fullmatch(where):
                    continue
                if not isinstance(node[1], str) or not isinstance(other[1], str):
                    continue
                ours, theirs = rule.pattern.search(other[1]), rule.pattern.search(node[1])
                if ours and theirs:
                    self._see("learn", number)
                    self.texts.learn(theirs[1], ours[1])

    # -- what the script's entries are good for ----------------------------------------------------
    def _is_volatile(self, where: str) -> bool:
        for number, place in enumerate(self.script.volatile):
            if place.fullmatch(where):
                self._see("volatile", number)
                return True
        return False

    def _is_declared(self, found: Difference) -> bool:
        for number, item in enumerate(self.script.declared):
            if item.accepts(found):
                self.met.add((number, found.exchange))
                return True
        return False

    def _see(self, table: str, number: int) -> None:
        self.used.add((table, number))

    def _find_stale(self) -> None:
        tables: Dict[str, Sequence[Any]] = {
            "input": self.script.inputs,
            "learn": self.script.learn,
            "unordered": self.script.unordered,
            "embedded": self.script.embedded,
            "volatile": self.script.volatile,
        }
        for table, rows in tables.items():
            for number, row in enumerate(rows):
                if (table, number) not in self.used:
                    self.report.problems.append(f"stale: [[{table}]] {row} was not used")
        for number, item in enumerate(self.script.declared):
            for index in item.exchanges:
                if (number, index) not in self.met:
                    where = f"{item.where.pattern} of exchange {index}"
                    self.report.problems.append(f"stale: no difference as declared at {where}: {item.why}")

    # -- the emulator ---------------------------------------------------------------------------
    def _own(self, name: str) -> str:
        """The emulator's identifier of a substitution."""
        directory = self.emulator.directory
        user, _, member = name.rpartition(".")
        if not user:
            return {"subscription": directory.subscription_id, "tenant": directory.tenant_id}[name]
        principal = directory.by_name(user)
        if principal is None:
            raise ScriptError(f"{self.script.name}: no user {user}")
        members = {
            "id": principal.object_id,
            "name": principal.user_principal_name,
            "label": principal.name,
        }
        return members[member]

    def _bearer(self, host: str) -> Dict[str, str]:
        audience = f"https://{host}" if host in (ARM, GRAPH) else POOL_AUDIENCE
        if audience not in self.bearers:
            self.bearers[audience] = self.emulator.tokens().issue(self.emulator.directory.owner, audience)
        return {"authorization": f"Bearer {self.bearers[audience]}"}

    def call(self, method: str, host: str, path: str, query: str, body: Any = None) -> Response:
        """One request of the set-up, by the owner. Raises ScriptError for a refusal."""
        data = b"" if body is None else json.dumps(body).encode()
        request = Request(method, host, path, dict(parse_qsl(query)), self._bearer(host), data)
        self.emulator.configure(advance_on_poll=True)
        answer = self.ask(request)
        if answer.status >= 400:
            raise ScriptError(f"{self.script.name}: set-up {method} {path}: {answer.status} {answer.body!r}")
        return answer


def _emulator(home: Path, script: Script) -> Emulator:
    """A fresh home whose directory has the owner and the script's users, on a manual clock."""
    home.mkdir(parents=True)
    people = [
        {"name": name, "kind": "user", "objectId": str(uuid.uuid4())} for name in ("owner", *script.users)
    ]
    directory = {"tenantId": str(uuid.uuid4()), "subscriptionId": str(uuid.uuid4()), "principals": people}
    (home / "directory.json").write_text(json.dumps(directory), encoding="utf-8")
    emulator = open_emulator(home)
    emulator.set_clock(lambda clock, real: manual_clock(0))
    emulator.configure(durations=script.durations)
    return emulator


# -- set-up that is not in the recording -----------------------------------------------------------
def _clock(run: _Replay, at: Any) -> None:
    """Service time is ``at``: text as the service writes it, or seconds since the epoch."""
    when = int(at) * 1000 if isinstance(at, int) else _milliseconds(at)
    run.emulator.set_clock(lambda clock, real: clock.advanced(real, when - clock.now(real)))


def _group(run: _Replay, name: str, location: str) -> None:
    subscription = run.emulator.directory.subscription_id
    path = f"/subscriptions/{subscription}/resourceGroups/{name}"
    run.call("PUT", ARM, path, "api-version=2021-04-01", {"location": location})


def _pool(run: _Replay, like: int) -> None:
    """A pool with the properties that the answer of exchange ``like`` shows."""
    shown = run.texts.ours(run.recording[like]["response"]["body"])
    _create(run, shown["id"], {key: shown[key] for key in ("location", "sku", "tags", "properties")})


def _bare_pool(run: _Replay, name: str, group: str, location: str, retention: int) -> None:
    """A pool that no answer shows: the owner is its administrator."""
    owner, subscription = run.emulator.directory.owner.object_id, run.emulator.directory.subscription_id
    properties = {"initialAdminObjectIds": [owner], "softDeleteRetentionInDays": retention}
    body = {"location": location, "sku": {"family": "B", "name": "Standard_B1"}, "properties": properties}
    above = f"/subscriptions/{subscription}/resourceGroups/{group}"
    path = f"{above}/providers/Microsoft.KeyVault/managedHSMs/{name}"
    _create(run, path, body)


def _create(run: _Replay, path: str, body: Mapping[str, Any]) -> None:
    location = run.call("PUT", ARM, path, ARM_API, body).header("location") or ""
    operation, _, query = location.partition(ARM)[2].partition("?")
    run.call("GET", ARM, operation, query)


def _activate(run: _Replay, host: str) -> None:
    body = recovering.request()
    run.call("POST", host, "/securitydomain/download", DATA_API, body)
    run.call("GET", host, "/securitydomain/download/pending", DATA_API)


def _assign(run: _Replay, host: str, role: str) -> None:
    """The owner gets ``role`` on everything."""
    definition = f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{role}"
    properties = {"roleDefinitionId": definition, "principalId": run.emulator.directory.owner.object_id}
    path = f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    run.call("PUT", host, path, DATA_API, {"properties": properties})


SETUP: Dict[str, Callable[..., None]] = {
    "clock": _clock,
    "group": _group,
    "pool": _pool,
    "bare-pool": _bare_pool,
    "activate": _activate,
    "assign": _assign,
}


def _milliseconds(text: str) -> int:
    shape = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ"
    moment = datetime.strptime(text, shape).replace(tzinfo=timezone.utc)
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)
