#!/usr/bin/env bats
# Non-delivery comes before loss: warnings, whom to phone, the deputy, and what
# remains when nothing helped.
#
# One network and one story; clocks only go forward, by hours.  Northgate Hub has
# "First contact" (deputy: its own "Night desk", a machine of its own) and
# "Evening" (deputy: the desk of another agency, Southgate Hub).
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

desk="Northgate Hub/First contact"
night="Northgate Hub/Night desk"
evening="Northgate Hub/Evening"
south="Southgate Hub/Desk"

setup_file() {
    quietly build_network
}
teardown_file() {
    relay_down
}
build_network() {
    founded
    ngo_joins
    hub_joins
    network_join south "Southgate Hub" GB statutory Desk "South desk"
    network_device ngo ngo-2 "Ben's laptop" Referrals
    network_device hub night "Night laptop" "First contact"
    as hub agency mailbox add "Night desk" --device "Night laptop" \
        --contact "+44 20 7946 0999, at night"
    as hub agency mailbox set "First contact" --remove-device "Night laptop"
    as hub agency mailbox set "First contact" --deputy "$night"
    as hub agency mailbox add "Evening" --device "Front desk" --deputy "$south"
    for party in night hub south ngo-2 ngo; do as "$party" sync; done
}

# --- time -------------------------------------------------------------------

# COMMAND... so many hours from now.
at() { # HOURS COMMAND...
    local hours=$1
    shift
    FAKETIME="+${hours}h" FAKETIME_DONT_FAKE_MONOTONIC=1 \
        LD_PRELOAD="$(dpkg -L libfaketime | grep 'libfaketime\.so\.1$')" "$@"
}
relay_at() { # HOURS: the relay lives then, and looks for what is due
    relay_down
    at "$1" relay_up
    daemon sweep --data "$net/relay" >"$net/sweep"
}
# A sync of PARTY, until it says TEXT, within 20 s.
told_at() { # HOURS PARTY TEXT
    local end=$((SECONDS + 20))
    until works at "$1" client "$2" sync && said_has "$3" >"$net/not-yet"; do
        daemon sweep --data "$net/relay" >"$net/sweep"
        [ $SECONDS -lt $end ] || return 1
    done
}
blobs_are() { # N: so many attachments lie at the relay, within 20 s
    local end=$((SECONDS + 20))
    until [ "$(relay_fact blobs)" = "$1" ]; do
        daemon sweep --data "$net/relay" >"$net/sweep"
        [ $SECONDS -lt $end ] || return 1
    done
}
stat_is() { # HOURS PARTY ID FIELD WANTED
    [ "$(at "$1" asked "d['$4']" client "$2" status "$3")" = "$5" ]
}
note_id() { # NAME ID
    echo "$2" >"$net/id-$1"
}
id_of() { # NAME
    cat "$net/id-$1"
}
writes() { # NAME TO TEXT [OPTION...]
    local name=$1 to=$2 text=$3
    shift 3
    note_id "$name" "$(asked 'd["packet_id"]' client ngo send --to "$to" \
        --text "$text" --yes "$@")"
}

# --- before it is sealed ------------------------------------------------------

@test "before something urgent is sealed the sender sees when they last collected, and whom to phone" {
    works client ngo send --to "$desk" --text "Is anybody there?" --urgent --yes
    said_has "$desk was last collected at"
    said_has "Phone:    +44 20 7946 0000, day and night"
    said_has "Deputy:   $night  +44 20 7946 0999, at night"
    said_not "for hours"
    works client ngo send --to "$desk" --text "Once more." --urgent --yes --json
    [ "$(value 'd["recipient"]["collected"]["known"]' "$said.out")" = true ]
    [ "$(value 'd["recipient"]["collected"]["late"]' "$said.out")" = false ]
    [ "$(value 'd["recipient"]["deputy"]["mailbox"]' "$said.out")" = "$night" ]
    [ "$(value 'd["recipient"]["contact"]' "$said.out")" = "+44 20 7946 0000, day and night" ]
    works client ngo send --to "$desk" --text "Routine." --yes --json
    [ "$(value '"recipient" in d' "$said.out")" = false ]
    works client hub sync
}

