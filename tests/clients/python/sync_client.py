"""A pool's life through azure-mgmt-keyvault, as anyone would write it: ``sync_client.py POOL``.
Prints one JSON line a step. After ``create`` it waits for a line: the pool gets activated."""

import base64
import json
import os
import sys

from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from azure.identity import EnvironmentCredential
from azure.mgmt.keyvault import KeyVaultManagementClient

GROUP, PRIMARY, EXTENDED = "default", "uksouth", "australiaeast"


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


def main(name):
    credential = EnvironmentCredential()
    with KeyVaultManagementClient(credential, os.environ["AZURE_SUBSCRIPTION_ID"]) as client:
        create(client, name, object_id(credential))
        sys.stdin.readline()
        set_regions(client, name, [EXTENDED])
        say("extend", regions=regions(client, name))
        say("place", region=answering_region(credential, name))
        say("list", pools=[pool.name for pool in client.managed_hsms.list_by_subscription()])
        set_regions(client, name, [])
        say("shrink", regions=regions(client, name))
        client.managed_hsms.begin_delete(GROUP, name).result()
        say("delete", deleted=deleted(client))
        client.managed_hsms.begin_purge_deleted(name, PRIMARY).result()
        say("purge", deleted=deleted(client))


def create(client, name, administrator):
    pool = {
        "location": PRIMARY,
        "sku": {"family": "B", "name": "Standard_B1"},
        "properties": {
            "tenantId": os.environ["AZURE_TENANT_ID"],
            "initialAdminObjectIds": [administrator],
            "softDeleteRetentionInDays": 7,
        },
    }
    made = client.managed_hsms.begin_create_or_update(GROUP, name, pool).result()
    say("create", pool=made.name, location=made.location, state=made.properties.provisioning_state)


def set_regions(client, name, wanted):
    change = {"properties": {"regions": [{"name": region} for region in wanted]}}
    client.managed_hsms.begin_update(GROUP, name, change).result()


def regions(client, name):
    listed = client.mhsm_regions.list_by_resource(GROUP, name)
    return [[region.name, region.is_primary, region.provisioning_state] for region in listed]


def deleted(client):
    return [pool.name for pool in client.managed_hsms.list_deleted()]


def answering_region(credential, name):
    """The region that answers a data-plane request from where this program stands."""
    host = f"https://{name}.managedhsm.azure.net"
    policy = BearerTokenCredentialPolicy(credential, "https://managedhsm.azure.net/.default")
    with PipelineClient(host, policies=[policy]) as client:
        url = f"{host}/providers/Microsoft.Authorization/roleDefinitions?api-version=7.4"
        answer = client.send_request(HttpRequest("GET", url))
        answer.raise_for_status()
        return answer.headers["x-ms-keyvault-region"]


def object_id(credential):
    """Who we are: the token says it."""
    token = credential.get_token("https://management.azure.com/.default").token
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"]


if __name__ == "__main__":
    main(sys.argv[1])
