#!/bin/sh
# The second time nothing changes: exit 0, the same JSON, the warning on stderr only.
set -eu
. "$(dirname "$0")/common.sh"
prepare

expect 0 "$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast
lacks err "nothing was changed"
is_json out
mv out first
expect 0 "$CLI" keyvault region add --hsm-name "$POOL" --region "Australia East"
has err "nothing was changed"
lacks out "WARNING"
is_json out
cmp first out || fail "the second add printed something else"
before=$(mhsm keyvault show --hsm-name "$POOL")
expect 0 "$CLI" keyvault region add --hsm-name "$POOL" -r AUSTRALIAEAST --only-show-errors
lacks err "nothing was changed"
same "the pool" "$(mhsm keyvault show --hsm-name "$POOL")" "$before"

expect 0 "$CLI" keyvault region remove --hsm-name "$POOL" --region australiaeast --yes
lacks err "nothing was changed"
is_json out
mv out first
expect 0 "$CLI" keyvault region remove --hsm-name "$POOL" --region australiaeast --yes
has err "nothing was changed"
lacks out "WARNING"
is_json out
cmp first out || fail "the second remove printed something else"
same "regions" "$(names)" "uksouth"
done_with idempotent
