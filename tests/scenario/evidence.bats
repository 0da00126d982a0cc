#!/usr/bin/env bats
# Evidence of a packet in one file: made at both ends, read on a machine that
# has no vault; parts shown one by one; and what is said of a file that somebody
# has changed.  One network, one story.
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
    network_device ngo ngo-2 "Ben's laptop" Referrals
    for party in ngo ngo-2 hub; do as "$party" sync; done
    daemon vkey delivery --data "$net/relay" >"$net/vkey"
}

kept() { # NAME VALUE: for later tests
    printf '%s\n' "$2" >"$net/$1.id"
}
id_of() {
    cat "$net/$1.id"
}
# On another machine: no vault, no key, no network.
stranger() {
    SEALPOST_HOME=$net/nobody SEALPOST_PASSPHRASE_FILE=/dev/null \
        "$build/sealpost" "$@"
}
# spoilt KIND HOW FILE: a copy with section KIND (0: the file) changed.
spoilt() {
    /usr/bin/python3 - "$1" "$2" "$3" "$net/spoilt" <<'PY'
import sys
kind, how, path, to = int(sys.argv[1]), *sys.argv[2:]
data = open(path, "rb").read()
head, at, parts = data[:20], 20, []
while at < len(data):
    n = 5 + int.from_bytes(data[at + 1:at + 5], "big")
    parts.append(data[at:at + n])
    at += n
def flip(s, i):
    return s[:i] + bytes([s[i] ^ 1]) + s[i + 1:]
def change(s):
    if how == "flipped":
        return flip(s, len(s) - 20)
    if how == "doubled":
        return s + s
    if how == "missing":
        return b""
    raise SystemExit(how)
if kind == 0:
    data = data[:-7] if how == "cut" else data + b"\0"
else:
    assert kind in [s[0] for s in parts], kind
    data = head + b"".join(change(s) if s[0] == kind else s for s in parts)
open(to, "wb").write(data)
PY
}

# --- at both ends --------------------------------------------------------------

@test "the sender's file says what became of the packet, and nothing of it" {
    id=$(asked 'd["packet_id"]' client ngo send --to "$hub_box" \
        "$samples/adult-consents.json" --yes)
    kept packet "$id"
    [ "$(hub_has "$id")" = 1 ]
    works client ngo sync
    works client ngo evidence "$id" -o "$net/sent"
    said_has "shows nothing of the content"
    [ "$(stat -c %a "$net/sent")" = 600 ]
    [ "$(grep -acF "$canary" "$net/sent" || true)" = 0 ]
    works stranger verify "$net/sent"
    said_has "Compare, from a source you trust"
    said_has "\"Anna's laptop\" of Harbour Light signed the packet"
    said_has "The relay stored it on"
    said_has "It was handed over on"
    said_has "That device decrypted it"
    said_has "What the packet says: nothing of its content is in the file."
    said_has "no witness has signed a head"
}

@test "the recipient's file proves the same" {
    id=$(id_of packet)
    works client hub sync
    works client hub evidence "$id" -o "$net/received"
    for what in packet_id pkt_digest sender_agency recipient_mailbox \
        recipient_agency network_id; do
        [ "$(asked "d['$what']" stranger verify "$net/sent")" = \
            "$(asked "d['$what']" stranger verify "$net/received")" ]
    done
    for file in sent received; do
        [ "$(asked 'd["signed"]' stranger verify "$net/$file")" = true ]
        [ "$(asked '[e["type"] for e in d["events"]]' \
            stranger verify "$net/$file")" = '["stored", "handed_over"]' ]
        [ "$(asked 'd["events"][1]["decrypted"]' \
            stranger verify "$net/$file")" = shown ]
        [ "$(asked 'd["events"][1]["behind_it"]' \
            stranger verify "$net/$file")" = device ]
    done
}

@test "a reader that shares no code agrees" {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here/tests/lib \
        /usr/bin/python3 - "$net/sent" "$net/received" <<'PY'
import sys
import reader_evidence
for path in sys.argv[1:]:
    p = reader_evidence.judge(open(path, "rb").read())
    assert p["signed"] and p["sender_was"] == "live", p
    assert [e["event"]["type"] for e in p["events"]] == [1, 2], p["events"]
    assert p["events"][1]["decrypted"], p["events"]
PY
}

@test "a file that is there is never written over" {
    cp "$net/sent" "$net/before"
    told 1 E-FILE-EXISTS "cannot write the file" "*it is there already" "*" \
        client ngo evidence "$(id_of packet)" -o "$net/sent"
    cmp "$net/sent" "$net/before"
}

# --- whose network ---------------------------------------------------------------

