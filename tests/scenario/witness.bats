#!/usr/bin/env bats
# Witnesses and those who trust them: a policy of two out of three, one away,
# one that hangs, one that lies; receipts refreshed and checked elsewhere; a
# directory that stands still.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

# One network with two witnesses (w1, w2) of our own and a third (w3) that is
# away, or whatever a test makes of it.
setup_file() {
    local i
    quietly network_relay
    quietly network_registrar
    quietly relay_stop
    echo "log $(daemon vkey directory --data "$net/relay")" >"$net/policy"
    echo "log $(daemon vkey delivery --data "$net/relay")" >>"$net/policy"
    for i in 1 2 3; do free_port >"$net/w$i.port"; done
    witness_made 1
    witness_made 2
    policy_line 3 "$(bad_witness key w3.example)"
    printf 'group two 2 w1 w2 w3\nquorum two\n' >>"$net/policy"
    printf '[publish]\nbeat = 200ms\n[witness]\npolicy = %s\n%s\n' \
        "$net/policy" 'deadline = 2s' >"$net/relay.conf"
    relay_start --listen "$relay_listen" --config "$net/relay.conf" 3>&-
    echo "$relay_pid" >"$net/relay.pid"
    witness_up 1
    witness_up 2
    collector_up
    quietly ngo_joins
    quietly hub_joins
    quietly as ngo sync
}
teardown_file() {
    local what
    for what in w1 w2 w3 collector; do down $what; done
    relay_down
}

teardown() {
    down w3
}

# --- helpers ------------------------------------------------------------------

policy_line() { # N VKEY
    echo "witness w$1 $2 http://127.0.0.1:$(cat "$net/w$1.port")" \
        >>"$net/policy"
}
witness_made() { # N
    local log
    "$build/sealpost" witness init "$net/w$1" --name "w$1.example" \
        >"$net/setup.log" 2>&1
    for log in directory delivery; do
        "$build/sealpost" witness add "$net/w$1" \
            "$(daemon vkey $log --data "$net/relay")" >"$net/setup.log" 2>&1
    done
    policy_line "$1" \
        "$("$build/sealpost" witness show "$net/w$1" --json | field vkey)"
}
# Started in the background, and heard to be ready.
up() { # NAME COMMAND...: READY in its arguments is the fifo
    local name=$1
    shift
    rm -f "$net/$name.ready"
    mkfifo "$net/$name.ready"
    "${@//READY/$net/$name.ready}" >>"$net/$name.log" 2>&1 3>&- &
    echo $! >"$net/$name.pid"
    timeout 20 head -n 1 "$net/$name.ready" >"$net/$name.address"
}
down() { # NAME
    local pid
    [ -s "$net/$1.pid" ] || return 0
    pid=$(cat "$net/$1.pid")
    kill -TERM "$pid" 2>/dev/null && tail --pid="$pid" -f /dev/null
    rm -f "$net/$1.pid"
}
own_witness() { # N FIFO
    exec "$build/sealpost" witness run "$net/w$1" \
        --listen "127.0.0.1:$(cat "$net/w$1.port")" --ready-fd 4 4>"$2"
}
witness_up() { # N
    up "w$1" own_witness "$1" READY
}
bad_witness() {
    /usr/bin/python3 "$here/tests/lib/bad_witness.py" "$@"
}
third_witness() { # hang|lie FIFO
    exec /usr/bin/python3 "$here/tests/lib/bad_witness.py" "$1" w3.example \
        "$(cat "$net/w3.port")" "$2"
}
collector() { # FIFO
    exec "$build/sealpostd" http --data "$net/relay" \
        --config "$net/relay.conf" --ready-fd 4 4>"$1"
}
collector_up() {
    up collector collector READY
}
until_so() { # COMMAND...: looks until it is so, for half a minute
    local end=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $end ] && continue
        echo "never so: $*"
        return 1
    done
}
has_quorum() { # LOG
    daemon status --data "$net/relay" | grep -q "^$1_quorum_age_s="
}
fact() { # NAME
    daemon status --data "$net/relay" | sed -n "s/^$1=//p"
}
is_more() { # NAME THAN
    [ "$(fact "$1")" -gt "$2" ]
}
logged() { # TEXT, by the collector
    grep -qF -e "$1" "$net/collector.log"
}
published_with() { # WITNESS: below the checkpoint that everybody can fetch
    grep -q "^— $1 " "$net/relay/public/delivery/checkpoint"
}
# The NGO believes what this policy's witnesses have seen.
trusting() {
    until_so has_quorum directory
    works client ngo trust use "$net/policy"
    works client ngo sync
}
# A machine without a vault.
elsewhere() {
    SEALPOST_HOME=$net/nowhere "$build/sealpost" "$@"
}