@test "offline it is not known, and the packet is queued all the same" {
    relay_down
    works client ngo send --to "$desk" --text "From the train." --urgent --yes
    said_has "It is not known when $desk was last collected"
    said_has "Phone:    +44 20 7946 0000"
    relay_up
    works client ngo sync
    works client hub sync
}

@test "a relay may keep it to itself" {
    printf '[mailbox]\nshow_collected = no\n' >"$net/quiet.conf"
    relay_down
    relay_up --config "$net/quiet.conf"
    works client ngo send --to "$desk" --text "Who knows?" --urgent --yes
    said_has "This relay does not tell when $desk was last collected"
    relay_down
    relay_up
    works client hub sync
}

@test "escalation is for what is urgent" {
    told 2 E-USAGE "the command is not complete" \
        "--escalate is for urgent packets: add --urgent" "*" \
        client ngo send --to "$desk" --text "x" --escalate --yes
}

# --- warned ---------------------------------------------------------------------

@test "an urgent packet that nobody collects is told after an hour, with phone, deputy and next command" {
    works client ngo sync
    dd if=/dev/urandom of="$net/photo.jpg" bs=1024 count=300 2>/dev/null
    writes calm "$desk" "When you can."
    writes first "$desk" "Call me." --urgent --attach "$net/photo.jpg"
    writes auto "$desk" "Danger tonight." --urgent --escalate
    writes foreign "$evening" "Also urgent." --urgent
    relay_at 2
    told_at 2 ngo "has NOT been collected"
    id=$(id_of first)
    said_has "Next: sealpost readdress ${id:0:8} --deputy"
    said_has "! URGENT packet ${id:0:8} to $desk has NOT been collected"
    said_has "Phone:    +44 20 7946 0000, day and night"
    said_has "Deputy:   $night"
    said_has "sealpost readdress ${id:0:8} --deputy"
    said_not "$(id_of calm | cut -c1-8)"
}

