#!/usr/bin/env bats
# Recipients that cannot be written to, a relay that is away, false or poisoned,
# clocks that are off.  Whatever happens, the packet still goes afterwards.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly network_of_two
}
teardown_file() {
    relay_down
}
# Each test may end with the relay as it needs it; the next wants ours.
setup() {
    [ -s "$net/relay.pid" ] || relay_up
}

to_hub() { # OPTION...
    client ngo send --to "Northgate Hub" --yes "$@"
}
state_of() { # PARTY ID
    asked 'd["state"]' client "$1" status "$2"
}

@test "an unknown recipient: did you mean" {
    told 2 E-RECIPIENT "there is no such recipient" \
        'nobody in the directory is called "Nothgate Hub"' \
        'did you mean "Northgate Hub/First contact"[?]  `sealpost contacts` lists all' \
        client ngo send --to "Nothgate Hub" --text hello --yes
    told 2 E-RECIPIENT "there is no such recipient" \
        'nobody in the directory is called "Zzz"' \
        '`sealpost contacts` lists who can be written to' \
        client ngo send --to "Zzz" --text hello --yes
    told 2 E-RECIPIENT "*" "*" '*"Northgate Hub/First contact"*' \
        client ngo send --to "Northgate Hub/Firts contact" --text hello --yes
    [ "$(asked 'd["outbox"]' client ngo outbox)" = "[]" ]
}

@test "a suspended recipient gets nothing, what is queued waits, and goes after" {
    relay_down
    queued=$(ngo_writes "written before the suspension")
    relay_up
    works client registrar registrar suspend "Northgate Hub" --yes
    works client ngo sync
    told 13 E-SUSPENDED "this packet may not be sent" \
        "Northgate Hub is suspended" \
        "phone the agency or your registrar before you send anything" \
        to_hub --text hello
    [ "$(state_of ngo "$queued")" = queued ]
    works client registrar registrar resume "Northgate Hub" --yes
    works client ngo sync
    [ "$(state_of ngo "$queued")" = stored ]
    [ "$(hub_has "$queued")" = 1 ]
}

@test "a recipient without a valid key: kept, exit 0, and it goes by itself" {
    network_join late "Late Hub" GB statutory Desk "Their desk" \
        >"$net/setup.log" 2>&1 3>&-
    # A month without a sync: its keys are too old to be used.
    works client ngo sync
    works shifted +60d client ngo send --to "Late Hub" --text "after a month" \
        --yes --override-stale --json
    id=$(value 'd["packet_id"]' "$said.out")
    [ "$(value 'd["state"]' "$said.out")" = queued ]
    [ "$(value 'd["waiting_for"]' "$said.out")" = "key of Late Hub/Desk" ]
    works client late sync
    works client ngo sync
    [ "$(state_of ngo "$id")" = stored ]
    works client late sync
    [ "$(asked 'd["inbox"][0]["packet_id"]' client late inbox)" = "$id" ]
}

@test "the relay away: kept with exit 0, 12 with --wait and from sync" {
    relay_down
    works to_hub --text "written offline" --json
    id=$(value 'd["packet_id"]' "$said.out")
    [ "$(value 'd["state"]' "$said.out")" = queued ]
    [ "$(value 'd["receipt"]' "$said.out")" = null ]
    [ "$(value 'd["waiting_for"]' "$said.out")" = network ]
    works to_hub --text "a second one"
    said_has "Not yet: it is only on this laptop."
    told 12 E-UNREACHABLE "the relay cannot be reached" "connection refused" \
        "check the network, then \`sealpost sync\`" client ngo sync
    # A minute of waiting, at a clock that runs faster.
    told 12 E-UNREACHABLE "the relay cannot be reached" "connection refused" \
        "check the network, then \`sealpost sync\`" \
        hurried to_hub --text "a third one" --wait
    relay_up
    works client ngo sync
    [ "$(state_of ngo "$id")" = stored ]
    [ "$(hub_has "$id")" = 1 ]
    [ "$(asked '[p for p in d["outbox"] if p["state"] == "queued"]' \
        client ngo outbox)" = "[]" ]
}
hurried() {
    local lib
    lib=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"')
    LD_PRELOAD=$lib FAKETIME="+0 x100" "$@"
}

@test "another relay at our address: nothing is told to it, nothing is lost" {
    relay_down
    id=$(ngo_writes "before the stranger came")
    other_relay_up
    told 14 E-RELAY-KEY "somebody else answers at the relay's address" \
        "it does not hold the key that this network names" \
        "do not send; compare the relay's key with your registrar by phone" \
        client ngo sync
    told 14 E-RELAY-KEY "*" "*" "*" to_hub --text "to the stranger"
    [ "$(state_of ngo "$id")" = queued ]
    relay_down
    relay_up
    works client ngo sync
    [ "$(state_of ngo "$id")" = stored ]
    [ "$(hub_has "$id")" = 1 ]
}

@test "something else at our address: no key, no word of ours" {
    relay_down
    address=$(cat "$net/relay/run/address")
    /usr/bin/python3 -c 'import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((host, int(port))); s.listen(8); print("ready", flush=True)
for _ in range(2):
    c, _ = s.accept(); c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    while c.recv(4096): pass
' "$address" >"$net/web.out" 3>&- &
    web=$!
    until grep -q ready "$net/web.out"; do kill -0 "$web"; done
    told 14 E-RELAY-KEY "somebody else answers at the relay's address" \
        "*" "*" client ngo sync
    kill "$web" 2>/dev/null || true
    wait "$web" || true
}