@test "it is judged by what the reader trusts" {
    works stranger verify "$net/sent" --vkey "$net/vkey"
    said_has "by the relay's key that you named"
    network=$(asked 'd["network_id"]' stranger verify "$net/sent")
    works stranger verify "$net/sent" --network "$network"
    said_has "of the network that you named"
    works client hub verify "$net/sent"
    said_has "of the network that you belong to"
    told 14 E-VERIFY "the evidence does not verify" \
        "what you trust: it is of another network" "*" \
        stranger verify "$net/sent" --network "$(printf '%064d' 7)"
    daemon init --data "$net/other-relay" --name relay.demo \
        --listen 127.0.0.1:1 >/dev/null
    told 14 E-VERIFY "the evidence does not verify" "the relay's receipts*" "*" \
        stranger verify "$net/sent" \
        --vkey "$(daemon vkey delivery --data "$net/other-relay")"
    told 2 E-USAGE "the network id cannot be read" "*" "*" \
        stranger verify "$net/sent" --network 7
}

# --- disclosure --------------------------------------------------------------------

@test "content goes in part by part, and only when a person says so" {
    id=$(id_of packet)
    told 2 E-NEEDS-YES "*" "*part 3 (case)*" "*" \
        client hub evidence "$id" -o "$net/shown" --disclose case
    [ ! -e "$net/shown" ]
    works client hub evidence "$id" -o "$net/shown" --disclose case --yes
    said_has "IN THE CLEAR"
    works stranger verify "$net/shown" --part case
    said_has "Part 3 (case) stands in this file, and is what the sender signed."
    [ "$(asked 'd["disclosed"]' stranger verify "$net/shown")" = "[3]" ]
    asked 'd["shown"]["text"]' stranger verify "$net/shown" --part 3
    grep -q "{" "$said.out"
    told 2 E-NOT-FOUND "the part cannot be shown" "part 1 is not*" "*" \
        stranger verify "$net/shown" --part identity
}

@test "another part joins it, and one goes out again" {
    works client ngo evidence "$net/shown" -o "$net/shown-2" \
        --disclose meta,needs --yes
    [ "$(asked 'd["disclosed"]' stranger verify "$net/shown-2")" = "[0, 3, 4]" ]
    works stranger evidence trim "$net/shown-2" --without 0,case \
        -o "$net/shown-3"
    [ "$(asked 'd["disclosed"]' stranger verify "$net/shown-3")" = "[4]" ]
    works stranger evidence trim "$net/shown-3" --without needs \
        -o "$net/shown-4"
    # The same as the file that never had it.
    cmp "$net/shown-4" "$net/received"
    told 2 E-NOT-FOUND "the part cannot be taken out" "*" "*" \
        stranger evidence trim "$net/shown-3" --without case -o "$net/none"
    told 2 E-NOT-FOUND "the part cannot be disclosed" "part 15*" "*" \
        client ngo evidence "$net/shown" --disclose 15 --yes -o "$net/none"
    told 2 E-USAGE "the command is not complete" "*trim*" "*" \
        stranger evidence "$net/shown-3" --without needs -o "$net/none"
    [ ! -e "$net/none" ]
}

@test "a stranger to the packet has nothing to add" {
    works client ngo send --to "$hub_box" --text "Another." --yes
    told 2 E-NOT-FOUND "nothing can be disclosed" "*not in this vault" "*" \
        client registrar evidence "$net/sent" --disclose 3 --yes -o "$net/none"
}

# --- changed by somebody -------------------------------------------------------------

@test "a change in any section is told by its name" {
    names=(file "the packet's header" "the hashes of wraps and body"
        "the sender's lists and signature" "a disclosed part"
        "the directory's statements" "the relay's receipts")
    for kind in 3 4 5 6; do
        spoilt $kind flipped "$net/shown"
        told 14 E-VERIFY "the evidence does not verify" "${names[kind]}*" "*" \
            stranger verify "$net/spoilt"
    done
    # Header and body are what signature and receipts are about.
    spoilt 1 flipped "$net/shown"
    told 14 E-VERIFY "the evidence does not verify" "${names[3]}*" "*" \
        stranger verify "$net/spoilt"
    spoilt 2 flipped "$net/shown"
    told 14 E-VERIFY "the evidence does not verify" "${names[6]}*" "*" \
        stranger verify "$net/spoilt"
}

@test "sections come once, in order, whole" {
    for kind in 1 2 3 4 5 6; do
        spoilt $kind doubled "$net/shown"
        told 14 E-VERIFY "the evidence does not verify" \
            "the file is cut, changed or not in order*" "*" \
            stranger verify "$net/spoilt"
    done
    for how in cut longer; do
        spoilt 0 $how "$net/shown"
        refused 14 E-VERIFY stranger verify "$net/spoilt"
    done
    head -c 9000000 /dev/zero >"$net/huge"
    told 1 E-FILE "cannot read the file" "*larger than the limit*" "*" \
        stranger verify "$net/huge"
}

