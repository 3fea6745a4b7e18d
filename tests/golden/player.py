"""Plays the recorded region exchanges to the ARM provider: a state machine fed by the recording.

What was recorded is answered as recorded: status, headers, body. What was not (the list by
subscription, the pool between acceptance and end, the regions after the removal) is answered
from the state that the recording has reached, and counted as *synthesised*, never as compared.

Each request that meets a recorded exchange is compared with the recorded one: method, host,
path, api-version, body. Our PATCH is meant to be a true subset of the recorded body (DESIGN
section 5): a *declared difference*, which fails when it is no subset and when it does not differ.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from shared_data import folder as shared_folder

from azext_mhsmregion.provider.transport import Answer, Call

RECORDING = "mhsm_region.json"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
SUBSET = "PATCH body is a subset of the recorded one"


def load_recording(name: str = RECORDING) -> List[Dict[str, Any]]:
    """The exchanges of a recording. Raises FileNotFoundError where there is none."""
    exchanges: List[Dict[str, Any]] = json.loads((shared_folder() / "golden" / name).read_text())
    return exchanges


class Mismatch(AssertionError):
    """A request that differs from the recorded one, or that fits no state of the recording."""


@dataclass
class Counts:
    """``exchanges`` recorded ones; ``compared`` of them met and equal; ``repeated`` answered as
    recorded once more; ``assertions`` single comparisons; ``skipped`` polls left out when they
    are compressed (poll-count)."""

    exchanges: int = 0
    compared: int = 0
    repeated: int = 0
    synthesised: int = 0
    skipped: int = 0
    different: int = 0
    assertions: int = 0

    def line(self) -> str:
        return (
            f"region recording: {self.exchanges} exchanges, {self.compared} compared "
            f"({self.assertions} assertions), {self.repeated} repeated, {self.synthesised} synthesised, "
            f"{self.skipped} polls skipped (poll-count), {self.different} different (declared: {SUBSET})"
        )


class RegionPlayer:
    """A Transport. ``polls``: how many 202 a long operation answers (None: as many as were
    recorded). ``subset``: our PATCH must be a true subset, False: equal (``--full-body``)."""

    def __init__(
        self,
        recording: Optional[List[Dict[str, Any]]] = None,
        polls: Optional[int] = None,
        subset: bool = True,
    ) -> None:
        self._recording = load_recording() if recording is None else recording
        self._windows = _windows(self._recording)
        self._polls = polls
        self._subset = subset
        self._window = 0
        self._seen: Dict[int, int] = {}
        self._pool: Dict[str, Any] = self._recording[0]["response"]["body"]
        self._regions: Dict[str, str] = {}
        self._clock = 0
        self.counts = Counts(exchanges=len(self._recording))
        self.requests: List[Call] = []

    # -- what the recording is about ---------------------------------------------
    @property
    def pool_name(self) -> str:
        return str(self._pool["name"])

    @property
    def group(self) -> str:
        return str(self._pool["id"]).split("/")[4]

    def activate(self) -> None:
        """The set-up that the recording leaves out: the pool is activated after the first add."""
        if self._window != 0:
            raise Mismatch("the pool is activated already")
        self._enter(1)

    # -- Transport ----------------------------------------------------------------
    def send(self, call: Call) -> Answer:
        self.requests.append(call)
        index = self._match(call)
        if index is None:
            return self._synthesised(call)
        self._compare(call, index)
        return self._played(index)

    def _match(self, call: Call) -> Optional[int]:
        """The exchange of the present window that the request asks for."""
        path = urlsplit(call.url).path
        for index in self._windows[self._window]:
            request = self._recording[index]["request"]
            if request["method"] != call.method or request["path"] != path:
                continue
            if call.method == "PATCH" and _names(request["body"]) != _names(_body(call)):
                continue
            if self._spent(index):
                continue
            return index
        return None

    def _spent(self, index: int) -> bool:
        """A poll's 202 gives way to its 200 after as many repeats as were recorded or asked for."""
        repeats = self._recording[index].get("repeated")
        if not repeats or not _is_poll(self._recording[index]):
            return False
        limit = repeats if self._polls is None else min(self._polls, repeats)
        return self._seen.get(index, 0) >= limit

    def _compare(self, call: Call, index: int) -> None:
        recorded = self._recording[index]["request"]
        parts = urlsplit(call.url)
        sent = (call.method, parts.hostname, parts.path, parts.query)
        wanted = (recorded["method"], recorded["host"], recorded["path"], recorded["query"])
        if sent != wanted:
            raise Mismatch(f"exchange {index}: sent {sent}, recorded {wanted}")
        assertions = len(wanted) + self._compare_body(_body(call), recorded["body"], index)
        first = index not in self._seen
        self._seen[index] = self._seen.get(index, 0) + 1
        if first:
            self.counts.compared += 1
            self.counts.assertions += assertions
        else:
            self.counts.repeated += 1

    def _compare_body(self, sent: Any, recorded: Any, index: int) -> int:
        if recorded is None or not self._subset:
            if sent != recorded:
                raise Mismatch(f"exchange {index}: body {sent!r}, recorded {recorded!r}")
            return 1
        if not is_subset(sent, recorded):
            raise Mismatch(f"exchange {index}: {sent!r} is not a subset of the recorded {recorded!r}")
        if sent == recorded:
            raise Mismatch(f"exchange {index}: the declared difference is stale: {SUBSET}")
        if index not in self._seen:
            self.counts.different += 1
        return 1

    def _played(self, index: int) -> Answer:
        exchange = self._recording[index]
        response = exchange["response"]
        body = response["body"]
        if isinstance(body, dict) and "properties" in body:
            self._pool = body
        if exchange["request"]["path"].endswith("/regions"):
            self._check_state(body)
        self._advance(index)
        data = b"" if body is None else json.dumps(body).encode()
        return Answer(response["status"], dict(response["headers"]), data)

    def _check_state(self, body: Mapping[str, Any]) -> None:
        """The recorded regions must be what the state machine has reached."""
        if body["value"] != self._regions_value():
            raise Mismatch(f"state {self._regions_value()!r}, recorded {body['value']!r}")
        self.counts.assertions += 1

    def _advance(self, index: int) -> None:
        """Moves on where the recording does."""
        exchange = self._recording[index]
        request, status = exchange["request"], exchange["response"]["status"]
        if request["method"] == "PATCH" and status == 202:
            self._accept(_names(request["body"]))
            self._enter(self._window + 1)
        elif _is_poll(exchange) and status == 200:
            self._settle()
            self._count_compressed(index)
            self._enter(self._window + 1)

    def _accept(self, names: Tuple[str, ...]) -> None:
        self._clock += 1
        for name in names:
            self._regions.setdefault(name, "Provisioning")
        for name in set(self._regions) - set(names):
            self._regions[name] = "Deleting"

    def _settle(self) -> None:
        self._regions = {name: "Succeeded" for name, state in self._regions.items() if state != "Deleting"}

    def _count_compressed(self, index: int) -> None:
        waiting = self._recording[index - 1]
        self.counts.skipped += int(waiting.get("repeated", 1)) - self._seen.get(index - 1, 0)

    def _enter(self, window: int) -> None:
        self._window = window

    # -- not recorded ---------------------------------------------------------------
    def _synthesised(self, call: Call) -> Answer:
        """An answer from the state reached."""
        path = urlsplit(call.url).path
        listing = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/managedHSMs"
        by_path: Dict[str, Any] = {
            listing: {"value": [self._pool_now()]},
            self._pool["id"]: self._pool_now(),
            f"{self._pool['id']}/regions": {"value": self._regions_value()},
        }
        if call.method != "GET" or path not in by_path:
            raise Mismatch(f"{call.method} {path} fits no state of the recording (window {self._window})")
        self.counts.synthesised += 1
        headers = {"content-type": "application/json; charset=utf-8"}
        return Answer(200, headers, json.dumps(by_path[path]).encode())

    def _pool_now(self) -> Dict[str, Any]:
        pool = copy.deepcopy(self._pool)
        pool["systemData"]["lastModifiedAt"] += f"#{self._clock}"
        properties = pool["properties"]
        if self._window > 0:
            properties["securityDomainProperties"] = {"activationStatus": "Active"}
        properties["regions"] = [
            {"name": name, "provisioningState": state, "isPrimary": False}
            for name, state in self._regions.items()
        ]
        changing = any(state != "Succeeded" for state in self._regions.values())
        properties["provisioningState"] = "Updating" if changing else "Succeeded"
        return pool

    def _regions_value(self) -> List[Dict[str, Any]]:
        primary = {"name": self._pool["location"], "provisioningState": "Succeeded", "isPrimary": True}
        return [primary] + [
            {"name": name, "provisioningState": state, "isPrimary": False}
            for name, state in self._regions.items()
        ]


