// A pool's life through armkeyvault, as anyone would write it: `client POOL`.
// Prints one JSON line a step. After "create" it waits for a line: the pool gets activated.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault"
)

const (
	group    = "default"
	primary  = "uksouth"
	extended = "australiaeast"
)

type facts map[string]any

func say(step string, more facts) {
	more["step"] = step
	must(0, json.NewEncoder(os.Stdout).Encode(more))
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func done[T any](ctx context.Context) func(*runtime.Poller[T], error) T {
	return func(poller *runtime.Poller[T], err error) T {
		return must(must(poller, err).PollUntilDone(ctx, nil))
	}
}

func main() {
	ctx, name := context.Background(), os.Args[1]
	credential := must(azidentity.NewEnvironmentCredential(nil))
	factory := must(armkeyvault.NewClientFactory(os.Getenv("AZURE_SUBSCRIPTION_ID"), credential, nil))
	pools := factory.NewManagedHsmsClient()

	create(ctx, pools, name, objectID(ctx, credential))
	must(bufio.NewReader(os.Stdin).ReadString('\n'))
	setRegions(ctx, pools, name, extended)
	say("extend", facts{"regions": regions(ctx, factory, name)})
	say("place", facts{"region": answeringRegion(ctx, credential, name)})
	say("list", facts{"pools": list(ctx, pools)})
	setRegions(ctx, pools, name)
	say("shrink", facts{"regions": regions(ctx, factory, name)})
	done[armkeyvault.ManagedHsmsClientDeleteResponse](ctx)(pools.BeginDelete(ctx, group, name, nil))
	say("delete", facts{"deleted": deleted(ctx, pools)})
	done[armkeyvault.ManagedHsmsClientPurgeDeletedResponse](ctx)(pools.BeginPurgeDeleted(ctx, name, primary, nil))
	say("purge", facts{"deleted": deleted(ctx, pools)})
}

func create(ctx context.Context, pools *armkeyvault.ManagedHsmsClient, name, administrator string) {
	pool := armkeyvault.ManagedHsm{
		Location: to.Ptr(primary),
		SKU: &armkeyvault.ManagedHsmSKU{
			Family: to.Ptr(armkeyvault.ManagedHsmSKUFamilyB),
			Name:   to.Ptr(armkeyvault.ManagedHsmSKUNameStandardB1),
		},
		Properties: &armkeyvault.ManagedHsmProperties{
			TenantID:                  to.Ptr(os.Getenv("AZURE_TENANT_ID")),
			InitialAdminObjectIDs:     []*string{&administrator},
			SoftDeleteRetentionInDays: to.Ptr[int32](7),
		},
	}
	made := done[armkeyvault.ManagedHsmsClientCreateOrUpdateResponse](ctx)(
		pools.BeginCreateOrUpdate(ctx, group, name, pool, nil))
	say("create", facts{"pool": made.Name, "location": made.Location, "state": made.Properties.ProvisioningState})
}

func setRegions(ctx context.Context, pools *armkeyvault.ManagedHsmsClient, name string, wanted ...string) {
	list := []*armkeyvault.MHSMGeoReplicatedRegion{}
	for _, region := range wanted {
		list = append(list, &armkeyvault.MHSMGeoReplicatedRegion{Name: &region})
	}
	change := armkeyvault.ManagedHsm{Properties: &armkeyvault.ManagedHsmProperties{Regions: list}}
	done[armkeyvault.ManagedHsmsClientUpdateResponse](ctx)(pools.BeginUpdate(ctx, group, name, change, nil))
}

func regions(ctx context.Context, factory *armkeyvault.ClientFactory, name string) [][]any {
	found := [][]any{}
	pager := factory.NewMHSMRegionsClient().NewListByResourcePager(group, name, nil)
	for pager.More() {
		for _, region := range must(pager.NextPage(ctx)).Value {
			found = append(found, []any{region.Name, region.IsPrimary, region.ProvisioningState})
		}
	}
	return found
}

func list(ctx context.Context, pools *armkeyvault.ManagedHsmsClient) []string {
	found := []string{}
	for pager := pools.NewListBySubscriptionPager(nil); pager.More(); {
		for _, pool := range must(pager.NextPage(ctx)).Value {
			found = append(found, *pool.Name)
		}
	}
	return found
}

func deleted(ctx context.Context, pools *armkeyvault.ManagedHsmsClient) []string {
	found := []string{}
	for pager := pools.NewListDeletedPager(nil); pager.More(); {
		for _, pool := range must(pager.NextPage(ctx)).Value {
			found = append(found, *pool.Name)
		}
	}
	return found
}

// The region that answers a data-plane request from where this program stands.
func answeringRegion(ctx context.Context, credential azcore.TokenCredential, name string) string {
	scopes := []string{"https://managedhsm.azure.net/.default"}
	authentication := runtime.NewBearerTokenPolicy(credential, scopes, nil)
	options := runtime.PipelineOptions{PerRetry: []policy.Policy{authentication}}
	pipeline := runtime.NewPipeline("clients", "1", options, nil)
	path := "/providers/Microsoft.Authorization/roleDefinitions?api-version=7.4"
	url := "https://" + name + ".managedhsm.azure.net" + path
	answer := must(pipeline.Do(must(runtime.NewRequest(ctx, http.MethodGet, url))))
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		must(0, runtime.NewResponseError(answer))
	}
	return answer.Header.Get("x-ms-keyvault-region")
}

// Who we are: the token says it.
func objectID(ctx context.Context, credential azcore.TokenCredential) string {
	asked := policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}}
	token := must(credential.GetToken(ctx, asked)).Token
	var claims struct{ OID string }
	payload := must(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]))
	must(0, json.Unmarshal(payload, &claims))
	return claims.OID
}