# --- the quorum ---------------------------------------------------------------

@test "two of three cosign while the third is away" {
    until_so has_quorum directory
    until_so has_quorum delivery
    [ "$(fact witnesses)" = 3 ]
    [ "$(fact witnesses_reachable)" = 2 ]
    until_so logged "witness w3, directory log: cannot be reached"
    until_so published_with w1.example
    until_so published_with w2.example
    works client ngo status
    said_has "No witness is set up"
    said_has "(the last complete sync)"
    trusting
    works client ngo status
    said_has "old (cosigned by w1, w2)."
    said_not "No witness is set up"
    [ "$(asked 'd["freshness"]' client ngo status)" = witnesses ]
    [ "$(asked '[(w["name"], w["directory_ms"] is not None)
        for w in d["witnesses"]["list"]]' client ngo trust show)" = \
        '[["w1", true], ["w2", true], ["w3", false]]' ]
    [ "$(asked 'd["stale"]' client ngo trust show)" = false ]
}

@test "a receipt is refreshed and verifies on a machine without a vault" {
    trusting
    id=$(ngo_writes "to be seen by others")
    works client ngo receipt "$id" -o "$net/first.proof"
    until_so client ngo receipt refresh "$id" >"$net/refresh.out" 2>&1
    until_so refreshed "$id"
    works client ngo receipt "$id" -o "$net/newer.proof"
    said_has "that witnesses cosigned"
    works client ngo receipt "$id" --first -o "$net/again.proof"
    cmp "$net/first.proof" "$net/again.proof"
    ! cmp -s "$net/first.proof" "$net/newer.proof"
    diff <(sed -n 2,3p "$net/first.proof") <(sed -n 2,3p "$net/newer.proof")
    works elsewhere verify "$net/newer.proof" --policy "$net/policy"
    said_has "The quorum two holds"
    run_said elsewhere verify "$net/first.proof" --policy "$net/policy"
    [ "$code" != 0 ]
    works client ngo receipt refresh --all
    works client ngo receipt refresh
}
refreshed() { # ID
    [ "$(asked 'd["refreshed"]' client ngo receipt refresh "$1")" = 1 ]
}

@test "a cosigned proof with one bit changed verifies nowhere" {
    trusting
    id=$(ngo_writes "bit by bit")
    until_so refreshed "$id"
    works client ngo receipt "$id" -o "$net/bit.proof"
    /usr/bin/python3 - "$net/bit.proof" "$net/bad.proof" <<'PY'
import sys
lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
at = next(i for i, l in enumerate(lines) if l.startswith("\u2014 w2.example "))
bad = lines[at][:-8] + ("A" if lines[at][-8] != "A" else "B") + lines[at][-7:]
open(sys.argv[2], "w", encoding="utf-8").write(
    "\n".join(lines[:at] + [bad] + lines[at + 1:]))
PY
    run_said elsewhere verify "$net/bad.proof" --policy "$net/policy"
    [ "$code" = 14 ]
}

# --- bad witnesses ------------------------------------------------------------

@test "a witness that hangs holds up neither mail nor the others" {
    up w3 third_witness hang READY
    down collector
    collector_up
    before=$(fact cosignatures_total)
    id=$(ngo_writes "while one hangs")
    [ "$(hub_has "$id")" = 1 ]
    until_so is_more cosignatures_total "$before"
    until_so logged "witness w3, delivery log: took too long"
    [ "$(fact witnesses_reachable)" = 2 ]
}