@test "who wished it so has it sent on to the deputy by the same sync" {
    id=$(id_of auto)
    works at 2 client ngo sync
    two=$(at 2 asked 'd["readdressed_to"]' client ngo status "$id")
    [ ${#two} = 32 ]
    note_id auto-2 "$two"
    stat_is 2 ngo "$id" state withdrawn
    stat_is 2 ngo "$two" resend_of "$id"
    stat_is 2 ngo "$two" state stored
    works at 2 client hub sync
    [ "$(at 2 asked "len([p for p in d['inbox'] if p['packet_id'] == '$id'])" client hub inbox --all)" = 0 ]
    works at 2 client night sync
    works at 2 client night read "$two"
    said_has "Danger tonight."
    works at 2 client night status "$two"
    said_has "Before:   packet ${id:0:8}"
}

@test "status, home, outbox and JSON show what was warned" {
    # The hub has just collected everything; two more wait now.
    note_id plain "$(at 2 asked 'd["packet_id"]' client ngo send --to "$desk" --text "One." --urgent --attach "$net/photo.jpg" --yes)"
    note_id slow "$(at 2 asked 'd["packet_id"]' client ngo send --to "$evening" --text "Two." --urgent --yes)"
    relay_at 4
    told_at 4 ngo "has NOT been collected"
    id=$(id_of plain)
    works at 4 client ngo status "$id"
    said_has "Warned:"
    said_has "Deputy:   $night"
    said_has "sealpost readdress ${id:0:8} --deputy"
    works at 4 client ngo outbox
    said_has "NOT COLLECTED"
    works at 4 client ngo
    said_has "NOT COLLECTED"
    said_has "URGENT packet"
    [ "$(at 4 asked 'd["not_collected"]' client ngo)" = 2 ]
    works at 4 client ngo sync --json
    [ "$(value 'len(d["warned"])' "$said.out")" = 2 ]
    [ "$(value 'all(w["urgent"] for w in d["warned"])' "$said.out")" = true ]
    [ "$(value '[w["to"]["deputy"]["mailbox"] for w in d["warned"]]' "$said.out")" = "[\"$night\", \"$south\"]" ]
    [ "$(at 4 asked 'd["warned_ms"] > 0' client ngo status "$id")" = true ]
    # Colleagues hear of it on their machine.
    works at 4 client ngo-2 sync
    said_has "${id:0:8} to $desk has NOT been collected"
    said_has "phone them"
}

@test "nobody has collected for hours: that is said before sealing, and blocks nothing" {
    works at 6 client ngo send --to "$desk" --text "Three." --urgent --yes
    said_has "Nobody has collected there for hours: phone them now, or send it to the deputy."
    at 6 works client hub sync
    works at 6 client ngo sync
}

# --- sent on ------------------------------------------------------------------------

@test "what was collected is not sent on" {
    told 13 E-FINAL "the packet cannot be sent on" \
        "the other desk has it already; write to it" "*sealpost status*" \
        at 6 client ngo readdress "$(id_of first)" --deputy --yes
    told 13 E-FINAL "the packet cannot be sent on" "*already*" "*" \
        at 6 client ngo readdress "$(id_of plain)" --yes
}

@test "a warned packet is withdrawn and sent on; its file is not uploaded again" {
    note_id again "$(at 6 asked 'd["packet_id"]' client ngo send --to "$desk" --text "A photo." --urgent --attach "$net/photo.jpg" --yes)"
    relay_at 8
    told_at 8 ngo "has NOT been collected"
    id=$(id_of again)
    before=$(relay_fact blobs)
    works at 8 client ngo readdress "$id" --deputy --yes
    said_has "It is withdrawn there first"
    said_has "it is sealed anew to $night"
    [ "$(relay_fact blobs)" = "$before" ]
    two=$(at 8 asked 'd["readdressed_to"]' client ngo status "$id")
    note_id again-2 "$two"
    [ "$(at 8 asked '[e["type"] for e in d["events"]][-1]' client ngo status "$id")" = withdrawn ]
    works at 8 client ngo sync
    [ "$(at 8 asked '[e["type"] for e in d["events"]][-1]' client ngo status "$id")" = readdressed ]
    works at 8 client ngo status "$id"
    said_has "Goes on:  as packet ${two:0:8}"
    works at 8 client night sync
    works at 8 client night export "$two" -o "$net/out"
    cmp "$net/photo.jpg" "$net/out/attachments/photo.jpg" ||
        cmp "$net/photo.jpg" "$(find "$net/out" -name photo.jpg)"
    [ "$(at 8 asked 'd["thread"]' client ngo status "$id")" = "$(at 8 asked 'd["thread"]' client night status "$two")" ]
    works at 8 client ngo sync
    stat_is 8 ngo "$two" state handed_over
    # A colleague sees the same chain.
    works at 8 client ngo-2 sync
    stat_is 8 ngo-2 "$id" readdressed_to "$two"
}

@test "twice is once" {
    id=$(id_of again)
    two=$(id_of again-2)
    told 13 E-FINAL "the packet cannot be sent on" \
        "it was sent on already, as packet ${two:0:8}" \
        "\`sealpost status ${two:0:8}\` shows it" \
        at 8 client ngo readdress "$id" --yes
}

@test "who is first wins: what is collected in that moment stays there" {
    note_id race "$(at 8 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Race." --urgent --yes)"
    # The hub fetches it while the sender is offline and decides.
    works at 8 client hub sync
    told 13 E-FINAL "the packet cannot be sent on" "*" "*" \
        at 8 client ngo readdress "$(id_of race)" --deputy --yes
    works at 8 client night sync
    works at 8 client night inbox --all
    said_not "Race."
}

@test "offline the intention is kept; the next sync withdraws and sends on" {
    note_id train "$(at 8 asked 'd["packet_id"]' client ngo send --to "$desk" --text "In the tunnel." --urgent --yes)"
    id=$(id_of train)
    relay_down
    works at 8 client ngo readdress "$id" --deputy --yes
    said_has "Not yet"
    works at 8 client ngo status "$id"
    said_has "Goes on:  to $night, with the next sync"
    relay_at 8
    works at 8 client ngo sync
    said_has "goes on to $night as packet"
    works at 8 client night sync
    works at 8 client night inbox
    said_has "In the tunnel."
}

@test "what never left the machine goes to the other desk alone" {
    relay_down
    note_id unsent "$(at 8 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Wrong desk." --urgent --yes)"
    works at 8 client ngo readdress "$(id_of unsent)" --deputy --yes
    said_has "has not reached $desk yet"
    relay_at 8
    works at 8 client ngo sync
    works at 8 client hub sync
    works at 8 client hub inbox --all
    said_not "Wrong desk."
    works at 8 client night sync
    works at 8 client night inbox
    said_has "Wrong desk."
}

