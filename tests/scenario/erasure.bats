#!/usr/bin/env bats
# After the retention the relay has forgotten: no opening, no ciphertext is left
# in any of its files while it runs; and what was proven stays proven.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    mkdir -p "$net"
    quietly founded_for_days 2
    quietly ngo_joins
    quietly hub_joins
    quietly network_join auditor "Monitor" GB auditor Office "the desk"
    quietly client hub sync
    quietly client ngo sync
    relay_down
}
teardown_file() {
    relay_down
}

# --- helpers ------------------------------------------------------------------

founded_for_days() { # DAYS: the policy's retention
    network_relay
    party_passphrase registrar
    client registrar registrar init --relay-card "$net/relay.card" \
        --name "Demo Registrar" --country GB --retention "$1" \
        -o "$net/genesis.spost" --yes
    daemon genesis "$net/genesis.spost" --data "$net/relay"
    relay_start --listen "$relay_listen"
    echo "$relay_pid" >"$net/relay.pid"
}
running_at() { # OFFSET: the relay's wall clock
    echo "$1" >"$net/clock"
    LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1) \
        FAKETIME_TIMESTAMP_FILE=$net/clock FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1 relay_up "$@"
}
status_of() { # NAME
    daemon status --data "$net/relay" | sed -n "s/^$1=//p"
}
swept() { # until there is nothing left to do at the relay's time
    local before try
    for _ in 1 2 3; do
        before=$(status_of operations_total)
        works daemon sweep --data "$net/relay"
        for try in {1..300}; do
            [ "$(status_of operations_total)" -gt "$before" ] && break
        done
    done
}
# Every 16 bytes, each 64, of what has to go: openings, evidence, bodies, wraps,
# sealed files.  At an hour's beginning all of it is there.
gather() {
    /usr/bin/python3 - "$net/relay" >"$net/canaries" <<'PY'
import glob, os, sqlite3, sys
relay = sys.argv[1]
db = sqlite3.connect(relay + "/store.db")
def watch(b, step=64):
    for at in range(0, len(b) - 15, step):
        c = bytes(b[at:at + 16])
        if len(set(c)) >= 7:
            print(c.hex())
for opening, evidence in db.execute("SELECT bytes, evidence FROM opening"):
    watch(opening[:32], 16)
    watch(opening[32:48])
    watch(evidence or b"")
for row in db.execute("SELECT hdr, wraps, bytes FROM body"):
    watch(row[0][58 + 64:])
    watch(row[1])
    watch(row[2])
for f in glob.glob(relay + "/blobs/**/*", recursive=True):
    if os.path.isfile(f):
        watch(open(f, "rb").read(), 1024)
PY
}
# How many of them lie in any file of the relay's directory.
traces() {
    /usr/bin/python3 - "$net/relay" "$net/canaries" <<'PY'
import os, stat, sys
wanted = {}
for line in open(sys.argv[2]):
    c = bytes.fromhex(line)
    wanted.setdefault(c[:4], []).append(c)
found = set()
for d, _, files in os.walk(sys.argv[1]):
    for f in files:
        p = os.path.join(d, f)
        if not stat.S_ISREG(os.lstat(p).st_mode):
            continue
        data = open(p, "rb").read()
        for at in range(len(data) - 15):
            for c in wanted.get(data[at:at + 4], ()):
                if data[at:at + 16] == c:
                    found.add((p, c))
for p in sorted({p for p, _ in found}):
    print(p, file=sys.stderr)
print(len(found))
PY
}

@test "after the retention nothing of a packet is left at the relay" {
    running_at +0
    head -c 300000 /dev/urandom >"$net/scan"
    read_id=$(ngo_writes "read" --attach "$net/scan")
    works client hub sync
    wait_id=$(ngo_writes "never read" --attach "$net/scan")
    works client ngo sync
    works client ngo receipt "$read_id" -o "$net/read.receipt"
    said_has "It stays good for whoever holds it"
    works client ngo receipt "$wait_id" -o "$net/wait.receipt"
    gather
    [ "$(wc -l <"$net/canaries")" -gt 300 ]
    [ "$(traces)" -gt 300 ]

    # Expired after 30 days, its attachment a week later, its openings two days
    # after the end.
    echo +31d >"$net/clock"
    swept
    [ "$(status_of expired)" = 1 ]
    echo +40d >"$net/clock"
    swept
    swept
    for _ in {1..100}; do
        [ "$(stat -c %s "$net/relay/store.db-wal")" = 0 ] && break
        works daemon status --data "$net/relay"
    done
    [ "$(traces)" = 0 ]
    [ -z "$(find "$net/relay/blobs" -type f)" ]
}

@test "who holds a receipt still has one" {
    works client ngo verify "$net/read.receipt"
    said_has "The receipt is genuine."
    said_has "It stays good for whoever holds it"
    works client ngo verify "$net/wait.receipt"
    vkey=$(daemon vkey delivery --data "$net/relay")
    works client nobody verify "$net/wait.receipt" --vkey "$vkey"
    said_has "The receipt is genuine."
}

@test "the audit names what was erased, and finds nothing wrong" {
    works shifted +40d client auditor sync
    works shifted +40d client auditor audit
    works shifted +40d client ngo sync
    relay_down
    works shifted +40d daemon check --data "$net/relay"
    said_has "Everything verifies."
    [ "$(traces)" = 0 ]
}
