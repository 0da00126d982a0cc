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
    rm -f "$net/card" "$net/card.directory" "$net/succession.spost"
    works daemon succession --data "$net/relay" -o "$net/card" "$@"
    works client registrar registrar succeed "$net/card" \
        --directory "$net/card.directory" -o "$net/succession.spost" --yes
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
    works client ngo status "$lost_read"
    said_has "the relay's log has lost this packet; the receipt kept here still proves it"
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

    # What each of them shows to a stranger.
    for id in "$lost_waiting" "$lost_opened" \
        "$(asked "d['outbox'][-1]['packet_id']" client ngo outbox --all)"; do
        rm -f "$net/evidence"
        works client ngo evidence "$id" -o "$net/evidence"
        works client hub verify "$net/evidence"
    done

    # The public files are those of the new name.
    for _ in {1..100}; do
        [ "$(head -n 1 "$net/relay/public/delivery/checkpoint")" = relay.demo/delivery/2 ] &&
            break
        works daemon status --data "$net/relay"
    done
    [ "$(head -n 1 "$net/relay/public/delivery/checkpoint")" = relay.demo/delivery/2 ]

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

@test "a planned change of key loses nothing" {
    relay_up
    works client registrar sync
    relay_down
    succession --new-key
    said_has "The log goes on as relay.demo/delivery/2"
    works daemon check --data "$net/relay"
    relay_up
    works client ngo sync
    said_has "The relay's log goes on as relay.demo/delivery/2"
    said_not "restored"
    works client hub sync
    said_has "received 1"
    works client ngo sync
    works client auditor sync
    works client auditor audit
    id=$(ngo_writes "under the new key")
    [ "$(hub_has "$id")" = 1 ]
    # Nothing stands in the way of the next one.
    relay_down
    works client registrar sync || true
    relay_up
    works client registrar sync
    relay_down
    succession --delivery-origin relay.demo/d --directory-origin relay.demo/x
    relay_up
    works client ngo sync
    said_has "The relay's log goes on as relay.demo/d,"
}

@test "what was withdrawn stays withdrawn" {
    relay_up
    works client ngo sync
    id=$(asked "[p['packet_id'] for p in d['outbox'] if p['state'] == 'stored'][0]" \
        client ngo outbox --all)
    works client ngo withdraw "$id" --yes
    works client ngo sync
    works client registrar sync
    relay_down
    restore
    succession
    relay_up
    [ "$(status_of pending)" = 1 ]
    works client ngo sync
    [ "$(status_of pending)" = 0 ]
    [ "$(state_of "$id")" = withdrawn ]
    works client hub sync
    said_has "received 0"
    works client ngo sync
}

@test "a packet waits for keys that the copy lacks, and comes once" {
    traffic
    restore
    /usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("DELETE FROM prekey"); db.commit()' \
        "$net/relay/store.db"
    succession
    relay_up
    works client ngo sync
    [ "$(state_of "$lost_opened")" = queued ]
    works client ngo outbox
    said_has "keys of the recipient (the relay was restored)"
    works client hub sync # puts its keys again
    works client ngo sync
    [ "$(state_of "$lost_opened")" = stored ]
    works client hub sync
    works client ngo sync
    for id in "$lost_waiting" "$lost_opened"; do
        [ "$(state_of "$id")" = handed_over ]
        [ "$(in_box hub "$id")" = 1 ]
    done
}

@test "attachments that the copy lacks are uploaded again" {
    relay_up
    head -c 200000 /dev/urandom >"$net/scan"
    id=$(ngo_writes "with a file" --attach "$net/scan")
    works client registrar sync
    relay_down
    restore
    succession
    relay_up
    works client ngo sync
    works client hub sync
    mkdir "$net/out"
    works client hub export "$id" -o "$net/out/it"
    cmp "$net/scan" "$(find "$net/out/it" -type f -size +190k)"
}

@test "a guard that lies elsewhere begins anew with the new name" {
    printf '[store]\nguard = %s\n' "$net/guard" >"$net/guard.conf"
    relay_up --config "$net/guard.conf"
    id=$(ngo_writes "lost")
    works client registrar sync
    relay_down
    restore
    relay_says 1 E-RESTORED "the relay does not start" \
        "the database is older than what was signed: the delivery log has 4 entries, the guard $net/guard remembers 5*" \
        "$no_copy" run_relay --config "$net/guard.conf"
    works daemon succession --data "$net/relay" -o "$net/card" \
        --config "$net/guard.conf"
    works client registrar registrar succeed "$net/card" \
        --directory "$net/card.directory" -o "$net/succession.spost" --yes
    works daemon succeed "$net/succession.spost" --data "$net/relay" \
        --config "$net/guard.conf"
    works daemon check --data "$net/relay" --config "$net/guard.conf"
    relay_up --config "$net/guard.conf"
    works client ngo sync
    [ "$(hub_has "$id")" = 1 ]
    relay_down
    restore # a copy from before the succession
    relay_says 1 E-RESTORED "the relay does not start" \
        "the database is older than the last change of the log's name or key, which the guard $net/guard remembers*" \
        "$no_copy" run_relay --config "$net/guard.conf"
}

# --- liars --------------------------------------------------------------------

