#!/usr/bin/env bats
# An audit that goes on from the last one, the choices one has, and the balance
# that an agency recomputes for itself.  One network, one story.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

hub_box="Northgate Hub/First contact"

setup_file() {
    quietly build_network
}
teardown_file() {
    relay_down
}
build_network() {
    network_of_two
    network_join auditor "Audit Office" GB auditor Audit "Audit desk"
    for party in registrar ngo hub auditor; do as "$party" sync; done
}

writes() { # TEXT [OPTION...]: the id of a packet to the hub
    local text=$1
    shift
    asked 'd["packet_id"]' client ngo send --to "$hub_box" --text "$text" \
        --yes "$@"
}
book() { # where the auditor keeps the last audit
    find "$net/auditor" -path '*blobs/*' -type f
}
# The parts of two audits that must be the same whether one read all or not.
same_result() {
    /usr/bin/python3 - "$1" "$2" <<'PY'
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
for key in ("balance", "balance_by_class", "balance_by_day", "total", "reasons", "findings"):
    assert a[key] == b[key], (key, a[key], b[key])
PY
}

@test "the first audit reads everything, the next one only what is new" {
    for n in 1 2 3; do writes "letter $n" >/dev/null; done
    works client hub sync
    works client ngo sync
    works client auditor audit --json
    first=$(value 'd["delivery_size"]' "$said.out")
    [ "$(value 'd["known_before"]' "$said.out")" = 0 ]
    [ "$(value 'd["total"]["handed_over"]' "$said.out")" = 3 ]
    writes "letter 4" >/dev/null
    works client hub sync
    works client auditor audit --json
    cp "$said.out" "$net/news.json"
    [ "$(value 'd["known_before"]' "$said.out")" = "$first" ]
    [ "$(value 'd["total"]["handed_over"]' "$said.out")" = 4 ]
    [ "$(value 'd["verified_leaves"] > d["known_before"]' "$said.out")" = true ]
    works client auditor audit --full --json
    [ "$(value 'd["known_before"]' "$said.out")" = 0 ]
    [ "$(value 'd["started_anew"]' "$said.out")" = "--full was given" ]
    same_result "$net/news.json" "$said.out"
}

@test "one book is kept, sealed: a second takes the place of the first" {
    [ "$(book | wc -l)" = 1 ]
    before=$(book)
    works client auditor audit
    [ "$(book | wc -l)" = 1 ]
    [ "$(book)" != "$before" ]
    ! grep -q SPAB "$(book)"
}

@test "a damaged book is said, and everything is read again" {
    printf 'x' | dd of="$(book)" bs=1 seek=300 conv=notrunc 2>/dev/null
    works client auditor audit
    said_has "Read from the beginning: what was kept of the last audit is damaged."
    works client auditor audit --json
    [ "$(value 'd["known_before"] > 0' "$said.out")" = true ]
    rm "$(book)"
    works client auditor audit
    said_has "is damaged"
}

@test "a period, an agency and a class may be chosen" {
    works client auditor audit --from 2000-01-01 --to 2000-01-02 --json
    [ "$(value 'd["total"]["stored"]' "$said.out")" = 0 ]
    [ "$(value 'd["findings"]' "$said.out")" = '[]' ]
    [ "$(value 'd["choice"]["to"]' "$said.out")" = 2000-01-02 ]
    works client auditor audit --agency "Harbour Light" --json
    [ "$(value 'd["total"]["stored"]' "$said.out")" = 4 ]
    works client auditor audit --agency "Audit Office" --json
    [ "$(value 'd["total"]["stored"]' "$said.out")" = 0 ]
    works client auditor audit --class routine
    said_has "Counted: routine packets."
    refused 2 E-USAGE client auditor audit --class sometimes
    refused 2 E-USAGE client auditor audit --from yesterday
    refused 2 E-RECIPIENT client auditor audit --agency "No Such Agency"
}

@test "who read what is shown, also to the reader" {
    works client auditor audit --json
    [ "$(value 'd["readers"][0]["auditor"]' "$said.out")" = "Audit Office" ]
    [ "$(value 'd["readers"][0]["device"]' "$said.out")" = "Audit desk" ]
    [ "$(value 'd["readers"][0]["questions"] > 1' "$said.out")" = true ]
    works client auditor audit
    said_has 'Audit Office, "Audit desk":'
}

@test "a long log is read in many pages" {
    works client auditor audit --json
    before=$(value 'd["delivery_size"]' "$said.out")
    relay_down
    "$build/tests/peer/log_fill" "$net/relay" 3000
    relay_up
    works client auditor audit --json
    [ "$(value 'd["known_before"]' "$said.out")" = "$before" ]
    [ "$(value 'd["verified_leaves"] >= 3000' "$said.out")" = true ]
    cp "$said.out" "$net/news.json"
    works client auditor audit --full --json
    same_result "$net/news.json" "$said.out"
    works client ngo audit
}

@test "an agency's own balance adds up, online and offline" {
    works client ngo balance
    said_has "It adds up"
    works client ngo balance --json
    [ "$(value 'd["online"]' "$said.out")" = true ]
    [ "$(value 'd["total"]["sent"]["handed_over"]' "$said.out")" = 4 ]
    [ "$(value 'd["total"]["received"]["stored"]' "$said.out")" = 0 ]
    [ "$(value 'd["mismatches"]' "$said.out")" = '[]' ]
    relay_down
    works client ngo balance --json
    [ "$(value 'd["online"]' "$said.out")" = false ]
    [ "$(value 'd["total"]["sent"]["handed_over"]' "$said.out")" = 4 ]
    relay_up
    works client hub balance --offline --json
    [ "$(value 'd["total"]["received"]["handed_over"]' "$said.out")" = 4 ]
    works client ngo balance --day 2000-01-01 --json
    [ "$(value 'd["days"]' "$said.out")" = '[]' ]
    refused 2 E-USAGE client ngo balance --day 2000-01-01 --from 2000-01-01
}

@test "a receipt whose entry the relay leaves out is named, exit 20" {
    id=$(writes "to be left out")
    relay_down
    cp -a "$net/relay" "$net/relay.good"
    /usr/bin/python3 - "$net/relay/store.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
last = db.execute("select max(idx) from event_of").fetchone()[0]
assert db.execute("delete from event_of where idx = ?", (last,)).rowcount >= 1
db.commit()
PY
    relay_up
    run_said client ngo balance --json
    [ "$code" = 20 ]
    [ "$(value 'd["mismatches"][0]["code"]' "$said.out")" = receipt_without_leaf ]
    [ "$(value 'd["mismatches"][0]["packet_id"]' "$said.out")" = "$id" ]
    run_said client ngo balance
    [ "$code" = 20 ]
    said_has "E-AUDIT"
    relay_down
    rm -rf "$net/relay"
    mv "$net/relay.good" "$net/relay"
    relay_up
    works client ngo balance
}