@test "a witness that lies is found out and its word kept from everybody" {
    up w3 third_witness lie READY
    down collector
    : >"$net/collector.log"
    collector_up
    until_so logged \
        "witness w3, directory log: its answer is no cosignature under its key"
    trusting
    [ "$(asked '[w["directory_ms"] for w in d["witnesses"]["list"]][2]' \
        client ngo trust show)" = null ]
}

@test "the relay starts again and the collector finds it" {
    : >"$net/collector.log"
    relay_down
    until_so logged "the relay does not answer"
    relay_up --config "$net/relay.conf"
    until_so logged "the relay answers again"
    before=$(fact cosignatures_total)
    ngo_writes "after the restart"
    until_so is_more cosignatures_total "$before"
}

# --- a directory that stands still --------------------------------------------

@test "with witnesses a sync is not enough: after a week nothing is sent" {
    trusting
    down collector
    works shifted +6d client ngo sync
    works shifted +6d client ngo status
    said_has "After 7 days nothing is sent."
    works shifted +8d client ngo sync
    told 13 E-STALE "this packet may not be sent" \
        "enough witnesses last cosigned the directory 8 days ago: it may be kept back from you" \
        "run \`sealpost sync\`, or send with --override-stale" \
        shifted +8d client ngo send --to "Northgate Hub" --text "x" --yes
    works shifted +8d client ngo
    said_has "! The directory is 8 days old (cosigned by w1, w2)."
    id=$(asked 'd["packet_id"]' shifted +8d client ngo send \
        --to "Northgate Hub" --text "x" --yes --expires 3 --override-stale)
    works client ngo status "$id"
    said_has "Sealed with a directory that was 8 days old."
    collector_up
}

@test "a clock that is days behind is said, not believed" {
    trusting
    told 13 E-STALE "this packet may not be sent" \
        "this machine's clock is hours behind that of the witnesses" "*" \
        shifted -3d client ngo send --to "Northgate Hub" --text "x" --yes
    works shifted -3d client ngo status
    said_has "set this machine's clock"
}

@test "without a policy in use the relay's word stands alone again" {
    trusting
    [ "$(asked 'd["was_in_use"]' client ngo trust none)" = true ]
    [ "$(asked 'd["was_in_use"]' client ngo trust none)" = false ]
    works client ngo trust show
    said_has "No trust policy is in use"
    works client ngo status
    said_has "No witness is set up"
    [ "$(asked 'd["freshness"]' client ngo status)" = sync ]
}

# --- policies -----------------------------------------------------------------

@test "a policy that cannot be used is refused with its line" {
    { sed -n 1,2p "$net/policy"; echo "witness w1 nonsense"; } >"$net/bad"
    told 2 E-TRUST "the policy cannot be used" \
        "$net/bad, line 3: this is not a verifier key *" \
        "mend the policy, or ask your registrar for the newest one" \
        client ngo trust use "$net/bad"
    sed 1d "$net/policy" >"$net/bad"
    told 2 E-TRUST "the policy cannot be used" \
        "$net/bad does not name this network's directory log, relay.demo/directory+*" \
        "ask your registrar for this network's policy" \
        client ngo trust use "$net/bad"
    refused 1 E-FILE client ngo trust use "$net/nowhere"
    refused 2 E-USAGE client ngo trust use
    refused 2 E-USAGE client ngo trust
}

@test "a relay with a policy that cannot be used does not start" {
    relay_down
    sed 2d "$net/policy" >"$net/bad"
    printf '[witness]\npolicy = %s\n' "$net/bad" >"$net/bad.conf"
    run_said timeout 20 "$build/sealpostd" run --data "$net/relay" \
        --listen 127.0.0.1:0 --config "$net/bad.conf"
    [ "$code" = 1 ]
    said_has "$net/bad does not name this relay's log; add the line: log relay.demo/delivery+"
    relay_up --config "$net/relay.conf"
}

# --- processes ----------------------------------------------------------------

@test "the process that holds the log key links no HTTP" {
    run_said readelf -d "$build/sealpostd"
    [ "$code" = 0 ]
    said_has libsqlite3
    said_not libcurl
    said_not microhttpd
    run_said readelf -d "$build/sealpostd-http"
    said_has libcurl
    said_not libsqlite3
}