@test "what is taken back does not go on" {
    note_id back "$(at 8 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Forget it." --urgent --yes)"
    relay_down
    works at 8 client ngo readdress "$(id_of back)" --deputy --yes
    refused 12 E-UNREACHABLE at 8 client ngo withdraw "$(id_of back)"
    relay_at 8
    works at 8 client ngo withdraw "$(id_of back)"
    works at 8 client ngo sync
    stat_is 8 ngo "$(id_of back)" readdressed_to null
    works at 8 client night sync
    works at 8 client night inbox --all
    said_not "Forget it."
}

@test "offline, and collected meanwhile: the sync says so and sends nothing" {
    note_id late "$(at 8 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Just in time." --urgent --yes)"
    relay_down
    works at 8 client ngo readdress "$(id_of late)" --deputy --yes
    relay_at 8
    works at 8 client hub sync
    works at 8 client ngo sync
    stat_is 8 ngo "$(id_of late)" state handed_over
    stat_is 8 ngo "$(id_of late)" readdressed_to null
    works at 8 client night sync
    works at 8 client night inbox --all
    said_not "Just in time."
}

# --- what cannot be ---------------------------------------------------------------

@test "bad targets are refused before anything changes" {
    note_id bad "$(at 8 asked 'd["packet_id"]' client ngo send --to "$night" --text "Stays." --urgent --yes)"
    id=$(id_of bad)
    told 2 E-RECIPIENT "the packet cannot be sent on" \
        "the mailbox that it went to names no deputy" \
        "phone them, or name another mailbox with --to" \
        at 8 client ngo readdress "$id" --yes
    refused 2 E-RECIPIENT at 8 client ngo readdress "$id" --to "Nowhere/Desk" --yes
    told 2 E-USAGE "the packet cannot be sent on" \
        "it waits at that mailbox already" "name another mailbox with --to" \
        at 8 client ngo readdress "$id" --to "$night" --yes
    refused 2 E-USAGE at 8 client ngo readdress "$id" --to "$desk" --deputy --yes
    refused 2 E-USAGE at 8 client ngo readdress --yes
    refused 2 E-NOT-FOUND at 8 client ngo readdress 00000000 --yes
    refused 2 E-USAGE at 8 client ngo readdress "$id" --to "$south" --override-consent " " --yes
    works at 8 client registrar registrar suspend "Southgate Hub" --yes
    refused 13 E-SUSPENDED at 8 client ngo readdress "$id" --to "$south" --yes
    works at 8 client registrar registrar resume "Southgate Hub" --yes
    stat_is 8 ngo "$id" state stored
    stat_is 8 ngo "$id" readdressed_to null
    works at 8 client night sync
}

@test "a foreign packet is not ours to send on" {
    told 1 E-STATE "the packet cannot be sent on" \
        "it came to you; only its sender can" "*" \
        at 8 client night readdress "$(id_of bad)" --yes
    told 1 E-STATE "the packet cannot be sent on" \
        "another machine of your agency sent it" "*" \
        at 8 client ngo-2 readdress "$(id_of again-2)" --yes
}

@test "another agency's desk gets a referral only when the person agreed" {
    works at 8 client ngo sync
    note_id case "$(at 8 asked 'd["packet_id"]' client ngo send --to "$evening" "$samples/adult-consents.json" --urgent --yes)"
    id=$(id_of case)
    run_said at 8 client ngo readdress "$id" --deputy --yes --json
    [ "$code" = 13 ]
    [ "$(value 'd["error"]["code"]' "$said.out")" = E-POLICY ]
    stat_is 8 ngo "$id" state stored
    works at 8 client ngo readdress "$id" --deputy --override-consent "Danger to life." --yes
    two=$(at 8 asked 'd["readdressed_to"]' client ngo status "$id")
    works at 8 client south sync
    works at 8 client south read "$two"
    said_has "Danger to life."
    works at 8 client south accept "$two" --reference SG-1 --owner "South"
    works at 8 client ngo sync
    stat_is 8 ngo "$two" case_state acknowledged
}

