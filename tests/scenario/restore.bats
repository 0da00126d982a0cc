#!/usr/bin/env bats
# The relay's data came back from an older copy: refused, its gap named, and
# the log goes on under another name by the registrar's policy.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

# A network of two and an auditor, with a past: one packet collected, one that
# waits.  Each test works on a copy.
setup_file() {
    quietly network_of_two
    quietly network_join auditor "Monitor" GB auditor Office "the desk"
    quietly client hub sync
    quietly ngo_writes "collected before the copy"
    quietly client hub sync
    quietly ngo_writes "waits since before the copy"
    quietly client ngo sync
    relay_down
    cp -r "$net/relay" "$net/copy"
    mv "$net" "$BATS_FILE_TMPDIR/founded"
}
teardown_file() {
    relay_down
}
setup() {
    net=$BATS_TEST_TMPDIR/net
    said=$net/said
    cp -r "$BATS_FILE_TMPDIR/founded" "$net"
}
teardown() {
    relay_down
}

# --- helpers ------------------------------------------------------------------

relay_says() { # EXIT CODE WHAT WHY NEXT COMMAND...
    local exit=$1 id=$2 what=$3 why=$4 next=$5 lines
    shift 5
    run_said "$@"
    mapfile -t lines < <(tail -n 3 "$said.err")
    [ "$code" = "$exit" ] &&
        line_is "sealpostd: $what \[$id\]" "${lines[0]}" &&
        line_is "  why:  $why" "${lines[1]}" &&
        line_is "  next: $next" "${lines[2]}" && return
    echo "exit $code, wanted $exit"
    cat "$said.out" "$said.err"
    return 1
}
run_relay() { # in the foreground, must not start
    timeout 20 "$build/sealpostd" run --data "$net/relay" \
        --listen 127.0.0.1:0 "$@"
}
no_copy="use the newest copy of the data directory; if there is none, \`sealpostd succession\` asks the registrar for a new name"
# What the copy does not have: packets collected (the sender knows, the sender
# does not know), one that waits, and an agency.
traffic() {
    relay_up
    lost_read=$(ngo_writes "collected, and lost")
    works client hub sync
    works client ngo sync
    lost_opened=$(ngo_writes "collected unknown to the sender, and lost")
    works client hub sync
    lost_waiting=$(ngo_writes "never collected, and lost")
    quietly network_join late "Late Agency" GB partner desk "the laptop"
    works client registrar sync
    relay_down
}
restore() { # the copy takes the place of what was there
    rm -rf "$net/relay"
    cp -r "$net/copy" "$net/relay"
}
succession() { # [OPTION...]: card, policy, new log
    rm -f "$net/card" "$net/succession.spost"
    works daemon succession --data "$net/relay" -o "$net/card" "$@"
    works client registrar registrar succeed "$net/card" \
        -o "$net/succession.spost" --yes
    works daemon succeed "$net/succession.spost" --data "$net/relay"
}
status_of() { # NAME
    daemon status --data "$net/relay" | sed -n "s/^$1=//p"
}
ended_with() { # EXIT
    local end=0
    timeout 5 tail -s 0.1 --pid="$relay_pid" -f /dev/null
    wait "$relay_pid" || end=$?
    rm -f "$net/relay.pid"
    line_is "$1" "$end"
}
in_box() { # PARTY ID
    asked "len([p for p in d['inbox'] if p['packet_id'] == '$2'])" \
        client "$1" inbox --all
}
state_of() { # ID, at the NGO
    asked "[p['state'] for p in d['outbox'] if p['packet_id'] == '$1'][0]" \
        client ngo outbox --all
}

# --- refused ------------------------------------------------------------------

