#!/usr/bin/env bats
# --json on every command and every error: one document on stdout, nothing on
# stderr, the exit code in the error; without it every output ends with what to
# do next.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly story
}
# Something of everything: sent, received, answered, drafted, quarantined.
story() {
    network_of_two
    network_join auditor "Audit Office" GB auditor Audit "Audit desk"
    ngo_writes "the first" >"$net/id"
    as hub sync
    as hub accept "$(cat "$net/id")" --reference NG-1
    as ngo sync
    as ngo new --field referral.mode=advice --json >"$net/draft.json"
    value 'd["draft"]' "$net/draft.json" >"$net/draft"
    as ngo receipt "$(cat "$net/id")" -o "$net/receipt.txt"
    daemon vkey --data "$net/relay" delivery >"$net/vkey"
}
teardown_file() {
    relay_down
}

good() { # KEYS PARTY COMMAND...: exit 0 and these keys in the document
    local keys=$1
    shift
    works client "$@" --json
    [ ! -s "$said.err" ]
    /usr/bin/python3 - "$said.out" "$keys" <<'PY'
import json, sys
def no_twice(pairs):
    assert len({k for k, _ in pairs}) == len(pairs), pairs
    return dict(pairs)
d = json.loads(open(sys.argv[1]).read(), object_pairs_hook=no_twice)
assert d["ok"] is True and "error" not in d, d
missing = set(sys.argv[2].split()) - set(d)
assert not missing, (missing, d)
PY
}
# Without --json: the last word is the next useful command.
ends_with_next() { # PARTY COMMAND...
    works client "$@"
    tail -n 1 "$said.err" | grep -q '^Next: ' && return
    echo "no next command after: $*"
    cat "$said.out" "$said.err"
    return 1
}

@test "every command that only looks, as JSON" {
    id=$(cat "$net/id") draft=$(cat "$net/draft")
    good "next" ngo
    good "commands" ngo help
    good "" ngo help send
    good "version" ngo version
    good "contacts" ngo contacts
    good "contacts" ngo contacts --agency "Northgate Hub"
    good "drafts" ngo drafts
    good "" ngo draft show "$draft"
    good "outbox" ngo outbox --all
    good "inbox unread" ngo inbox --all
    good "packet_id type from thread meta attachments text receipt verified" \
        hub read "$id"
    good "packet_id direction state events thread receipt expires_ms to" \
        ngo status "$id"
    good "quarantine" ngo quarantine
    good "" ngo search first
    good "" ngo slip "$id"
    good "" ngo receipt "$id"
    good "" ngo verify "$net/receipt.txt" --vkey "$net/vkey"
    good "" ngo agency show
    good "keys" ngo key list
    good "state" ngo join --status
    good "requests" registrar registrar requests
    good "balance findings overdue delivery_size directory_size verified_leaves" \
        auditor audit
}

@test "every command that does something, as JSON" {
    good "sent received quarantined receipts directory_size delivery_size" \
        ngo sync
    good "packet_id state receipt thread own_copy skipped_devices waiting_for" \
        ngo send --to "Northgate Hub" --text "as JSON" --yes
    sent=$(value 'd["packet_id"]' "$said.out")
    good "" ngo withdraw "$sent"
    good "packet_id" ngo send --to "Northgate Hub" --text "to be answered" --yes
    sent=$(value 'd["packet_id"]' "$said.out")
    good "" hub sync
    good "packet_id" hub reply "$sent" --text "an answer"
    good "packet_id" hub decline "$sent" --reason wrong_hub
    good "" hub export "$sent" -o "$net/exported"
    good "draft" ngo new --field referral.mode=advice
    draft=$(value 'd["draft"]' "$said.out")
    good "" ngo draft delete "$draft" --yes
    good "" ngo contacts verify "Northgate Hub" --yes
    good "invite" registrar registrar invite
    good "" ngo agency card -o "$net/card"
    good "" ngo agency mailbox add "Second"
    good "" ngo agency mailbox close "Second" --yes
    good "" registrar registrar suspend "Audit Office" --yes
    good "" registrar registrar resume "Audit Office" --yes
    good "" ngo watch --once
    good "" ngo key backup
}

@test "every command's errors, as JSON" {
    id=$(cat "$net/id")
    refused 2 E-USAGE client ngo nonsense
    refused 2 E-USAGE client ngo inbox --nonsense
    refused 2 E-USAGE client ngo --home
    refused 2 E-USAGE client ngo help nonsense
    for command in send "send --to x" new\ --nonsense "draft show" "check" \
        "withdraw" "read" "accept" "decline" "decline $id" "reply" "export" \
        "export $id" "receipt" "evidence" "evidence $id" "verify" "join" "device" "device request" \
        "agency" "agency sign" "agency revoke" "registrar" "registrar admit" \
        "key" "key remove" "contacts verify" "status a b c" "search"; do
        # shellcheck disable=SC2086
        refused 2 E-USAGE client ngo $command
    done
    for command in "read" "status" "withdraw" "accept" "reply --text x" \
        "decline --reason duplicate" "export -o $net/none" "receipt" "slip" \
        "evidence -o $net/none"; do
        # shellcheck disable=SC2086
        refused 2 E-NOT-FOUND client ngo $command 0123456789abcdef
    done
    refused 2 E-NOT-FOUND client ngo draft show 0123456789abcdef
    refused 2 E-NOT-FOUND client ngo send --to "Northgate Hub" \
        --draft 0123456789abcdef
    refused 2 E-RECIPIENT client ngo send --to nobody --text x
    refused 2 E-RECIPIENT client ngo contacts verify nobody
    refused 1 E-FILE client ngo check "$net/nowhere.json"
    refused 2 E-JSON client ngo check "$net/id"
    refused 1 E-FILE client ngo verify "$net/nowhere" --vkey "$net/vkey"
    refused 1 E-FILE client ngo verify "$net/id" --vkey "$net/vkey"
    refused 10 E-NO-IDENTITY client nobody sync
    for command in inbox outbox drafts contacts status sync audit search\ x \
        "key list" "agency show" quarantine "read latest" "watch --once"; do
        # shellcheck disable=SC2086
        refused 10 E-NO-IDENTITY client nobody $command
    done
}

@test "a changed receipt fails to verify with 14" {
    for at in 0 40 200 400; do
        /usr/bin/python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[3])] ^= 1
open(sys.argv[2], "wb").write(b)' "$net/receipt.txt" "$net/changed.txt" "$at"
        refused 14 E-VERIFY client ngo verify "$net/changed.txt" \
            --vkey "$net/vkey"
    done
    head -c 100 "$net/receipt.txt" >"$net/cut.txt"
    refused 14 E-VERIFY client ngo verify "$net/cut.txt" --vkey "$net/vkey"
    daemon vkey --data "$net/relay" directory >"$net/other.vkey"
    refused 14 E-VERIFY client ngo verify "$net/receipt.txt" \
        --vkey "$net/other.vkey"
}

@test "without --json every output ends with the next useful command" {
    id=$(cat "$net/id") draft=$(cat "$net/draft")
    for command in "" contacts drafts "draft show $draft" "outbox --all" \
        "inbox --all" "read latest" "status $id" quarantine "search first" \
        "slip $id" "receipt $id" "agency show" "key list" "join --status" \
        sync "verify $net/receipt.txt --vkey $net/vkey"; do
        # shellcheck disable=SC2086
        ends_with_next ngo $command
    done
    ends_with_next registrar registrar requests
    ends_with_next auditor audit
}