@test "the other agency gets the parts that were agreed to, and no more than the first" {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
d["consent"]["recipients"].append(
    {"to": "Southgate Hub", "parts": ["case", "needs"]})
json.dump(d, open(sys.argv[2], "w"))' "$samples/adult-consents.json" "$net/shared.json"
    id=$(at 8 asked 'd["packet_id"]' client ngo send --to "$evening" "$net/shared.json" --urgent --yes)
    works at 8 client ngo readdress "$id" --deputy --yes
    said_has 'The part "identity" does not go there'
    two=$(at 8 asked 'd["readdressed_to"]' client ngo status "$id")
    works at 8 client south sync
    works at 8 client south read "$two" --json
    [ "$(value '"case" in d["parts"] and "identity" not in d["parts"]' "$said.out")" = true ]
    [ "$(value '"identity" in d["withheld"]' "$said.out")" = true ]
    works at 8 client ngo sync
}

@test "a hook hears of warnings and of what goes on" {
    id=$(at 8 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Hook me." --urgent --escalate --yes)
    relay_at 10
    printf '#!/bin/sh\necho "$@" >>"%s"\n' "$net/heard" >"$net/hook"
    chmod +x "$net/hook"
    end=$((SECONDS + 20))
    until works at 10 client ngo watch --once --exec "$net/hook" &&
        grep -q "^warned $id" "$net/heard"; do
        daemon sweep --data "$net/relay" >"$net/sweep"
        [ $SECONDS -lt $end ] || return 1
    done
    grep -q "^readdressed $id" "$net/heard"
    ! grep -q "Hook me" "$net/heard"
    works at 10 client night sync
    works at 10 client night inbox
    said_has "Hook me."
    works at 10 client hub sync
    works at 10 client ngo sync
}

# --- lost ---------------------------------------------------------------------------

@test "what expired is an unread notice in the inbox, with the relay's certificate" {
    note_id lost "$(at 8 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Nobody came." --attach "$net/photo.jpg" --expires 1 --yes)"
    id=$(id_of lost)
    works at 8 client ngo-2 sync
    relay_at 40
    told_at 40 ngo "did NOT arrive: expired"
    works at 40 client ngo inbox
    said_has "NOT DELIVERED"
    works at 40 client ngo inbox --json
    notice=$(value "[n for n in d['notices'] if n['packet_id'] == '$id'][0]['notice_id']" "$said.out")
    note_id notice "$notice"
    [ "$(value "[n for n in d['notices'] if n['packet_id'] == '$id'][0]['unread']" "$said.out")" = true ]
    [ "$(value "[n for n in d['notices'] if n['packet_id'] == '$id'][0]['reason']" "$said.out")" = never_served ]
    [ "$(at 40 asked 'd["notices"] > 0' client ngo)" = true ]
    works at 40 client ngo read "${notice:0:8}"
    said_has "did NOT arrive"
    said_has "nobody collected it before its last day"
    said_has "readdress ${id:0:8}"
    works at 40 client ngo inbox --json
    [ "$(value "[n for n in d['notices'] if n['packet_id'] == '$id'][0]['unread']" "$said.out")" = false ]
    works at 40 client ngo-2 sync
    works at 40 client ngo-2 inbox
    said_has "NOT DELIVERED"
}