@test "a copy that came back with its guard is found out by a client, for good" {
    traffic
    restore
    relay_up
    run_said client registrar sync
    [ "$code" != 0 ]
    ended_with 1
    tail -n 1 "$net/relay.log" >"$said.out"
    said_has "stopping: a client holds a directory head of 16 entries under our own key; this data directory has 13: the last 3 (entries 13 to 15) are missing (the newest event here is of "
    grep -q "^relay.demo/directory$" "$net/relay/fork-proof"
    # The next start needs no client.
    relay_says 1 E-RESTORED "the relay does not start" \
        "a client holds a directory head of 16 entries under our own key; this data directory has 13: the last 3 *" \
        "$no_copy" run_relay
    relay_says 1 E-RESTORED "cannot open the data directory" \
        "a client holds a directory head of 16 entries under our own key; *" \
        "$no_copy" daemon check --data "$net/relay"
}

@test "with the newer data back in place the proof is moot" {
    traffic
    cp -r "$net/relay" "$net/newest"
    restore
    relay_up
    run_said client ngo sync
    ended_with 1
    cp "$net/relay/fork-proof" "$net/newest/fork-proof"
    rm -r "$net/relay"
    mv "$net/newest" "$net/relay"
    relay_up
    [ ! -e "$net/relay/fork-proof" ]
    works client ngo sync
}

@test "a head that our key did not sign stops nobody" {
    relay_up
    works client ngo sync
    {
        printf 'relay.demo/delivery\n99999\n'
        head -c 32 /dev/urandom | base64 -w 0
        printf '\n\n— relay.demo/delivery '
        head -c 68 /dev/urandom | base64 -w 0
        echo
    } >"$net/forged"
    cp "$net/forged" "$net/relay/fork-proof"
    relay_down
    relay_up # a forged proof is no proof
    [ ! -e "$net/relay/fork-proof" ]
    works client ngo sync
}

# --- succession ---------------------------------------------------------------

@test "the log goes on under another name, and what was lost arrives once" {
    works client ngo receipt latest -o "$net/before.receipt"
    traffic
    works client ngo receipt "$lost_waiting" -o "$net/lost.receipt"
    restore
    works daemon succession --data "$net/relay" -o "$net/card"
    grep -q "^delivery-origin: relay.demo/delivery/2$" "$net/card"
    works client registrar registrar succeed "$net/card" \
        -o "$net/succession.spost" --yes
    said_has "LOST in the restore: at least"
    said_has "put back   3 entries of the directory"
    works daemon succeed "$net/succession.spost" --data "$net/relay"
    said_has "The log goes on as relay.demo/delivery/2 from entry"
    said_has "3 entries of the directory were put back."
    works daemon check --data "$net/relay"
    said_has "Everything verifies."
    relay_up

    # The sender comes first: the relay lacks nothing but the packet.
    works client ngo sync
    said_has "The relay's log goes on as relay.demo/delivery/2"
    said_has "2 packets go again by themselves; 1 had come to an end already"
    [ "$(state_of "$lost_waiting")" = stored ]
    [ "$(state_of "$lost_opened")" = stored ]
    [ "$(state_of "$lost_read")" = handed_over ]
    works client hub sync
    for id in "$lost_waiting" "$lost_opened" "$lost_read"; do
        [ "$(in_box hub "$id")" = 1 ]
    done
    works client ngo sync
    [ "$(state_of "$lost_waiting")" = handed_over ]
    [ "$(state_of "$lost_opened")" = handed_over ]
    [ "$(status_of pending)" = 0 ]

    # Both receipts are there, and both verify.
    works client ngo receipt "$lost_waiting" -o "$net/again.receipt"
    ! cmp -s "$net/lost.receipt" "$net/again.receipt"
    for receipt in before lost again; do
        works client ngo verify "$net/$receipt.receipt"
        said_has "genuine"
    done
    works client ngo verify "$net/lost.receipt"
    said_has "lost"

    # Everybody else goes on too, and the auditor finds nothing.
    works client late sync
    works client registrar sync
    works client auditor sync
    works client auditor audit
    id=$(ngo_writes "after it all")
    [ "$(hub_has "$id")" = 1 ]
    relay_down
    works daemon check --data "$net/relay"
}
