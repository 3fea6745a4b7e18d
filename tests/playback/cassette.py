"""A vcrpy cassette that cannot hold what it must not: everything goes through the scrubber on
its way to the file. Runs in az's Python too."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional
from urllib.parse import urlsplit

import vcr
import yaml
from scrub import Scrubber

LOGIN_HOSTS = ("login.microsoftonline.com", "login.windows.net", "169.254.169.254")
UNFOLDED = 10_000_000
MATCH_ON = ("method", "scheme", "host", "port", "path", "query", "raw_body")
UNDER_WAY = frozenset({"InProgress", "Provisioning", "PreProvisioning", "Updating", "Deleting", "Cleanup"})


class Serializer:
    """vcrpy's file format, scrubbed and without polls that told nothing new. ``scrubber`` None:
    as it was recorded (for the test that proves the scrubbing). ``origin``: emulator or azure."""

    def __init__(self, scrubber: Optional[Scrubber], origin: str) -> None:
        self._scrubber = scrubber
        self._origin = origin

    def deserialize(self, text: str) -> Any:
        return yaml.safe_load(text)

    def serialize(self, cassette: Mapping[str, Any]) -> str:
        exchanges = [_plain(one) for one in cassette["interactions"]]
        if self._scrubber is not None:
            exchanges = [self._scrubbed(one) for one in exchanges]
        kept = without_repeated_polls(exchanges)
        content = {"interactions": kept, "recorded_from": self._origin, "version": 1}
        return yaml.safe_dump(content, width=UNFOLDED, sort_keys=True)

    def _scrubbed(self, exchange: Mapping[str, Any]) -> Dict[str, Any]:
        assert self._scrubber is not None
        request = self._scrubber.request(exchange["request"])
        return {
            "request": request,
            "response": self._scrubber.response(exchange["response"], exchange["request"]["uri"]),
        }


def without_repeated_polls(exchanges: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Of equal answers in a row that say "under way", the first."""
    kept: List[Dict[str, Any]] = []
    for exchange in exchanges:
        if kept and exchange == kept[-1] and _is_under_way(exchange):
            continue
        kept.append(exchange)
    return kept


def _is_under_way(exchange: Mapping[str, Any]) -> bool:
    if exchange["request"]["method"] != "GET":
        return False
    if exchange["response"]["status"]["code"] == 202:
        return True
    text = exchange["response"]["body"]["string"]
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return any(json.dumps(state) in text for state in UNDER_WAY)


def _plain(exchange: Mapping[str, Any]) -> Dict[str, Any]:
    """Requests' headers are lists in the file."""
    request = dict(exchange["request"])
    request["headers"] = {
        name: value if isinstance(value, list) else [value] for name, value in request["headers"].items()
    }
    return {"request": request, "response": dict(exchange["response"])}


@contextmanager
def used(
    path: str,
    known: Optional[Mapping[str, str]] = None,
    record: bool = False,
    scrubbed: bool = True,
    with_login: bool = False,
    origin: str = "emulator",
) -> Iterator[Any]:
    """The cassette for the length of the block: replayed, or recorded anew. ``with_login`` records
    the login as well, which cassettes of scenarios leave out: a replay brings its own token."""
    scrubber = Scrubber(known or {}) if scrubbed else None
    recorder = vcr.VCR(record_mode="all" if record else "none", decode_compressed_response=True)
    recorder.register_serializer("scrubbed", Serializer(scrubber, origin))
    recorder.register_matcher("raw_body", _same_body)
    if record and os.path.exists(path):
        os.remove(path)
    seen = _without_login if not with_login else _as_it_is
    with recorder.use_cassette(
        path,
        serializer="scrubbed",
        match_on=MATCH_ON,
        before_record_request=seen if record else _scrubbing(seen, Scrubber(known or {})),
    ) as cassette:
        yield cassette


def _same_body(one: Any, other: Any) -> None:
    assert _body_text(one) == _body_text(other), f"{_body_text(one)} != {_body_text(other)}"


def _body_text(request: Any) -> str:
    body = request.body or b""
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)


def _as_it_is(request: Any) -> Any:
    return request


def _without_login(request: Any) -> Any:
    return None if urlsplit(request.uri).hostname in LOGIN_HOSTS else request


def _scrubbing(seen: Callable[[Any], Any], scrubber: Scrubber) -> Callable[[Any], Any]:
    """A replayed request is compared as it would have been recorded."""

    def scrub(request: Any) -> Any:
        if seen(request) is None:
            return None
        plain = {
            "method": request.method,
            "uri": request.uri,
            "body": request.body,
            "headers": request.headers,
        }
        made = scrubber.request(plain)
        return vcr.request.Request(
            made["method"],
            made["uri"],
            made["body"] or "",
            {name: values[0] for name, values in made["headers"].items()},
        )

    return scrub
