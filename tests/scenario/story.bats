#!/usr/bin/env bats
# A referral's whole life: checked, cut into parts, sealed, read, answered,
# exported, proven, audited; and what an audit says when the relay's books were
# changed.  One network, one story.
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
    network_join partner "Red Shelter" GB partner Desk "Desk"
    network_join auditor "Audit Office" GB auditor Audit "Audit desk"
    for party in registrar ngo hub partner auditor; do as "$party" sync; done
    make_attachments "$net/evidence"
}

sends() { # PARTY TO FILE [OPTION...]: its id
    local party=$1 to=$2 file=$3
    shift 3
    asked 'd["packet_id"]' client "$party" send --to "$to" "$file" --yes "$@"
}
kept() { # NAME VALUE: for later tests
    printf '%s\n' "$2" >"$net/$1.id"
}
id_of() {
    cat "$net/$1.id"
}

# --- content --------------------------------------------------------------------

@test "every sample passes its profile without a finding" {
    for file in "$samples"/*.json; do
        works client ngo check "$file"
        [ "$(asked 'd["errors"]' client ngo check "$file")" = 0 ]
    done
}

@test "a referral with files arrives whole" {
    id=$(sends ngo "$hub_box" "$samples/adult-consents.json" \
        --attach "$net/evidence/statement.pdf" \
        --attach "$net/evidence/photograph.jpg")
    kept referral "$id"
    [ "$(hub_has "$id")" = 1 ]
    works client hub read "$id" --json
    cp "$said.out" "$net/read.json"
    /usr/bin/python3 - "$samples/adult-consents.json" "$net/read.json" <<'PY'
import json, sys
sent, got = (json.load(open(p)) for p in sys.argv[1:])
assert got["type"] == "referral", got["type"]
assert got["withheld"] == [], got["withheld"]
assert got["referral"] == sent, "not what was sent"
assert sorted(a["name"] for a in got["attachments"]) == ["photograph.jpg", "statement.pdf"]
PY
}

@test "Arabic and Welsh come out as they went in" {
    works client hub read "$(id_of referral)"
    said_has "أريد أن أقول شيئاً بنفسي"
    said_has "Yn fy marn i"
}

@test "parts that were not agreed to stay, and their commitments travel" {
    /usr/bin/python3 - "$samples/adult-consents.json" "$net/less.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
r = d["consent"]["recipients"][0]
r["parts"] = [p for p in r["parts"] if p not in ("asylum", "needs")]
json.dump(d, open(sys.argv[2], "w"))
PY
    id=$(sends ngo "$hub_box" "$net/less.json")
    [ "$(hub_has "$id")" = 1 ]
    works client hub read "$id" --json
    [ "$(value 'sorted(d["withheld"])' "$said.out")" = '["asylum", "needs"]' ]
    [ "$(value '"asylum" in d["referral"]' "$said.out")" = false ]
}

@test "a notification without consent carries no name" {
    id=$(sends ngo "$hub_box" "$samples/notification-only.json")
    [ "$(hub_has "$id")" = 1 ]
    works client hub read "$id" --json
    [ "$(value '"id" in d["referral"]' "$said.out")" = false ]
}

@test "the police notify, a hub asks an NGO for support" {
    id=$(sends hub "Harbour Light" "$samples/support-request.json" \
        --type support_request)
    works client ngo sync
    [ "$(asked 'd["type"]' client ngo read "$id")" = support_request ]
    id=$(sends hub "Demo Registrar" "$samples/duty-to-notify.json" \
        --type duty_to_notify)
    works client registrar sync
    [ "$(asked 'd["type"]' client registrar read "$id")" = duty_to_notify ]
}

@test "a partner files no statutory referral" {
    refused 13 E-CLASS client partner send --to "$hub_box" \
        "$samples/adult-consents.json" --yes
    [ "$(asked 'len(d["outbox"])' client partner outbox --all)" = 0 ]
}

# --- answers ---------------------------------------------------------------------

@test "accepted with the hub's reference, and the sender sees it" {
    works client hub accept "$(id_of referral)" --reference NG-2026-0417 \
        --owner "Duty officer" --next-date 2026-12-01 --note "On our way."
    works client ngo sync
    [ "$(asked 'd["answer"]' client ngo status "$(id_of referral)")" = accepted ]
    works client ngo status "$(id_of referral)"
    said_has "acknowledged"
    works client ngo read latest
    said_has "NG-2026-0417"
    said_has "On our way."
}

@test "declined with a coded reason" {
    id=$(sends ngo "$hub_box" "$samples/child.json")
    works client hub sync
    refused 2 E-USAGE client hub decline "$id" --reason because
    works client hub decline "$id" --reason wrong_hub --note "Try the west."
    works client ngo sync
    [ "$(asked 'd["answer"]' client ngo status "$id")" = declined ]
}

@test "a reply stays in its thread, with a file" {
    works client hub reply "$(id_of referral)" --text "Two questions." \
        --attach "$net/evidence/statement.pdf"
    works client ngo sync
    [ "$(asked 'd["thread"]' client ngo read latest)" = \
        "$(asked 'd["thread"]' client ngo status "$(id_of referral)")" ]
    [ "$(asked 'len(d["attachments"])' client ngo read latest)" = 1 ]
}

@test "an answer to latest goes to what came, not to one's own answer" {
    newest=$(asked 'd["packet_id"]' client ngo send --to "$hub_box" \
        --text "The newest." --yes)
    [ "$(hub_has "$newest")" = 1 ]
    works client hub reply latest --text "First."
    works client hub reply latest --text "Second."
    works client ngo sync
    [ "$(asked 'd["in_reply_to"]' client ngo read latest)" = "$newest" ]
}

@test "nobody writes to an auditor: it could not read it" {
    refused 2 E-RECIPIENT client ngo send --to "Audit Office" --text "Hello" \
        --yes
    [ "$(asked '[p for p in d["outbox"] if p["subject"] == "Hello"]' \
        client ngo outbox --all)" = '[]' ]
}

@test "search finds a word of the account, only here" {
    asked '[p["packet_id"] for p in d["found"]]' client hub search "biscuit tin" |
        grep -q "$(id_of referral)"
    [ "$(asked 'd["found"]' client partner search "biscuit tin")" = '[]' ]
}

# --- evidence --------------------------------------------------------------------

@test "the export is what was sent, and verifies" {
    works client hub export "$(id_of referral)" -o "$net/export"
    cmp "$net/evidence/statement.pdf" "$net/export/attachments/statement.pdf"
    cmp "$net/evidence/photograph.jpg" "$net/export/attachments/photograph.jpg"
    (cd "$net/export" && /usr/bin/python3 - <<'PY')
import hashlib, json
m = json.load(open("manifest.json"))
files = m["files"]
assert len(files) == 4, files
for f in files:
    assert hashlib.sha256(open(f["path"], "rb").read()).hexdigest() == f["sha256"], f
PY
    daemon vkey --data "$net/relay" delivery >"$net/relay.vkey"
    works client hub verify "$net/export" --vkey "$net/relay.vkey"
    [ "$(stat -c %a "$net/export/referral.json")" = 600 ]
}

@test "a receipt verifies offline with the relay's key alone" {
    works client ngo receipt "$(id_of referral)" -o "$net/receipt.txt"
    works env -u SEALPOST_HOME "$build/sealpost" verify "$net/receipt.txt" \
        --home "$net/nowhere" --vkey "$(cat "$net/relay.vkey")"
    said_has "The receipt is genuine."
}

@test "a changed receipt does not" {
    sed 's/^index .*/index 3/' "$net/receipt.txt" >"$net/forged.txt"
    refused 14 E-VERIFY client ngo verify "$net/forged.txt" \
        --vkey "$net/relay.vkey"
    daemon vkey --data "$net/relay" directory >"$net/other.vkey"
    refused 14 E-VERIFY client ngo verify "$net/receipt.txt" \
        --vkey "$net/other.vkey"
}

