// A pool's life through @azure/arm-keyvault, as anyone would write it: `node client.mjs POOL`.
// Prints one JSON line a step. After "create" it waits for a line: the pool gets activated.

import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";
import { EnvironmentCredential } from "@azure/identity";

const [GROUP, PRIMARY, EXTENDED] = ["default", "uksouth", "australiaeast"];
const credential = new EnvironmentCredential();
const client = new KeyVaultManagementClient(credential, process.env.AZURE_SUBSCRIPTION_ID);

function say(step, facts) {
  console.log(JSON.stringify({ step, ...facts }));
}

async function main(name) {
  await create(name, await objectId());
  await aLine();
  await setRegions(name, [EXTENDED]);
  say("extend", { regions: await regions(name) });
  say("place", { region: await answeringRegion(name) });
  say("list", { pools: await names(client.managedHsms.listBySubscription()) });
  await setRegions(name, []);
  say("shrink", { regions: await regions(name) });
  await client.managedHsms.delete(GROUP, name);
  say("delete", { deleted: await names(client.managedHsms.listDeleted()) });
  await client.managedHsms.purgeDeleted(name, PRIMARY);
  say("purge", { deleted: await names(client.managedHsms.listDeleted()) });
}

async function create(name, administrator) {
  const made = await client.managedHsms.createOrUpdate(GROUP, name, {
    location: PRIMARY,
    sku: { family: "B", name: "Standard_B1" },
    properties: {
      tenantId: process.env.AZURE_TENANT_ID,
      initialAdminObjectIds: [administrator],
      softDeleteRetentionInDays: 7,
    },
  });
  say("create", { pool: made.name, location: made.location, state: made.properties.provisioningState });
}

async function aLine() {
  const input = createInterface({ input: process.stdin });
  await once(input, "line");
  input.close();
}

// Managed HSM ends an update with an empty answer, which the poller of @azure/arm-keyvault 5.0.0
// fails to read ("Cannot read properties of undefined"): the list of regions says when it is done.
async function setRegions(name, wanted) {
  const properties = { regions: wanted.map((region) => ({ name: region })) };
  await client.managedHsms.update(GROUP, name, { properties }).submitted();
  const settled = JSON.stringify([PRIMARY, ...wanted].map((region) => [region, "Succeeded"]));
  for (;;) {
    const found = (await regions(name)).map(([region, , state]) => [region, state]);
    if (JSON.stringify(found) === settled) {
      return;
    }
    await setTimeout(1000);
  }
}

async function regions(name) {
  const found = [];
  for await (const region of client.mhsmRegions.listByResource(GROUP, name)) {
    found.push([region.name, region.isPrimary, region.provisioningState]);
  }
  return found;
}

async function names(pages) {
  const found = [];
  for await (const pool of pages) {
    found.push(pool.name);
  }
  return found;
}

// The region that answers a data-plane request from where this program stands.
async function answeringRegion(name) {
  const pipeline = createPipelineFromOptions({});
  const scopes = "https://managedhsm.azure.net/.default";
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes }));
  const path = "/providers/Microsoft.Authorization/roleDefinitions?api-version=7.4";
  const request = createPipelineRequest({ url: `https://${name}.managedhsm.azure.net${path}` });
  const answer = await pipeline.sendRequest(createDefaultHttpClient(), request);
  if (answer.status !== 200) {
    throw new Error(`${answer.status}: ${answer.bodyAsText}`);
  }
  return answer.headers.get("x-ms-keyvault-region");
}

// Who we are: the token says it.
async function objectId() {
  const { token } = await credential.getToken("https://management.azure.com/.default");
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url")).oid;
}

await main(process.argv[2]);
