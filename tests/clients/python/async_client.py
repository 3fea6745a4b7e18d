"""The same as ``sync_client.py`` through azure.mgmt.keyvault.aio and aiohttp. Neither needs a
setting: azure-core's aiohttp transport trusts the environment's proxy, and OpenSSL its SSL_CERT_FILE."""

import asyncio
import base64
import json
import os
import sys

from azure.core import AsyncPipelineClient
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from azure.identity.aio import EnvironmentCredential
from azure.mgmt.keyvault.aio import KeyVaultManagementClient

GROUP, PRIMARY, EXTENDED = "default", "uksouth", "australiaeast"


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


async def main(name):
    credential = EnvironmentCredential()
    client = KeyVaultManagementClient(credential, os.environ["AZURE_SUBSCRIPTION_ID"])
    async with credential, client:
        await create(client, name, await object_id(credential))
        await asyncio.to_thread(sys.stdin.readline)
        await set_regions(client, name, [EXTENDED])
        say("extend", regions=await regions(client, name))
        say("place", region=await answering_region(credential, name))
        say("list", pools=[pool.name async for pool in client.managed_hsms.list_by_subscription()])
        await set_regions(client, name, [])
        say("shrink", regions=await regions(client, name))
        await (await client.managed_hsms.begin_delete(GROUP, name)).result()
        say("delete", deleted=await deleted(client))
        await (await client.managed_hsms.begin_purge_deleted(name, PRIMARY)).result()
        say("purge", deleted=await deleted(client))


async def create(client, name, administrator):
    pool = {
        "location": PRIMARY,
        "sku": {"family": "B", "name": "Standard_B1"},
        "properties": {
            "tenantId": os.environ["AZURE_TENANT_ID"],
            "initialAdminObjectIds": [administrator],
            "softDeleteRetentionInDays": 7,
        },
    }
    made = await (await client.managed_hsms.begin_create_or_update(GROUP, name, pool)).result()
    say("create", pool=made.name, location=made.location, state=made.properties.provisioning_state)


async def set_regions(client, name, wanted):
    change = {"properties": {"regions": [{"name": region} for region in wanted]}}
    await (await client.managed_hsms.begin_update(GROUP, name, change)).result()


async def regions(client, name):
    listed = client.mhsm_regions.list_by_resource(GROUP, name)
    return [[region.name, region.is_primary, region.provisioning_state] async for region in listed]


async def deleted(client):
    return [pool.name async for pool in client.managed_hsms.list_deleted()]


async def answering_region(credential, name):
    """The region that answers a data-plane request from where this program stands."""
    host = f"https://{name}.managedhsm.azure.net"
    policy = AsyncBearerTokenCredentialPolicy(credential, "https://managedhsm.azure.net/.default")
    async with AsyncPipelineClient(host, policies=[policy]) as client:
        url = f"{host}/providers/Microsoft.Authorization/roleDefinitions?api-version=7.4"
        answer = await client.send_request(HttpRequest("GET", url))
        answer.raise_for_status()
        return answer.headers["x-ms-keyvault-region"]


async def object_id(credential):
    """Who we are: the token says it."""
    token = (await credential.get_token("https://management.azure.com/.default")).token
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
