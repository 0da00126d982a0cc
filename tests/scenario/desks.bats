#!/usr/bin/env bats
# Two desks at each end: colleagues, second machines, machines that are lost,
# agencies that are suspended, packets that wait, and clocks that go on.
#
# One network and one story: later tests stand on earlier ones, and clocks only
# go forward, in the last tests.  hub-3 is "Night laptop", alone in the mailbox
# "Night desk", and is installed in the middle of the story.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

desk="Northgate Hub/First contact"
night="Northgate Hub/Night desk"
watch_dir=$net/watch

setup_file() {
    quietly build_network
}
teardown_file() {
    for pid in $(cat "$watch_dir"/*.pid 2>/dev/null); do
        kill "$pid" 2>/dev/null || true
    done
    relay_down
}

build_network() {
    founded
    ngo_joins
    hub_joins
    network_device ngo ngo-2 "Ben's laptop" Referrals
    network_device hub hub-2 "Back desk" "First contact"
    night_desk
    for party in ngo ngo-2 hub hub-2; do as "$party" sync; done
}
night_desk() {
    party_passphrase hub-3
    as hub-3 device request "$net/hub.card" --label "Night laptop" \
        -o "$net/hub-3.request"
    as hub agency sign "$net/hub-3.request" --mailbox "First contact" \
        -o "$net/hub-3.signed" --yes
    as hub agency mailbox add "Night desk" --device "Night laptop"
    as hub agency mailbox set "First contact" --remove-device "Night laptop"
}

# --- what the tests ask -------------------------------------------------------

writes() { # TO TEXT [OPTION...]: its id
    local to=$1 text=$2
    shift 2
    asked 'd["packet_id"]' client ngo send --to "$to" --text "$text" --yes "$@"
}
state() { # PARTY ID
    asked 'd["state"]' client "$1" status "$2"
}
has() { # PARTY ID: how often it is in that inbox
    asked "len([p for p in d['inbox'] if p['packet_id'] == '$2'])" \
        client "$1" inbox --all
}
comes_to() { # PARTY ID: it syncs, and has the packet once
    works client "$1" sync
    [ "$(has "$1" "$2")" = 1 ]
}
comes_not_to() {
    works client "$1" sync
    [ "$(has "$1" "$2")" = 0 ]
}
relay_says() { # FIELD
    daemon status --data "$net/relay" --json >"$net/status"
    value "d['$1']" "$net/status"
}
relay_restart() { # OPTION...
    relay_down
    relay_up "$@"
}

# --- colleagues ------------------------------------------------------------------

@test "a packet reaches every desk of its mailbox and no other" {
    id=$(writes "$desk" "To both of you.")
    comes_to hub "$id"
    comes_to hub-2 "$id"
    works client ngo sync
    [ "$(state ngo "$id")" = handed_over ]
}

@test "colleagues of the sender have their own copy, counted apart" {
    before=$(relay_says own_stored)
    stored=$(relay_says stored)
    works client ngo send --to "$desk" --text "Ben shall see it too." --yes --json
    id=$(value 'd["packet_id"]' "$said.out")
    [ "$(value 'len(d["own_copy"])' "$said.out")" = 32 ]
    [ "$(relay_says own_stored)" = $((before + 1)) ]
    [ "$(relay_says stored)" = $((stored + 1)) ]
    works client ngo-2 sync
    works client ngo-2 read "$id"
    said_has "Ben shall see it too."
    comes_to hub "$id"
    # The colleague follows it as if it were his.
    works client ngo-2 sync
    [ "$(state ngo-2 "$id")" = handed_over ]
}

@test "an answer by one desk is seen by all desks of both sides" {
    id=$(asked 'd["packet_id"]' client ngo send --to "$desk" \
        "$samples/adult-consents.json" --yes)
    comes_to hub-2 "$id"
    works client hub-2 accept "$id" --reference NG-1 --owner "Back desk"
    works client ngo sync
    works client ngo-2 sync
    works client hub sync
    for party in ngo ngo-2 hub hub-2; do
        [ "$(asked 'd["case_state"]' client $party status "$id")" = acknowledged ]
        [ "$(asked 'd["answer"]' client $party status "$id")" = accepted ]
    done
}

# --- waiting for a key, for a network --------------------------------------------

@test "a mailbox without a key: the packet waits and goes by itself" {
    works client ngo send --to "$night" --text "For the night." --yes
    said_has "key of $night"
    works client ngo outbox --json
    id=$(value 'd["outbox"][0]["packet_id"]' "$said.out")
    [ "$(state ngo "$id")" = queued ]
    works client ngo sync
    [ "$(state ngo "$id")" = queued ]

    works client hub-3 device install "$net/hub-3.signed"
    works client hub-3 sync
    works client ngo sync --json
    [ "$(value 'd["sent"]' "$said.out")" = 1 ]
    comes_not_to hub "$id"
    comes_to hub-3 "$id"
    works client ngo sync
    [ "$(state ngo "$id")" = handed_over ]
}

@test "without the relay a packet is queued, exit 0, and goes with the next sync" {
    relay_down
    works client ngo send --to "$desk" --text "From the train." --yes --json
    id=$(value 'd["packet_id"]' "$said.out")
    [ "$(value 'd["state"]' "$said.out")" = queued ]
    [ "$(value 'd["waiting_for"]' "$said.out")" = network ]
    [ "$(value 'd["receipt"]' "$said.out")" = null ]
    refused 12 E-UNREACHABLE client ngo sync
    relay_up
    works client ngo sync --json
    [ "$(value 'd["sent"]' "$said.out")" = 1 ]
    [ "$(state ngo "$id")" = stored ]
    comes_to hub "$id"
}

# --- watching --------------------------------------------------------------------

# Starts `watch` for PARTY; its events are lines of descriptor 7.
watch_start() { # PARTY
    mkdir -p "$watch_dir"
    rm -f "$watch_dir/events"
    mkfifo "$watch_dir/events"
    # Opened for both, so that a hook never waits for a reader.
    printf '#!/bin/sh\necho "$@" 1<>"%s"\n' "$watch_dir/events" >"$watch_dir/hook"
    chmod +x "$watch_dir/hook"
    exec 7<>"$watch_dir/events"
    SEALPOST_HOME="$net/$1" SEALPOST_PASSPHRASE_FILE="$net/pass/$1" \
        "$build/sealpost" watch --exec "$watch_dir/hook" </dev/null \
        >"$watch_dir/$1.out" 2>"$watch_dir/$1.err" 3>&- 7>&- &
    echo $! >"$watch_dir/$1.pid"
}
watch_event() { # WANTED: the next event, within 20 s
    local line
    read -t 20 -r -u 7 line || {
        cat "$watch_dir"/*.out "$watch_dir"/*.err
        return 1
    }
    line_is "$1" "$line"
}
connected() { # N: as many mailbox sessions, within 20 s
    local end=$((SECONDS + 20))
    until [ "$(relay_says mailbox_sessions)" = "$1" ]; do
        [ $SECONDS -lt $end ] || return 1
    done
}
watch_stop() { # PARTY
    local pid
    pid=$(cat "$watch_dir/$1.pid")
    kill -TERM "$pid"
    wait "$pid" || true
    rm "$watch_dir/$1.pid"
}

@test "watch hands ids to its command, and other commands work meanwhile" {
    watch_start hub
    connected 1
    id=$(writes "$desk" "Nothing of this in the hook.")
    watch_event "received $id"
    works client hub read "$id" --wait
    said_has "Nothing of this in the hook."
    works client hub inbox --wait
    two=$(writes "$desk" "And again.")
    watch_event "received $two"
    watch_stop hub
    works client ngo sync
    [ "$(state ngo "$two")" = handed_over ]
    ! grep -r "Nothing of this" "$watch_dir"
}

@test "watch tells the sender when its packet was handed over" {
    works client hub sync
    works client ngo sync
    watch_start ngo
    connected 1
    id=$(writes "$desk" "Is it there?" --wait)
    works client hub sync
    watch_event "handed_over $id"
    watch_stop ngo
}

@test "the newest mailbox session of a device wins" {
    watch_start hub
    connected 1
    id=$(writes "$desk" "To whom is it pushed?")
    watch_event "received $id"
    # The same device, once more: it works, and afterwards there is one session.
    works client hub sync --wait
    two=$(writes "$desk" "To whom is it pushed now?")
    watch_event "received $two"
    [ "$(relay_says mailbox_sessions)" = 1 ]
    watch_stop hub
    [ "$(has hub "$two")" = 1 ]
}

# --- taking back -----------------------------------------------------------------

@test "what nobody has read can be withdrawn, and never comes" {
    works client hub sync
    works client hub-2 sync
    id=$(writes "$desk" "Sent in error.")
    works client ngo withdraw "$id" --reason sent_in_error --yes
    [ "$(state ngo "$id")" = withdrawn ]
    comes_not_to hub "$id"
    comes_not_to hub-2 "$id"
    works client ngo-2 sync
    [ "$(state ngo-2 "$id")" = withdrawn ]
}

@test "what was read cannot be withdrawn" {
    id=$(writes "$desk" "Too late.")
    comes_to hub "$id"
    refused 13 E-FINAL client ngo withdraw "$id" --yes
    works client ngo sync
    [ "$(state ngo "$id")" = handed_over ]
}

@test "what never left is withdrawn without the relay" {
    relay_down
    id=$(writes "$desk" "Still here.")
    works client ngo withdraw "$id" --yes
    [ "$(state ngo "$id")" = withdrawn ]
    relay_up
    works client ngo sync --json
    [ "$(value 'd["sent"]' "$said.out")" = 0 ]
}

# --- quota; keys that change between sealing and sending ----------------------------

@test "above its quota an agency's packets wait, and sealed ones are sealed anew" {
    for party in hub hub-2 hub-3 ngo ngo-2; do works client $party sync; done
    [ "$(relay_says pending)" = 0 ]
    printf '[quota]\npending_packets = 2\n' >"$net/quota.conf"
    relay_restart --config "$net/quota.conf"
    one=$(writes "$desk" One)
    two=$(writes "$desk" Two)
    refused 13 E-QUOTA client ngo send --to "$desk" --text Three --yes
    three=$(value 'd["packet_id"]' "$said.out")
    [ "$(value 'd["state"]' "$said.out")" = queued ]
    line_is "*E-QUOTA*" "$(value 'd["waiting_for"]' "$said.out")"

    # It is sealed by now, to both desks.  One of them is stolen.
    works client hub agency revoke "Back desk" --reason stolen --yes
    comes_to hub "$one"
    works client ngo sync
    said_has "The recipient's devices or keys have changed; the packet was sealed again."
    # The person may go on with the id that was printed first.
    [ "$(state ngo "$three")" = stored ]
    works client hub sync
    [ "$(asked 'd["inbox"][0]["state"]' client hub inbox --all)" != quarantined ]
    works client ngo sync
    [ "$(state ngo "$three")" = handed_over ]
    relay_restart
}

# --- a machine that is lost -------------------------------------------------------

@test "a revoked machine gets nothing, not even what was queued for it" {
    # It did not collect One before it was revoked.
    refused 13 E-DEVICE client hub-2 sync
    works client hub-2 inbox
    [ "$(asked "len([p for p in d['inbox'] if p['subject'] == 'One'])" \
        client hub-2 inbox --all)" = 0 ]
    works client ngo contacts --agency "Northgate Hub"
    id=$(writes "$desk" "Not for thieves.")
    comes_to hub "$id"
    refused 13 E-DEVICE client hub-2 sync
}

@test "revoking ends the session of that machine at once" {
    watch_start ngo-2
    connected 1
    works client ngo agency revoke "Ben's laptop" --reason lost --yes
    connected 0
    pid=$(cat "$watch_dir/ngo-2.pid")
    code=0
    wait "$pid" || code=$?
    rm "$watch_dir/ngo-2.pid"
    [ "$code" = 13 ]
    # Nobody of this mailbox is left to copy to.
    [ "$(asked 'd["own_copy"]' client ngo send --to "$desk" --text "Alone." \
        --yes)" = null ]
}

@test "a packet whose only desk is revoked ends as refused" {
    id=$(writes "$night" "Who reads this?")
    [ "$(state ngo "$id")" = stored ]
    works client hub agency revoke "Night laptop" --reason lost --yes
    works client ngo sync
    said_has "did NOT arrive: refused, no live device"
    [ "$(state ngo "$id")" = refused ]
    works client ngo sync
    works client ngo audit
}

# --- suspension -----------------------------------------------------------------

@test "a suspended agency gets nothing, also not what was queued" {
    id=$(writes "$desk" "Before the suspension.")
    works client registrar registrar suspend "Northgate Hub" --yes
    refused 13 E-POLICY client hub sync
    [ "$(has hub "$id")" = 0 ]
    works client ngo sync
    refused 13 E-SUSPENDED client ngo send --to "$desk" \
        --text "During the suspension." --yes
    works client registrar registrar resume "Northgate Hub" --yes
    comes_to hub "$id"
}

@test "a suspended agency sends nothing" {
    works client registrar registrar suspend "Harbour Light" --yes
    run_said client ngo send --to "$desk" --text "Let me." --yes --json
    [ "$code" = 13 ] || [ "$(value 'd["state"]' "$said.out")" = queued ]
    works client registrar registrar resume "Harbour Light" --yes
    works client ngo sync
    works client hub sync
}

# --- clocks ----------------------------------------------------------------------

# From here on COMMAND... runs so many days later.
later() { # DAYS COMMAND...
    local days=$1
    shift
    FAKETIME="+${days}d" FAKETIME_DONT_FAKE_MONOTONIC=1 \
        LD_PRELOAD="$(later_library)" "$@"
}
told_by_a_sync() { # TEXT DAYS, within 20 s: the relay looks for what is due
    local end=$((SECONDS + 20))
    until works later "$2" client ngo sync && said_has "$1" >"$net/not-yet"; do
        works daemon sweep --data "$net/relay"
        [ $SECONDS -lt $end ] || return 1
    done
}
later_library() {
    dpkg -L libfaketime | grep 'libfaketime\.so\.1$'
}

@test "what nobody collects expires, and its sender is told" {
    id=$(writes "$desk" "Collect me." --expires 1)
    relay_down
    later 0.8 relay_up
    told_by_a_sync "has NOT been collected" 0.8
    relay_down
    later 2 relay_up
    told_by_a_sync "did NOT arrive: expired" 2
    [ "$(later 2 state ngo "$id")" = expired ]
    works later 2 client hub sync
    [ "$(later 2 has hub "$id")" = 0 ]
    echo "$id" >"$net/expired"
}

@test "a device renews its key in time; what was sealed to the old one opens" {
    relay_down
    later 2 relay_up
    id=$(later 2 writes "$desk" "Sealed to the first key.")
    relay_down
    later 10 relay_up
    works later 10 client hub sync
    [ "$(later 10 has hub "$id")" = 1 ]
    # Without a newer key than the first the sender would be warned now.
    relay_down
    later 16 relay_up
    two=$(later 16 writes "$desk" "Sealed to the second key.")
    said_not "older than two weeks"
    works later 16 client hub sync
    [ "$(later 16 has hub "$two")" = 1 ]
}

@test "a key that was not renewed for two weeks is used with a warning" {
    relay_down
    later 40 relay_up
    works later 40 client ngo send --to "$desk" --text "Anybody?" --yes
    said_has "older than two weeks"
}

@test "in the end the books balance, and the one late expiry is named" {
    works later 40 client hub sync
    works later 40 client ngo sync
    # The relay was away when that packet's time was up.
    run_said later 40 client ngo audit --json
    [ "$code" = 20 ]
    [ "$(value '[f["code"] for f in d["findings"]]' "$said.out")" = '["overdue"]' ]
    [ "$(value 'd["findings"][0]["packet_id"]' "$said.out")" = "$(cat "$net/expired")" ]
    [ "$(value 'sum(b["pending"] for b in d["balance"])' "$said.out")" = 0 ]
    relay_down
    works daemon check --data "$net/relay"
}