@test "the slip tells when and which desk, and no name" {
    works client ngo slip "$(id_of referral)"
    said_has "Northgate Hub/First contact"
    said_has "collected at"
    for name in Amal Idris Pritchard Kassala; do said_not "$name"; done
}

# --- the audit --------------------------------------------------------------------

@test "the auditor's books balance, and no case is seen" {
    for party in ngo hub registrar; do works client "$party" sync; done
    works client auditor audit --json
    cp "$said.out" "$net/audit.json"
    /usr/bin/python3 - "$net/audit.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["ok"] and d["findings"] == [], d["findings"]
assert d["balance"], d
for row in d["balance"]:
    for b in (row, row["own"]):
        assert b["stored"] + b["carried"] == b["handed_over"] + b["refused"] + b["expired"] + b["withdrawn"] + b["pending"], b
PY
    said_not "Amal"
    said_not "$canary"
}

@test "a member audits its own packets" {
    works client ngo audit
    works client hub audit
}

@test "who is no auditor does not get the openings of others" {
    [ "$(asked '[b["agency"] for b in d["balance"] if b["agency"] not in ("Harbour Light", "Northgate Hub", "Demo Registrar")]' \
        client ngo audit)" = '[]' ]
}

@test "an opening that was removed is a finding, exit 20" {
    relay_down
    cp -a "$net/relay" "$net/relay.good"
    /usr/bin/python3 - "$net/relay/store.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
tables = [r[0] for r in db.execute("select name from sqlite_master where type='table'")]
name = next(t for t in tables if "opening" in t or t == "event")
cols = [r[1] for r in db.execute(f"pragma table_info({name})")]
key = next(c for c in cols if c in ("idx", "log_index", "index", "leaf", "pos", "id"))
n = db.execute(f'delete from {name} where "{key}" = (select max("{key}") from {name})').rowcount
assert n == 1, (name, cols)
db.commit()
PY
    relay_up
    run_said client auditor audit
    [ "$code" = 20 ]
    said_has "E-AUDIT"
    relay_down
    rm -rf "$net/relay"
    mv "$net/relay.good" "$net/relay"
}