@test "a new name without the registrars' policy stops every client" {
    works daemon succession --data "$net/relay" -o "$net/card" --new-key
    # An operator who writes the new name into the database alone.
    /usr/bin/python3 - "$net/relay" <<'PY'
import base64, sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/store.db")
card = dict(line.strip().split(": ") for line in open(sys.argv[1] + "/../card")
            if ": " in line)
key = card["log-key"].upper()
key = base64.b32decode(key + "=" * (-len(key) % 8))
for name, value in (("log_key", key),
                    ("delivery_origin", card["delivery-origin"]),
                    ("directory_origin", card["directory-origin"])):
    db.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
for log, size, sig in db.execute("SELECT log, size, sig FROM head").fetchall():
    db.execute("UPDATE head SET sig = NULL WHERE log = ? AND size = ?",
               (log, size))
db.commit()
PY
    relay_up
    [ "$(daemon vkey delivery --data "$net/relay" | cut -d+ -f1)" = relay.demo/delivery/2 ]
    told 14 E-ORIGIN "the relay's directory head does not verify" "*" \
        "wait for the registrar's signed policy; do not send" client ngo sync
    told 14 E-ORIGIN "the relay's directory head does not verify" "*" "*" \
        client ngo send --to "Northgate Hub" --text x --yes
}

@test "cards and policies that do not fit are refused where they come" {
    traffic
    restore
    works daemon succession --data "$net/relay" -o "$net/card"
    sed 's/^delivery-size: .*/delivery-size: 3/' "$net/card" >"$net/forged"
    told 14 E-FILE "the card was not read" "its check does not fit*" "*" \
        client registrar registrar succeed "$net/forged" -o "$net/f" --yes || true
    [ "$code" != 0 ]
    run_said client ngo registrar succeed "$net/card" -o "$net/f" --yes
    said_has "only the registrar can do that"
    # Signed for one card, loaded for the next.
    works client registrar registrar succeed "$net/card" -o "$net/first" --yes
    rm "$net/card" "$net/card.directory"
    works daemon succession --data "$net/relay" -o "$net/card" --new-key
    relay_says 1 E-SUCCESSION "the log keeps its name and key" \
        "it announces another key or other names than the last card asked for" \
        "make a new card with \`sealpostd succession\` and have it signed" \
        daemon succeed "$net/first" --data "$net/relay"
    # Unsigned, and signed by somebody else.
    works client registrar registrar succeed "$net/card" --export "$net/raw" --yes
    run_said client registrar registrar succeed "$net/card" \
        --signed "$net/raw" -o "$net/f" --yes
    said_has "fewer registrars signed than the policy asks for"
    works client registrar registrar sign "$net/raw" -o "$net/signed"
    works client registrar registrar succeed "$net/card" \
        --signed "$net/signed" -o "$net/second" --yes
    works daemon succeed "$net/second" --data "$net/relay"
    # The same again is no harm; an old one is refused.
    works daemon succeed "$net/second" --data "$net/relay"
    said_has "This succession was made already."
    run_said daemon succeed "$net/first" --data "$net/relay"
    [ "$code" = 1 ]
    said_has "E-SUCCESSION"
    relay_up
    works client ngo sync
}

# --- a process that dies --------------------------------------------------------

@test "killed at any moment the relay is the old one or the new one" {
    traffic
    restore
    works daemon succession --data "$net/relay" -o "$net/card" --new-key
    works client registrar registrar succeed "$net/card" \
        -o "$net/succession.spost" --yes
    cp -r "$net/relay" "$net/prepared"
    works /usr/bin/python3 "$here/tests/lib/kill_at.py" 0 "$build/sealpostd" \
        succeed "$net/succession.spost" --data "$net/relay" 9>"$net/calls"
    calls=$(cat "$net/calls")
    olds=0 news=0
    for at in $(seq $((calls / 3)) $((calls / 40 + 1)) "$calls"); do
        rm -rf "$net/relay"
        cp -r "$net/prepared" "$net/relay"
        run_said /usr/bin/python3 "$here/tests/lib/kill_at.py" "$at" \
            "$build/sealpostd" succeed "$net/succession.spost" \
            --data "$net/relay"
        works daemon check --data "$net/relay"
        case $(daemon vkey delivery --data "$net/relay") in
        relay.demo/delivery+*) olds=$((olds + 1)) ;;
        relay.demo/delivery/2+*) news=$((news + 1)) ;;
        *) false ;;
        esac
        works daemon succeed "$net/succession.spost" --data "$net/relay"
        works daemon check --data "$net/relay"
    done
    [ "$olds" -gt 0 ]
    [ "$news" -gt 0 ]
    relay_up
    works client ngo sync
}

@test "what the registrar had not seen is put back by who has" {
    relay_up
    quietly network_device ngo ngo2 "Ben's laptop" Referrals
    works client ngo sync
    relay_down
    restore
    succession # the registrar knows nothing of Ben
    relay_up
    run_said client ngo2 sync # not in the directory: not even a handshake
    [ "$code" != 0 ]
    works client ngo sync
    said_has "The restore lost 2 entries of the directory that this machine has; they are put again."
    works client ngo2 sync
    works client hub sync
    works client hub contacts
    works client auditor sync
    works client auditor audit
    works client registrar sync
    relay_down
    works daemon check --data "$net/relay"
}

@test "an auditor who had seen what was lost goes on, and finds nothing" {
    traffic
    relay_up
    works client auditor sync
    works client auditor audit
    works client hub sync
    relay_down
    restore
    succession
    relay_up
    works client auditor sync
    said_has "The relay was restored from an older copy"
    works client auditor audit
    works client ngo sync
    works client hub sync
    works client ngo sync
    works client auditor audit
    for party in ngo hub; do
        works client $party balance
    done
}
