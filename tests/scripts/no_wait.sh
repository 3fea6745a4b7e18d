#!/bin/sh
# --no-wait prints nothing and returns; `region wait` waits for what it began.
set -eu
. "$(dirname "$0")/common.sh"
prepare

wait_for() {
    expect 0 "$CLI" keyvault region wait --hsm-name "$POOL" --region australiaeast --interval 1 "$@"
    empty out
}

state() {
    "$CLI" keyvault region show --hsm-name "$POOL" --region australiaeast -o tsv --query provisioningState 2>/dev/null
}

expect 0 "$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast --no-wait
empty out
expect 1 "$CLI" keyvault region wait --hsm-name "$POOL" --region australiaeast --created --timeout 0
has err "not reached"
wait_for --exists
wait_for --created
same "state" "$(state)" "Succeeded"
wait_for --updated
wait_for --custom "provisioningState=='Succeeded'"

expect 0 "$CLI" keyvault region remove --hsm-name "$POOL" --region australiaeast --no-wait --yes
empty out
wait_for --deleted
same "regions" "$(names)" "uksouth"
expect 3 "$CLI" keyvault region wait --hsm-name "$POOL" --region australiaeast --updated
expect 0 "$CLI" keyvault region wait --hsm-name "$POOL" --updated
expect 2 "$CLI" keyvault region wait --hsm-name "$POOL" --custom "not ("
done_with no_wait
