#!/usr/bin/env bats
# The relay as its operator meets it: founding, starting, stopping, damage,
# copies, full disks, clocks.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

# One network is founded and stopped; each test works on a copy of it.
setup_file() {
    quietly network_of_two
    quietly client hub sync
    quietly client ngo sync
    relay_down
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

# relay_says EXIT CODE WHAT WHY NEXT COMMAND...: word for word, * is anything.
relay_says() {
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
running() { # [OPTION...]: on the address of the card
    relay_up "$@"
}
run_relay() { # [OPTION...]: in the foreground, must not start
    timeout 20 "$build/sealpostd" run --data "$net/relay" \
        --listen 127.0.0.1:0 "$@"
}
relay_down() {
    [ -s "$net/relay.pid" ] || return 0
    relay_pid=$(cat "$net/relay.pid")
    kill -TERM "$relay_pid" 2>/dev/null &&
        timeout 5 tail -s 0.1 --pid="$relay_pid" -f /dev/null
    rm -f "$net/relay.pid"
}
status_of() { # NAME
    daemon status --data "$net/relay" | sed -n "s/^$1=//p"
}
heads() {
    daemon status --data "$net/relay" | grep log_size
    daemon vkey delivery --data "$net/relay"
    daemon vkey directory --data "$net/relay"
}
# Whatever the relay's process ends with, within the five seconds it promises.
ended_with() { # EXIT
    local end=0
    timeout 5 tail -s 0.1 --pid="$relay_pid" -f /dev/null
    wait "$relay_pid" || end=$?
    rm -f "$net/relay.pid"
    line_is "$1" "$end" || {
        cat "$net/relay.log"
        return 1
    }
}
write() { # a little: the registrar's invite is one row
    rm -f "$net/an.invite"
    client registrar registrar invite -o "$net/an.invite"
}
flip() { # FILE [TEXT]: one bit, where it first stands or at the start
    /usr/bin/python3 - "$1" "${2-}" <<'PY'
import sys
path, text = sys.argv[1], sys.argv[2].encode()
data = bytearray(open(path, "rb").read())
data[data.index(text)] ^= 1
open(path, "wb").write(data)
PY
}
sql() {
    /usr/bin/python3 - "$net/relay/store.db" "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(*[row[0] for row in db.execute(sys.argv[2])])
db.commit()
PY
}

# --- founding -------------------------------------------------------------------

@test "init makes private files and prints the card, once" {
    umask 022
    works daemon init --data "$net/new" --name relay.new
    said_has "-----BEGIN SEALPOST RELAY CARD-----"
    said_has "name: relay.new"
    [ -z "$(find "$net/new" -perm /077)" ]
    relay_says 1 E-INIT "cannot make a relay there" \
        "that directory holds one already" \
        "use it, or name an empty directory" \
        daemon init --data "$net/new" --name relay.new
    works daemon card --data "$net/new" --listen relay.new:4160
    said_has "address: relay.new:4160"
}

@test "init refuses a name that cannot stand in a prologue" {
    for name in "" "two words" "relay+x" "rélay" "$(printf 'x%.0s' {1..65})"; do
        relay_says 1 E-INIT "cannot make a relay there" \
            "a name is visible ASCII without + or spaces, 64 characters at most" \
            "check --name, the path and its rights" \
            daemon init --data "$net/new" --name "$name"
        [ ! -e "$net/new/keys" ]
    done
    run_said daemon init --data "$net/new"
    [ "$code" = 2 ]
    said_has "init needs --name NAME, for example relay.example.org [E-USAGE]"
}

@test "commands say what they miss" {
    run_said daemon run
    [ "$code" = 2 ] && said_has "sealpostd: --data DIR is missing [E-USAGE]"
    run_said daemon dance --data "$net/relay"
    [ "$code" = 2 ] && said_has "sealpostd: there is no such command [E-USAGE]"
    run_said daemon run --data "$net/relay" --ready-fd x
    [ "$code" = 2 ] &&
        said_has "sealpostd: an option is not known or lacks its value [E-USAGE]"
    works daemon help
}

@test "run before init, and before genesis, says what to do" {
    relay_says 1 E-START "the relay does not start" \
        "$net/nowhere holds no relay: make one with \`sealpostd init\`" \
        "mend that and start it again; nothing was changed" \
        daemon run --data "$net/nowhere"
    works daemon init --data "$net/new" --name relay.new
    relay_says 1 E-START "the relay does not start" \
        "this relay has no network yet: load the registrar's file with \`sealpostd genesis FILE --data $net/new\`" \
        "mend that and start it again; nothing was changed" \
        daemon run --data "$net/new" --listen 127.0.0.1:0
    relay_says 1 E-NOT-RUNNING "no relay answers there" "*" \
        "start it with \`sealpostd run --data DIR\`" \
        daemon status --data "$net/new"
}

@test "genesis is this relay's own, a genesis file, and loaded once" {
    local ask="ask the registrar to make the file from this relay's card"
    works daemon init --data "$net/new" --name relay.demo
    relay_says 1 E-GENESIS "the network was not founded" \
        "it was made for another relay" "$ask" \
        daemon genesis "$net/genesis.spost" --data "$net/new"
    head -c 1000 /dev/urandom >"$net/noise"
    relay_says 1 E-GENESIS "the network was not founded" \
        "this is not a genesis file" "$ask" \
        daemon genesis "$net/noise" --data "$net/new"
    relay_says 1 E-GENESIS "the network was not founded" \
        "this relay has a network already" "$ask" \
        daemon genesis "$net/genesis.spost" --data "$net/relay"
    relay_says 1 E-FILE "cannot read the genesis file" \
        "No such file or directory" "check the path and its rights" \
        daemon genesis "$net/absent" --data "$net/new"
}

# --- starting -------------------------------------------------------------------

@test "a port that is taken is named" {
    running
    address=$(cat "$net/relay/run/address")
    works daemon init --data "$net/new" --name relay.demo
    cp "$net/relay/keys" "$net/new/keys"
    rm "$net/new/store.db" "$net/new/guard"
    works daemon genesis "$net/genesis.spost" --data "$net/new"
    relay_says 1 E-BUSY "the relay does not start" \
        "cannot listen on $address: another program uses that port" \
        "mend that and start it again; nothing was changed" \
        timeout 20 "$build/sealpostd" run --data "$net/new" --listen "$address"
    relay_says 1 E-START "the relay does not start" \
        '"nonsense" is not HOST:PORT' \
        "mend that and start it again; nothing was changed" \
        timeout 20 "$build/sealpostd" run --data "$net/new" --listen nonsense
}

@test "two relays never run on one data directory" {
    running
    pid=$(cat "$net/relay.pid")
    relay_says 1 E-BUSY "the relay does not start" \
        "$net/relay/ is in use by process $pid" \
        "mend that and start it again; nothing was changed" run_relay
    relay_says 1 E-BUSY "cannot open the data directory" \
        "$net/relay/ is in use by process $pid" \
        "stop the relay that runs on it first" daemon check --data "$net/relay"
    [ "$(status_of sessions)" = 0 ]
}

@test "the data directory of a newer version is left alone" {
    sql "PRAGMA user_version = 99" >"$net/old"
    before=$(cksum <"$net/relay/store.db")
    relay_says 1 E-NEWER "the relay does not start" \
        "$net/relay/store.db was written by a newer sealpostd" \
        "mend that and start it again; nothing was changed" run_relay
    relay_says 1 E-NEWER "cannot open the data directory" \
        "$net/relay/store.db was written by a newer sealpostd" \
        "install the newer sealpostd" daemon check --data "$net/relay"
    [ "$(cksum <"$net/relay/store.db")" = "$before" ]
}

@test "keys that others can read are refused everywhere" {
    chmod 640 "$net/relay/keys"
    relay_says 1 E-START "the relay does not start" \
        "$net/relay/keys can be read by others: chmod 600 it" \
        "mend that and start it again; nothing was changed" run_relay
    for command in check card "vkey delivery" "genesis $net/genesis.spost"; do
        # shellcheck disable=SC2086
        relay_says 1 E-KEYS "cannot read the relay's keys" \
            "$net/relay/keys can be read by others" "chmod 600 it" \
            daemon $command --data "$net/relay"
    done
    chmod 600 "$net/relay/keys"
    works daemon card --data "$net/relay"
    truncate -s 40 "$net/relay/keys"
    relay_says 1 E-KEYS "cannot read the relay's keys" \
        "$net/relay/keys cannot be read" "run this as the relay's own user" \
        daemon card --data "$net/relay"
}

@test "a configuration's mistakes come with their lines" {
    printf '[network]\nlisten = 127.0.0.1:0\nsesions = 5\n[store]\nsweep = 5 parsecs\n' \
        >"$net/bad.conf"
    run_said run_relay --config "$net/bad.conf"
    [ "$code" = 1 ]
    said_has "sealpostd: the relay does not start [E-START]"
    said_has "  why:  $net/bad.conf:3: unknown key \"sesions\" in [network]; did you mean \"sessions\"?"
    said_has "$net/bad.conf:5: sweep: \"5 parsecs\" is not a time such as 500ms, 30s, 15m or 7d"
    relay_says 1 E-START "the relay does not start" \
        "cannot read $net/absent.conf: No such file or directory" \
        "mend that and start it again; nothing was changed" \
        run_relay --config "$net/absent.conf"
    relay_says 1 E-STORE "cannot open the data directory" \
        "cannot read $net/absent.conf: No such file or directory" \
        "check the path, its rights and the disk" \
        daemon check --data "$net/relay" --config "$net/absent.conf"
    printf '[log]\nlevel = loud\n' >"$net/bad.conf"
    relay_says 1 E-START "the relay does not start" \
        "log level: error, warn, info or debug" \
        "mend that and start it again; nothing was changed" \
        run_relay --config "$net/bad.conf"
}

# --- stopping -------------------------------------------------------------------

@test "SIGTERM ends the relay in time, whoever is connected" {
    running
    port=$(sed 's/.*://' "$net/relay/run/address")
    exec 7<>"/dev/tcp/127.0.0.1/$port"
    printf 'SPT1' >&7
    mkfifo "$net/asking"
    /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b"sta")
open(sys.argv[2], "w").write("connected")
print(s.recv(1000))' "$net/relay/run/control.sock" "$net/asking" \
        >"$net/asked" 3>&- &
    asker=$!
    [ "$(cat "$net/asking")" = connected ]
    relay_pid=$(cat "$net/relay.pid")
    kill -TERM "$relay_pid"
    ended_with 0
    wait "$asker"
    [ "$(cat "$net/asked")" = "b''" ]
    exec 7>&-
    works daemon check --data "$net/relay"
    said_has "Everything verifies."
}

@test "killed and started again it has the same name and the same heads" {
    running
    works write
    heads >"$net/before"
    relay_pid=$(cat "$net/relay.pid")
    relay_kill
    running
    heads >"$net/after"
    cmp "$net/before" "$net/after"
    works client ngo sync
    relay_down
    works daemon check --data "$net/relay"
}

# --- copies ---------------------------------------------------------------------

no_copy="use the newest copy of the data directory; if there is none, \`sealpostd succession\` asks the registrar for a new name"

advance() { # one more agency: three leaves of the directory, seen by the NGO
    running "$@"
    quietly network_join late "Late Agency" GB partner desk "the laptop"
    works client ngo sync
    relay_down
}

@test "an older copy is refused by the guard, with the gap" {
    printf '[store]\nguard = %s\n' "$net/guard" >"$net/guard.conf"
    works daemon check --data "$net/relay" --config "$net/guard.conf"
    cp -r "$net/relay" "$net/copy"
    advance --config "$net/guard.conf"
    rm -r "$net/relay"
    mv "$net/copy" "$net/relay"
    relay_says 1 E-RESTORED "the relay does not start" \
        "the database is older than what was signed: the directory log has 10 entries, the guard $net/guard remembers 13*" \
        "$no_copy" \
        run_relay --config "$net/guard.conf"
    relay_says 1 E-RESTORED "cannot open the data directory" \
        "the database is older than what was signed: the directory log has 10 entries, *" \
        "$no_copy" \
        daemon check --data "$net/relay" --config "$net/guard.conf"
}

@test "an older copy with its own guard is found out by the first client" {
    cp -r "$net/relay" "$net/copy"
    advance
    rm -r "$net/relay"
    mv "$net/copy" "$net/relay"
    running
    run_said client ngo sync
    [ "$code" != 0 ]
    ended_with 1
    tail -n 1 "$net/relay.log" >"$said.out"
    said_has "error: stopping: a client holds a directory head of 13 entries under our own key; this data directory has 10: the last 3 (entries 10 to 12) are missing; it was restored from an older copy, or another relay runs with the same keys"
}

# --- damage ---------------------------------------------------------------------

@test "check finds a flipped bit in the database and in an attachment" {
    local keep="keep a copy of the directory and call the registrar"
    running
    head -c 20000 /dev/urandom >"$net/scan"
    works client ngo send --to "Northgate Hub" --text x --attach "$net/scan" --yes
    relay_down
    works daemon check --data "$net/relay"
    cp -r "$net/relay" "$net/copy"
    flip "$(find "$net/relay/blobs" -type f)"
    relay_says 14 E-CHECK "1 finding" \
        "what is stored is not what was promised" "$keep" \
        daemon check --data "$net/relay"
    said_has "attachment 1: its file is missing or damaged"
    rm -r "$net/relay"
    mv "$net/copy" "$net/relay"
    flip "$net/relay/store.db" "Harbour Light"
    relay_says 14 E-CHECK "* findings" \
        "what is stored is not what was promised" "$keep" \
        daemon check --data "$net/relay"
    said_has "directory log: the head at 10 does not follow from the entries"
    relay_says 1 E-START "the relay does not start" \
        "the directory log is damaged: \`sealpostd check --data $net/relay\` tells where" \
        "mend that and start it again; nothing was changed" run_relay
}

# --- no room --------------------------------------------------------------------

@test "a full database refuses packets, serves the rest, and clears" {
    local sent=0
    pages=$(sql "PRAGMA page_count")
    printf '[store]\npage_count_max = %d\n' $((pages + 100)) >"$net/full.conf"
    running --config "$net/full.conf"
    head -c 40000 /dev/urandom | base64 >"$net/long"
    while [ "$(status_of disk_full)" = 0 ]; do
        works client ngo send --to "Northgate Hub" --text "$(cat "$net/long")" --yes
        sent=$((sent + 1))
        [ $sent -lt 20 ]
    done
    said_has "Not yet: it is only on this laptop."
    [ "$(status_of pending)" = $((sent - 1)) ]
    works client hub sync
    said_has "received $((sent - 1))"
    works client ngo sync
    said_has "Sent 1"
    works client hub sync
    said_has "received 1"
    [ "$(status_of disk_full)" = 0 ]
    relay_down
    works daemon check --data "$net/relay"
}

@test "a file size limit refuses writes until it is lifted" {
    running
    works write
    prlimit --pid "$(cat "$net/relay.pid")" --fsize=8192:unlimited
    run_said write
    [ "$code" != 0 ]
    said_has "(relay: E-DISK, no room on disk; try again later)"
    [ "$(status_of disk_full)" = 1 ]
    works client ngo sync
    works client ngo send --to "Northgate Hub" --text "no room yet" --yes
    said_has "Not yet: it is only on this laptop."
    prlimit --pid "$(cat "$net/relay.pid")" --fsize=unlimited:unlimited
    works write
    [ "$(status_of disk_full)" = 0 ]
    works client ngo sync
    said_has "Sent 1"
    relay_down
    works daemon check --data "$net/relay"
}

# --- time -----------------------------------------------------------------------

at_clock() { # OFFSET: the relay's wall clock, from now on
    echo "$1" >"$net/clock"
}
running_at() { # OFFSET
    at_clock "$1"
    LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1) \
        FAKETIME_TIMESTAMP_FILE=$net/clock FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1 running
}

swept() { # the sweep has run at the relay's time now
    local before try
    before=$(status_of operations_total)
    works daemon sweep --data "$net/relay"
    for try in {1..300}; do
        [ "$(status_of operations_total)" -gt "$before" ] && return
    done
    echo "no sweep after $try looks"
    return 1
}

@test "a packet that nobody fetched expires when its time has come" {
    running_at +0
    works client ngo send --to "Northgate Hub" --text "in vain" --yes
    swept
    [ "$(status_of pending)" = 1 ]
    at_clock +20d
    swept
    [ "$(status_of pending)" = 1 ]
    at_clock +31d
    swept
    [ "$(status_of expired)" = 1 ]
    [ "$(status_of pending)" = 0 ]
    works client hub sync
    said_has "received 0"
    works client ngo sync
    works client ngo outbox
    said_has "expired"
    relay_down
    works daemon check --data "$net/relay"
}