@test "what is missing proves less, and is named" {
    spoilt 6 missing "$net/sent"
    works stranger verify "$net/spoilt"
    said_has "That the relay stored it, and when: that receipt is not in the"
    said_has "\"Anna's laptop\" of Harbour Light signed the packet"
    spoilt 3 missing "$net/sent"
    works stranger verify "$net/spoilt"
    said_has "Who signed the packet: the sender's lists and signature are not"
    spoilt 2 missing "$net/sent"
    works stranger verify "$net/spoilt"
    said_has "That the receipts are of exactly this header"
    spoilt 5 missing "$net/sent"
    told 14 E-VERIFY "the evidence does not verify" \
        "what you trust: no key is known*" "*" stranger verify "$net/spoilt"
    works stranger verify "$net/spoilt" --vkey "$net/vkey"
    said_has "Who the parties are: the file holds no statements"
}

# --- other ends ------------------------------------------------------------------------

@test "before anything happened there is nothing to show" {
    relay_down
    works client ngo send --to "$hub_box" --text "Not gone yet." --yes
    told 2 E-NOT-FOUND "there is no evidence of it yet" \
        "the packet has not reached the relay" "*" \
        client ngo evidence latest -o "$net/none"
    relay_up
    told 2 E-USAGE "the command is not complete" "*" "*" \
        client ngo evidence latest
    told 2 E-NOT-FOUND "*" "*" "*" client ngo evidence 00000000 -o "$net/none"
    [ ! -e "$net/none" ]
}

@test "a pending packet, and a withdrawn one" {
    works client ngo sync
    id=$(ngo_writes "To be taken back.")
    works client ngo evidence "$id" -o "$net/pending"
    works stranger verify "$net/pending"
    said_has "What became of it in the end: no receipt here says."
    works client ngo withdraw "$id" --reason sent_in_error
    works client ngo sync
    works client ngo evidence "$id" -o "$net/withdrawn"
    works stranger verify "$net/withdrawn"
    said_has "The sender withdrew it on"
    said_has "sent_in_error"
    [ "$(asked 'd["events"][-1]["behind_it"]' \
        stranger verify "$net/withdrawn")" = device ]
}

@test "a colleague shows what the log says, without the sender's signature" {
    works client ngo-2 sync
    works client ngo-2 evidence "$(id_of packet)" -o "$net/colleague"
    works stranger verify "$net/colleague"
    said_has "It was handed over on"
    said_has "Who signed the packet: the sender's lists and signature are not"
}

next_second() {
    local now
    now=$(date +%s)
    until [ "$(date +%s)" -gt "$now" ]; do :; done
}
@test "a device that is revoked later is said plainly, with since" {
    id=$(asked 'd["packet_id"]' client ngo-2 send --to "$hub_box" \
        --text "From the laptop that gets lost." --yes)
    [ "$(hub_has "$id")" = 1 ]
    works client ngo-2 sync
    works client ngo-2 evidence "$id" -o "$net/early"
    next_second # `since` counts them: the packet lies before it
    works client ngo agency revoke "Ben's laptop" --reason stolen --yes
    works client hub sync
    works client hub evidence "$id" -o "$net/late"
    works stranger verify "$net/late"
    said_has "\"Ben's laptop\" of Harbour Light was revoked later (stolen"
    said_has "before that, by the"
    [ "$(asked 'd["device_was"]' stranger verify "$net/late")" = revoked_later ]
    # A file from before does not know; whoever has a directory does.
    works stranger verify "$net/early"
    said_not "revoked later"
    works client hub verify "$net/early"
    said_has "BEWARE: \"Ben's laptop\" of Harbour Light was revoked as of"
    said_has "the file"
}

@test "a revocation as of an earlier time spoils the word of the device" {
    works client ngo-2 verify "$net/early"
    id=$(asked 'd["packet_id"]' client ngo send --to "$hub_box" \
        --text "From the laptop that was stolen already." --yes)
    [ "$(hub_has "$id")" = 1 ]
    works client ngo sync
    since=$(date -u -d "-1 hour" +%Y-%m-%dT%H:%M:%SZ)
    works client ngo agency revoke "Anna's laptop" --reason stolen \
        --since "$since" --yes
    works client hub sync
    works client hub evidence "$id" -o "$net/spoiled-word"
    works stranger verify "$net/spoiled-word"
    said_has "BEWARE: \"Anna's laptop\" of Harbour Light was revoked (stolen"
    [ "$(asked 'd["device_was"]' stranger verify "$net/spoiled-word")" = revoked ]
}

# --- words -----------------------------------------------------------------------------

@test "nothing that others wrote reaches the terminal raw" {
    works stranger verify "$net/late"
    said_nothing_raw
    works client hub help evidence
    said_has "evidence trim FILE --without PART"
}
