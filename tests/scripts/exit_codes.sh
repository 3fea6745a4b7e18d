#!/bin/sh
# 0 success, 1 error, 2 usage, 3 not found; what failed prints nothing on stdout.
set -eu
. "$(dirname "$0")/common.sh"

mhsm keyvault create --hsm-name "$POOL" --location uksouth --retention-days 7 --no-wait
expect 1 "$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast
empty out
has err "activate"

mhsm keyvault security-domain download --hsm-name "$POOL" --sd-quorum 2 --no-wait \
    --sd-wrapping-keys "$CERTIFICATES"/*.cer --security-domain-file domain.json
expect 0 "$CLI" keyvault region list --hsm-name "$POOL"
is_json out

expect 1 "$CLI" keyvault region add --hsm-name "$POOL" --region australieast
empty out
has err "australiaeast"
expect 1 "$CLI" keyvault region add --hsm-name "$POOL" --region uksouth
empty out
expect 1 "$CLI" keyvault region remove --hsm-name "$POOL" --region uksouth --yes
empty out
has err "keyvault delete"

expect 2 "$CLI" keyvault region list
empty out
expect 2 "$CLI" keyvault region list --hsm-name "$POOL" --nonsense
empty out
expect 2 "$CLI" keyvault region wait --hsm-name "$POOL"
empty out
expect 2 "$CLI" keyvault region list --hsm-name "$POOL" --provider nobody
empty out

expect 3 "$CLI" keyvault region list --hsm-name ContosoMHSN
empty out
has err "Did you mean $POOL?"
expect 3 "$CLI" keyvault region add --hsm-name nobody --region australiaeast
empty out
expect 3 "$CLI" keyvault region show --hsm-name "$POOL" --region australiaeast
empty out

# In a condition the exit code is all that counts.
if "$CLI" keyvault region show --hsm-name "$POOL" --region japaneast >/dev/null 2>&1; then
    fail "a region that is not there was shown"
fi
same "regions after all these errors" "$(names)" "uksouth"
done_with exit_codes
