"""The client of ``make failover``: azure-keyvault-keys as anyone would use it, and nothing of ours.

    client.py POOL CONNECTION_SECONDS

About ten times a second it gets a key, signs, updates or creates one, each call once (no retries, so
that the log shows what the service did and not what a retry hid). It prints one JSON line a call, and
ends when its standard input does. It opens a new connection every CONNECTION_SECONDS, as a client that
respects its name's TTL does: a connection once open stays with its region.
"""

import itertools
import json
import os
import sys
import threading
import time

import requests
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

PERIOD = 0.1
TURNS = ("get", "sign", "get", "sign", "update", "get", "sign", "get", "sign", "create")
DIGEST = bytes(32)
PATIENCE = {"connection_timeout": 2, "read_timeout": 2, "retry_total": 0}


class FreshTransport(RequestsTransport):
    """requests' transport, whose pooled connections are dropped when they get old."""

    def __init__(self, seconds):
        self._kept = requests.Session()
        super().__init__(session=self._kept, session_owner=False)
        self._seconds, self._since = seconds, time.monotonic()

    def send(self, request, **kwargs):
        if time.monotonic() - self._since > self._seconds:
            self._kept.close()
            self._since = time.monotonic()
        return super().send(request, **kwargs)


class Caller:
    """The calls by name. ``region`` is the one that gave the last answer."""

    def __init__(self, pool, seconds):
        names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
        credential = ClientSecretCredential(*(os.environ[name] for name in names))
        transport = FreshTransport(seconds)
        self.region, self._answered = None, {"raw_response_hook": self._note}
        self._keys = KeyClient(
            f"https://{pool}.managedhsm.azure.net", credential, transport=transport, **PATIENCE
        )
        self._signer = CryptographyClient(
            self._keys.get_key("payments"), credential, transport=transport, **PATIENCE
        )
        self._count = itertools.count()

    def _note(self, response):
        self.region = response.http_response.headers.get("x-ms-keyvault-region")

    def get(self):
        self._keys.get_key("payments", **self._answered)

    def sign(self):
        self._signer.sign(SignatureAlgorithm.es256, DIGEST, **self._answered)

    def update(self):
        self._keys.update_key_properties("orders", tags={"n": str(next(self._count))}, **self._answered)

    def create(self):
        self._keys.create_ec_key("made", hardware_protected=True, **self._answered)


def call(caller, kind):
    """The status of one call (0: no answer), the region that answered, and what went wrong."""
    caller.region = None
    try:
        getattr(caller, kind)()
    except HttpResponseError as error:
        return error.status_code or 0, caller.region, (error.message or "").splitlines()[0]
    except AzureError as error:
        return 0, None, type(error).__name__
    return 200, caller.region, ""


def main(pool, seconds):
    caller = Caller(pool, float(seconds))
    for kind in sorted(set(TURNS)):
        getattr(caller, kind)()  # tokens, challenges and imports are not what is measured
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    turn, due = itertools.cycle(TURNS), time.time()
    while not over.is_set():
        kind, begun = next(turn), time.time()
        status, region, error = call(caller, kind)
        line = {"kind": kind, "due": due, "begun": begun, "ended": time.time(), "status": status}
        print(json.dumps({**line, "region": region, "error": error}), flush=True)
        due += PERIOD * max(1, -(-(time.time() - due) // PERIOD))
        over.wait(max(0.0, due - time.time()))


if __name__ == "__main__":
    main(*sys.argv[1:])
