#!/bin/sh
# Output for scripts: one value a line, nothing else on stdout.
set -eu
. "$(dirname "$0")/common.sh"
prepare
"$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast -o none >out 2>err
empty out

list() {
    "$CLI" keyvault region list --hsm-name "$POOL" "$@" 2>err
}

same "names" "$(list -o tsv --query '[].name')" "uksouth
australiaeast"
same "primary" "$(list -o tsv --query '[?isPrimary].name | [0]')" "uksouth"
same "extended" "$(list -o tsv --query '[?!isPrimary].name')" "australiaeast"
same "how many" "$(list -o tsv --query 'length(@)')" "2"
same "a row" "$(list -o tsv --query "[?name=='australiaeast'].[name, provisioningState]")" \
    "$(printf 'australiaeast\tSucceeded')"
same "nothing found" "$(list -o tsv --query "[?name=='japaneast'].name")" ""
same "no output" "$(list -o none)" ""
same "yaml" "$(list -o yaml --query '[0].name' | head -n 1)" "uksouth"

state=$("$CLI" keyvault region show --hsm-name "$POOL" -r australiaeast -o tsv --query provisioningState 2>err)
[ "$state" = Succeeded ] || fail "state is $state"

list >out
is_json out
list -o table >out
has out "Display name"
has out "Australia East"
list -o jsonc >out
has out "australiaeast"
done_with query_tsv