@test "the sender's clock off by a day, before and behind" {
    for off in +1d -1d; do
        works shifted "$off" to_hub --text "written at $off" --json
        id=$(value 'd["packet_id"]' "$said.out")
        works client ngo sync
        [ "$(state_of ngo "$id")" = stored ]
        [ "$(hub_has "$id")" = 1 ]
    done
}

@test "the recipient's clock off by a day, before and behind" {
    for off in +1d -1d; do
        id=$(ngo_writes "read at $off")
        works shifted "$off" client hub sync
        [ "$(hub_has "$id")" = 1 ]
        works client ngo sync
        [ "$(state_of ngo "$id")" = handed_over ]
    done
}

@test "bytes flipped in the relay's store: alarm, and the others still come" {
    works client hub sync
    good1=$(ngo_writes "the first good one")
    bad=$(ngo_writes "the one that is spoilt")
    good2=$(ngo_writes "the second good one")
    relay_down
    spoil body "$bad"
    relay_up
    works client hub sync
    arrived "$good1" "$good2"
    grep -q "the stored bytes of packet .* are damaged" "$net/relay.log"
    # A relay that lies consistently is found out by the client.
    relay_down
    spoil digest "$bad"
    relay_up
    good3=$(ngo_writes "the third good one")
    told 14 E-VERIFY "the relay showed something that cannot be right" \
        "1 alarm; everything that is right was done" \
        "\`sealpost quarantine\` shows what, for your registrar" client hub sync
    said_has "ALARM about the relay: "
    arrived "$good1" "$good2" "$good3"
    [ "$(asked "[q['outcome'] for q in d['quarantine']
        if q['packet_id'] == '$bad']" client hub quarantine)" = '["alarm"]' ]
    works client ngo sync
    [ "$(state_of ngo "$good3")" = handed_over ]
    [ "$(state_of ngo "$bad")" = stored ]
    # The relay's operator mends its store: then it comes.
    relay_down
    spoil body "$bad"
    spoil digest "$bad"
    relay_up
    works client hub sync
    [ "$(hub_has "$bad")" = 1 ]
}
# Of the packets of this test these are in the hub's inbox, and no other.
arrived() { # ID...
    asked '" ".join(p["packet_id"] for p in d["inbox"])' client hub inbox --all \
        >"$net/ids"
    for id; do grep -q "$id" "$net/ids"; done
    ! grep -q "$bad" "$net/ids"
}
# body: a bit of it, and the same again mends it.  digest: of what is there now.
spoil() { # WHAT PACKET
    PYTHONPATH=$here/tests/lib /usr/bin/python3 - "$net/relay" "$@" <<'PY'
import sqlite3, sys
import reader
where, what, packet = sys.argv[1:]
db = sqlite3.connect(where + "/store.db")
row, hdr, hashes, body = db.execute(
    "SELECT b.packet, b.hdr, b.wrap_hashes, b.bytes FROM body b JOIN packet p"
    " ON p.id = b.packet WHERE p.packet_id = ?",
    (bytes.fromhex(packet),)).fetchone()
if what == "body":
    body = bytearray(body)
    body[100] ^= 0x40
    db.execute("UPDATE body SET bytes = ? WHERE packet = ?", (bytes(body), row))
else:
    db.execute("UPDATE packet SET digest = ? WHERE id = ?",
               (reader.packet_digest(hdr, hashes, body), row))
db.commit()
PY
}

@test "a packet that nobody can open: the sender is told, the next one comes" {
    # Its vault as it was before it made the keys that it has published.
    as() { # the last step of joining
        if [ "$*" = "lost sync" ]; then cp -a "$net/lost" "$net/lost.before"; fi
        client "$@"
    }
    network_join lost "Forgetful Hub" GB statutory Desk "Their desk" \
        >"$net/setup.log" 2>&1 3>&-
    works client ngo sync
    id=$(asked 'd["packet_id"]' client ngo send \
        --to "Forgetful Hub" --text "sealed to a lost key" --yes)
    rm -rf "$net/lost"
    mv "$net/lost.before" "$net/lost"
    run_said client lost sync
    [ "$code" = 0 ]
    said_has "is kept apart"
    [ "$(asked "[q['outcome'] for q in d['quarantine']
        if q['packet_id'] == '$id']" client lost quarantine)" = '["cannot_open"]' ]
    works client ngo sync
    [ "$(state_of ngo "$id")" = refused ]
    works client ngo status "$id"
    id=$(asked 'd["packet_id"]' client ngo send --to "Forgetful Hub" \
        --text "sealed to a key that it has" --yes)
    works client lost sync
    [ "$(asked "len([p for p in d['inbox'] if p['packet_id'] == '$id'])" \
        client lost inbox)" = 1 ]
}

@test "disk full at the sender: refused or kept, never half; then it goes" {
    told 1 E-DISK "*" "*" \
        "free some room and run the same command again; nothing was lost" \
        starved 4 to_hub --text "no room for this"
    works client ngo sync
    id=$(ngo_writes "room again")
    [ "$(hub_has "$id")" = 1 ]
}

@test "disk full at the recipient: no receipt is given, it comes again" {
    id=$(ngo_writes "$(head -c 20000 /dev/urandom | base64 -w 76)")
    told 1 E-DISK "*" "*" \
        "free some room and run the same command again; nothing was lost" \
        starved "$(($(stat -c %s "$net"/hub/log.* | sort -n | tail -n 1) / 1024 + 4))" \
        client hub sync
    works client ngo sync
    [ "$(state_of ngo "$id")" = stored ]
    [ "$(hub_has "$id")" = 1 ]
}
