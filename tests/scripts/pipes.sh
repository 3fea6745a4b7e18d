#!/bin/sh
# Into other programs: a reader that stops early, a loop that runs commands of its own.
set -eu
. "$(dirname "$0")/common.sh"
prepare
"$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast -o none 2>/dev/null

first=$("$CLI" keyvault region list --hsm-name "$POOL" -o tsv --query '[].name' 2>err | head -n 1)
same "first" "$first" "uksouth"
lacks err "Traceback"
lacks err "Broken pipe"

# Some sixty lines for a reader of one.
"$CLI" keyvault region list-locations --hsm-name "$POOL" -o table 2>err | head -n 1 >out
has out "Name"
lacks err "Traceback"
lacks err "Broken pipe"

# The command in the loop must leave the loop's input alone.
"$CLI" keyvault region list --hsm-name "$POOL" -o tsv --query '[].name' 2>/dev/null |
    while read -r name; do
        "$CLI" keyvault region show --hsm-name "$POOL" --region "$name" -o tsv \
            --query '[name, provisioningState] | join(`=`, @)' 2>/dev/null
    done >shown
same "shown in a loop" "$(cat shown)" "uksouth=Succeeded
australiaeast=Succeeded"

count=$("$CLI" keyvault region list --hsm-name "$POOL" -o tsv 2>/dev/null | wc -l)
same "lines" "$((count))" "2"
"$CLI" keyvault region list --hsm-name "$POOL" 2>/dev/null | "$PYTHON" -c '
import json, sys
assert [one["name"] for one in json.load(sys.stdin)] == ["uksouth", "australiaeast"]
'
"$CLI" keyvault region list --hsm-name "$POOL" -o tsv --query '[?!isPrimary].name' 2>/dev/null |
    xargs -I {} "$CLI" keyvault region remove --hsm-name "$POOL" --region {} --yes -o none 2>/dev/null
same "after xargs" "$(names)" "uksouth"
done_with pipes