@test "the certificate is a file that anybody can verify, and says what it proves" {
    id=$(id_of lost)
    notice=$(id_of notice)
    vkey=$(daemon vkey delivery --data "$net/relay")
    works at 40 client ngo receipt "$notice" -o "$net/certificate"
    works client nobody verify "$net/certificate" --vkey "$vkey"
    said_has "The packet expired before anybody confirmed it"
    said_has "It proves that the relay says: this packet was stored"
    said_has "It does not prove that nobody"
    works at 40 client ngo receipt "$id" --event expired -o "$net/certificate-2"
    cmp "$net/certificate" "$net/certificate-2"
    works at 40 client ngo receipt "$id" --event stored -o "$net/stored"
    works client nobody verify "$net/stored" --vkey "$vkey" --json
    [ "$(value 'd["event"]' "$said.out")" = stored ]
    works at 40 client ngo export "$notice" -o "$net/exported"
    cmp "$net/certificate" "$net/exported/certificate.txt"
    works at 40 client ngo evidence "${notice:0:8}" -o "$net/fate"
    said_has "$id"
    grep -q "did NOT arrive" "$net/exported/notice.txt"
    refused 2 E-USAGE at 40 client ngo receipt "$id" --event eaten
    refused 2 E-NOT-FOUND at 40 client ngo receipt "$id" --event handed_over
    refused 1 E-FILE-EXISTS at 40 client ngo receipt "$notice" -o "$net/certificate"
    head -c 200 "$net/certificate" >"$net/cut"
    refused 14 E-VERIFY client nobody verify "$net/cut" --vkey "$vkey"
    sed '2s/./A/20' "$net/certificate" >"$net/forged"
    refused 14 E-VERIFY client nobody verify "$net/forged" --vkey "$vkey"
}

@test "what expired is sent on; the file is still at the relay" {
    id=$(id_of lost)
    before=$(relay_fact blobs)
    works at 40 client ngo readdress "$id" --yes
    said_has "did not arrive at $desk (expired)"
    [ "$(relay_fact blobs)" = "$before" ]
    two=$(at 40 asked 'd["readdressed_to"]' client ngo status "$id")
    works at 40 client night sync
    works at 40 client night read "$two"
    said_has "Nobody came."
}

@test "a week later the relay has dropped the file, and gets it again from the vault" {
    note_id old "$(at 40 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Late file." --attach "$net/photo.jpg" --expires 1 --yes)"
    relay_at 70
    told_at 70 ngo "did NOT arrive: expired"
    relay_at 260
    blobs_are 0
    id=$(id_of old)
    works at 260 client ngo readdress "$id" --to "$desk" --yes
    two=$(at 260 asked 'd["readdressed_to"]' client ngo status "$id")
    works at 260 client hub sync
    works at 260 client hub export "$two" -o "$net/out-2"
    cmp "$net/photo.jpg" "$(find "$net/out-2" -name photo.jpg)"
}

@test "what no machine can open any more is refused, noticed and sent on" {
    id=$(at 260 asked 'd["packet_id"]' client ngo send --to "$night" --text "Who reads this?" --yes)
    works at 260 client hub agency revoke "Night laptop" --reason lost --yes
    told_at 260 ngo "did NOT arrive: refused, no live device"
    works at 260 client ngo inbox --json
    notice=$(value "[n for n in d['notices'] if n['packet_id'] == '$id'][0]['notice_id']" "$said.out")
    [ "$(value "[n for n in d['notices'] if n['packet_id'] == '$id'][0]['reason']" "$said.out")" = no_live_device ]
    works at 260 client ngo read "$notice"
    said_has "the last machine that it was sealed to lost its place in that mailbox"
    works at 260 client ngo receipt "$notice" -o "$net/refusal"
    works client nobody verify "$net/refusal" --vkey "$(daemon vkey delivery --data "$net/relay")"
    said_has "the event names the signed statement"
    works at 260 client ngo readdress "$id" --to "$desk" --yes
    works at 260 client hub sync
    works at 260 client hub inbox
    said_has "Who reads this?"
}

@test "after a month what was lost with files is lost" {
    note_id gone "$(at 260 asked 'd["packet_id"]' client ngo send --to "$desk" --text "Gone file." --attach "$net/photo.jpg" --expires 1 --yes)"
    relay_at 290
    told_at 290 ngo "did NOT arrive: expired"
    relay_at 1100
    works at 1100 client hub sync
    works at 1100 client ngo sync
    told 2 E-ATTACHMENT "the packet cannot be sent on" \
        "its attachments are kept 30 days after it was lost, and are gone" "*" \
        at 1100 client ngo readdress "$(id_of gone)" --to "$desk" --yes
}

@test "in the end the books balance" {
    works at 1100 client south sync
    works at 1100 client ngo sync
    run_said at 1100 client ngo audit --json
    [ "$(value '[f["code"] for f in d["findings"] if f["code"] != "overdue"]' "$said.out")" = '[]' ]
    relay_down
    works daemon check --data "$net/relay"
}
