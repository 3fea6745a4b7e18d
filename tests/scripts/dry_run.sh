#!/bin/sh
# --dry-run prints what would be sent and what it does to the bill; nothing changes.
set -eu
. "$(dirname "$0")/common.sh"
prepare
before=$(mhsm keyvault show --hsm-name "$POOL")

expect 0 "$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast --dry-run
is_json out
same "method" "$("$PYTHON" -c 'import json; print(json.load(open("out"))["request"]["method"])')" "PATCH"
same "twice the price" "$("$PYTHON" -c '
import json
bill = json.load(open("out"))["usdPerHour"]
print(bill["after"] == 2 * bill["before"] > 0)
')" "True"
expect 0 "$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast --dry-run --no-wait -o table
has out "PATCH"
expect 1 "$CLI" keyvault region add --hsm-name "$POOL" --region australieast --dry-run
empty out
same "the pool after dry runs" "$(mhsm keyvault show --hsm-name "$POOL")" "$before"

"$CLI" keyvault region add --hsm-name "$POOL" --region australiaeast -o none 2>/dev/null
before=$(mhsm keyvault show --hsm-name "$POOL")
expect 0 "$CLI" keyvault region remove --hsm-name "$POOL" --region australiaeast --dry-run
is_json out
same "regions left" "$("$PYTHON" -c '
import json
print(json.load(open("out"))["request"]["body"]["properties"]["regions"])
')" "[]"
same "the pool after a dry run of remove" "$(mhsm keyvault show --hsm-name "$POOL")" "$before"
done_with dry_run
