# Sourced by every script of this folder. The test gives: CLI (mhsm or az), MHSMREGION_HOME,
# MHSMREGION_PROVIDER=emulator, CERTIFICATES (a folder with three), PYTHON, and a folder to work in.
POOL=ContosoMHSM

fail() {
    echo "FAILED: $*" >&2
    exit 99
}

# prepare: the active pool in UK South, made by mhsm whatever CLI is.
prepare() {
    mhsm keyvault create --hsm-name "$POOL" --location uksouth --retention-days 7 --no-wait
    mhsm keyvault security-domain download --hsm-name "$POOL" --sd-quorum 2 --no-wait \
        --sd-wrapping-keys "$CERTIFICATES"/*.cer --security-domain-file domain.json
}

# expect CODE COMMAND...: runs it, its output in the files out and err; fails on another exit code.
expect() {
    wanted=$1
    shift
    code=0
    "$@" >out 2>err || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted: $* -- $(cat err)"
}

# empty FILE, has FILE TEXT, lacks FILE TEXT
empty() {
    [ ! -s "$1" ] || fail "$1 is not empty: $(cat "$1")"
}

has() {
    grep -qF -- "$2" "$1" || fail "$1 lacks '$2': $(cat "$1")"
}

lacks() {
    if grep -qF -- "$2" "$1"; then fail "$1 has '$2': $(cat "$1")"; fi
}

# same WHAT GOT WANTED
same() {
    [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# is_json FILE: one JSON document and nothing else.
is_json() {
    "$PYTHON" -c 'import json, sys; json.load(open(sys.argv[1]))' "$1" || fail "$1 is no JSON: $(cat "$1")"
}

names() {
    "$CLI" keyvault region list --hsm-name "$POOL" -o tsv --query '[].name' 2>/dev/null
}

done_with() {
    echo "done: $1 with $CLI"
}