def is_subset(part: Any, whole: Any) -> bool:
    """Is everything in ``part`` in ``whole``, and equal there?"""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and is_subset(value, whole[name]) for name, value in part.items())
    return bool(part == whole)


def _windows(recording: List[Dict[str, Any]]) -> List[List[int]]:
    """Indexes of the exchanges by state: before activation, before each accepted change, while
    it runs, after it; the last one is empty (what comes after the recording)."""
    windows: List[List[int]] = [[]]
    activation: Optional[str] = None
    for index, exchange in enumerate(recording):
        body = exchange["response"]["body"]
        if isinstance(body, dict) and "properties" in body:
            status = body["properties"]["securityDomainProperties"]["activationStatus"]
            if activation not in (None, status):
                windows.append([])
            activation = status
        windows[-1].append(index)
        accepted = exchange["request"]["method"] == "PATCH" and exchange["response"]["status"] == 202
        ended = _is_poll(exchange) and exchange["response"]["status"] == 200
        if accepted or ended:
            windows.append([])
    return windows


def _is_poll(exchange: Mapping[str, Any]) -> bool:
    return "/managedHsmOperationResults/" in exchange["request"]["path"]


def _body(call: Call) -> Any:
    return json.loads(call.body) if call.body else None


def _names(body: Mapping[str, Any]) -> Tuple[str, ...]:
    return tuple(region["name"] for region in body["properties"]["regions"])
