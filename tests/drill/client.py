"""A client that signs until a region that it was not answered by at first has answered it five times,
or until it has had enough of failing: ``client.py MODE [HOST]``.

``sane`` opens a new connection for each try and waits between tries that fail; ``hammering`` does not
wait; ``stubborn`` keeps the one connection that it has; ``pinned`` is sane, but asks for one region by
its own name; ``once`` gives up at its first failure; ``writing`` creates keys. It prints
how often each region answered it, and ends well when it was led elsewhere.
"""

import base64
import json
import os
import socket
import ssl
import sys
import time
from http.client import HTTPException, HTTPSConnection
from urllib.parse import unquote, urlencode, urlsplit

POOL = "contosomhsm.managedhsm.azure.net"
PAUSE, BACK_OFF, TIMEOUT = 0.1, 0.5, 1.0
PATIENCE = {"once": 1, "stubborn": 25, "pinned": 6}
"""Failures in a row after which a client gives up, where it is not 60."""

ENOUGH = 5
"""Answers in a row of another region than the first."""

SIGN = json.dumps({"alg": "ES256", "value": base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")})


def connection(host):
    """A tunnel through the proxy that the environment names."""
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    pair = f"{unquote(proxy.username or '-')}:{unquote(proxy.password or '-')}"
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    made = HTTPSConnection(proxy.hostname, proxy.port, timeout=TIMEOUT, context=trust)
    basic = base64.b64encode(pair.encode()).decode()
    made.set_tunnel(host, 443, {"Proxy-Authorization": f"Basic {basic}"})
    return made


def token():
    host = "login.microsoftonline.com"
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"],
        "scope": "https://managedhsm.azure.net/.default",
    }
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with_host = connection(host)
    path = f"/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    with_host.request("POST", path, urlencode(form), kind)
    return json.loads(with_host.getresponse().read())["access_token"]


class Client:
    def __init__(self, mode, host):
        self.mode, self.host, self.bearer = mode, host, token()
        self.kept = connection(host) if mode == "stubborn" else None
        if self.kept is not None:
            self.kept.connect()
            self.kept.auto_open = 0  # it never connects again

    def call(self):
        """One try; the region that answered it well."""
        path = "/keys/made/create" if self.mode == "writing" else "/keys/payments/sign"
        body = json.dumps({"kty": "EC-HSM"}) if self.mode == "writing" else SIGN
        headers = {"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/json"}
        used = self.kept or connection(self.host)
        try:
            used.request("POST", f"{path}?api-version=7.4", body, headers)
            answer = used.getresponse()
            answer.read()
        except (OSError, HTTPException, socket.timeout):
            return None
        finally:
            if self.kept is None:
                used.close()
        return answer.headers["x-ms-keyvault-region"] if answer.status == 200 else None


def main(mode, host=POOL):
    client, regions, failed = Client(mode, host), [], 0
    while failed < PATIENCE.get(mode, 60) and not has_moved(regions):
        region = client.call()
        regions += [region] if region else []
        failed = 0 if region else failed + 1
        time.sleep(BACK_OFF if failed and mode in ("sane", "pinned", "writing") else PAUSE)
    print(json.dumps({one: regions.count(one) for one in regions}), flush=True)
    return 0 if has_moved(regions) else 1


def has_moved(regions):
    return len(set(regions)) > 1 and regions[-ENOUGH:] == regions[-1:] * ENOUGH


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
