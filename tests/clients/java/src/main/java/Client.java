import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.core.http.HttpHeaderName;
import com.azure.core.http.HttpMethod;
import com.azure.core.http.HttpPipelineBuilder;
import com.azure.core.http.HttpRequest;
import com.azure.core.http.policy.BearerTokenAuthenticationPolicy;
import com.azure.core.management.AzureEnvironment;
import com.azure.core.management.profile.AzureProfile;
import com.azure.identity.EnvironmentCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.json.JsonReader;
import com.azure.json.JsonWriter;
import com.azure.resourcemanager.keyvault.KeyVaultManager;
import com.azure.resourcemanager.keyvault.fluent.KeyVaultManagementClient;
import com.azure.resourcemanager.keyvault.fluent.models.DeletedManagedHsmInner;
import com.azure.resourcemanager.keyvault.fluent.models.ManagedHsmInner;
import com.azure.resourcemanager.keyvault.fluent.models.MhsmGeoReplicatedRegionInner;
import com.azure.resourcemanager.keyvault.models.ManagedHsmProperties;
import com.azure.resourcemanager.keyvault.models.ManagedHsmSku;
import com.azure.resourcemanager.keyvault.models.ManagedHsmSkuFamily;
import com.azure.resourcemanager.keyvault.models.ManagedHsmSkuName;
import java.io.IOException;
import java.io.StringWriter;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A pool's life through azure-resourcemanager-keyvault, as anyone would write it: {@code Client POOL}.
 * Prints one JSON line a step. After "create" it waits for a line: the pool gets activated.
 */
public final class Client {
    private static final String GROUP = "default";
    private static final String PRIMARY = "uksouth";
    private static final String EXTENDED = "australiaeast";

    private final TokenCredential credential = new EnvironmentCredentialBuilder().build();
    private final KeyVaultManagementClient client;
    private final String name;

    private Client(String name) {
        AzureProfile profile = new AzureProfile(AzureEnvironment.AZURE);
        this.client = KeyVaultManager.authenticate(credential, profile).serviceClient();
        this.name = name;
    }

    public static void main(String[] arguments) throws IOException {
        new Client(arguments[0]).run();
        System.exit(0); // the HTTP client's threads would idle for a while
    }

    private void run() throws IOException {
        create(objectId());
        System.in.read();
        setRegions(EXTENDED);
        say("extend", "regions", regions());
        say("place", "region", answeringRegion());
        say("list", "pools", client.getManagedHsms().list().stream().map(ManagedHsmInner::name).toList());
        setRegions();
        say("shrink", "regions", regions());
        client.getManagedHsms().delete(GROUP, name);
        say("delete", "deleted", deleted());
        client.getManagedHsms().purgeDeleted(name, PRIMARY);
        say("purge", "deleted", deleted());
    }

    private void create(String administrator) throws IOException {
        ManagedHsmInner pool = new ManagedHsmInner()
            .withSku(new ManagedHsmSku().withFamily(ManagedHsmSkuFamily.B).withName(ManagedHsmSkuName.STANDARD_B1))
            .withProperties(new ManagedHsmProperties()
                .withTenantId(UUID.fromString(System.getenv("AZURE_TENANT_ID")))
                .withInitialAdminObjectIds(List.of(administrator))
                .withSoftDeleteRetentionInDays(7));
        pool.withLocation(PRIMARY);
        ManagedHsmInner made = client.getManagedHsms().createOrUpdate(GROUP, name, pool);
        String state = made.properties().provisioningState().toString();
        say("create", "pool", made.name(), "location", made.location(), "state", state);
    }

    private void setRegions(String... wanted) {
        List<MhsmGeoReplicatedRegionInner> list =
            Stream.of(wanted).map(region -> new MhsmGeoReplicatedRegionInner().withName(region)).toList();
        ManagedHsmInner change = new ManagedHsmInner().withProperties(new ManagedHsmProperties().withRegions(list));
        client.getManagedHsms().update(GROUP, name, change);
    }

    private List<List<Object>> regions() {
        return client.getMhsmRegions().listByResource(GROUP, name).stream()
            .map(region -> List.<Object>of(region.name(), region.isPrimary(), region.provisioningState().toString()))
            .collect(Collectors.toList());
    }

    private List<String> deleted() {
        return client.getManagedHsms().listDeleted().stream().map(DeletedManagedHsmInner::name).toList();
    }

    /** The region that answers a data-plane request from where this program stands. */
    private String answeringRegion() {
        var authentication = new BearerTokenAuthenticationPolicy(credential, "https://managedhsm.azure.net/.default");
        var pipeline = new HttpPipelineBuilder().policies(authentication).build();
        String path = "/providers/Microsoft.Authorization/roleDefinitions?api-version=7.4";
        var request = new HttpRequest(HttpMethod.GET, "https://" + name + ".managedhsm.azure.net" + path);
        try (var answer = pipeline.sendSync(request, com.azure.core.util.Context.NONE)) {
            if (answer.getStatusCode() != 200) {
                throw new IllegalStateException(answer.getStatusCode() + ": " + answer.getBodyAsString().block());
            }
            return answer.getHeaderValue(HttpHeaderName.fromString("x-ms-keyvault-region"));
        }
    }

    /** Who we are: the token says it. */
    private String objectId() throws IOException {
        var asked = new TokenRequestContext().addScopes("https://management.azure.com/.default");
        String payload = credential.getTokenSync(asked).getToken().split("\\.")[1];
        try (JsonReader reader = JsonProviders.createReader(Base64.getUrlDecoder().decode(payload))) {
            return (String) reader.readMap(JsonReader::readUntyped).get("oid");
        }
    }

    private static void say(String step, Object... facts) throws IOException {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", step);
        for (int at = 0; at < facts.length; at += 2) {
            line.put((String) facts[at], facts[at + 1]);
        }
        StringWriter text = new StringWriter();
        try (JsonWriter writer = JsonProviders.createWriter(text)) {
            writer.writeMap(line, JsonWriter::writeUntyped);
        }
        System.out.println(text);
    }
}
