#!/usr/bin/env bats
# Joining with what people really type, at a relay that is really there.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly founded
}
teardown_file() {
    relay_down
}

invite() {
    asked 'd["invite"]' client registrar registrar invite
}
joins() { # PARTY INVITE [OPTION...]
    local party=$1 invite=$2
    shift 2
    party_passphrase "$party"
    client "$party" join "$invite" --name "Agency $party" --country GB "$@"
}
# An invite with its last letter changed.
mistyped() {
    case $1 in
    *2) printf '%s3' "${1%?}" ;;
    *) printf '%s2' "${1%?}" ;;
    esac
}

@test "a mistyped invite is refused before anything is made" {
    told 2 E-INVITE "the invite is mistyped or cut" "its check does not fit" \
        "copy the whole invite again, or ask your registrar for a new one" \
        joins typo "$(mistyped "$(invite)")"
    [ ! -e "$net/typo" ]
}

@test "a cut invite, a card and an empty word are refused the same way" {
    whole=$(invite)
    told 2 E-INVITE "*" "*" "copy the whole invite again, or ask your *" \
        joins cut "${whole%??????????}"
    told 2 E-INVITE "that is not an invite" \
        "an invite starts with sealpost1-" "*" joins cut "hello"
    told 2 E-INVITE "that is not an invite" "*" "*" joins cut ""
    [ ! -e "$net/cut" ]
}

@test "an expired invite says until when it was valid" {
    old=$(invite)
    told 13 E-INVITE-EXPIRED "the invite has expired" \
        "it was valid until 2*" "ask your registrar for a new invite" \
        shifted +15d joins late "$old"
    [ ! -e "$net/late" ]
    works joins late "$old"
}

@test "an invite that somebody else has used is not valid any more" {
    used=$(invite)
    works joins first "$used"
    told 13 E-INVITE-EXPIRED "the invite is not valid any more" \
        "*expired, or somebody else has used it" \
        "ask your registrar for a new invite" joins second "$used"
}

@test "names, countries and classes that cannot be are refused by name" {
    party_passphrase names
    code=$(invite)
    told 2 E-USAGE "the agency cannot have that name" \
        "it has a control character, or one that hides or turns text" "see \`sealpost help join\`" \
        client names join "$code" --name $'Harbour \u202etcartsid' --country GB
    told 2 E-USAGE "the agency cannot have that name" \
        "it has a control character, or one that hides or turns text" "*" \
        client names join "$code" --name "${esc}[31mRed" --country GB
    told 2 E-USAGE "that is not a country's code" \
        "--country takes two capital letters, such as GB, BE or FR" "*" \
        client names join "$code" --name Names --country Britain
    told 2 E-USAGE "there is no such class of agency" \
        "--class is statutory, non_statutory, partner or auditor" "*" \
        client names join "$code" --name Names --country GB --class police
    told 2 E-USAGE "the command is not complete" "*" "*" \
        client names join "$code" --name Names --country GB --colour red
    [ ! -e "$net/names" ]
}

@test "not admitted yet: drafting works, sending says whom to phone" {
    works joins waits "$(invite)"
    told 10 E-NOT-ADMITTED "*" "*" \
        "phone your registrar and compare the digits; drafting works meanwhile" \
        client waits send --to "Northgate Hub" --text hello --yes
    asked 'd["draft"]' client waits new --field referral.mode=advice
    asked 'len(d["drafts"])' client waits drafts
    [ "$(asked 'len(d["drafts"])' client waits drafts)" = 1 ]
    [ "$(asked 'd["state"]' client waits join --status)" = waiting ]
}

@test "refused by the registrar: the reason is shown, its escapes are not obeyed" {
    works joins unwanted "$(invite)"
    request=$(asked '[r["request"] for r in d["requests"]
        if r["name"] == "Agency unwanted"][0]' client registrar registrar requests)
    works client registrar registrar refuse "$request" \
        --reason "not on ${esc}[2Jthe list" --yes
    told 13 E-POLICY "the registrar refused the request" \
        'not on \\u{1b}\[2Jthe list' "ask your registrar" \
        client unwanted join --status
    said_nothing_raw
}

@test "digits that do not agree admit nobody" {
    works joins phoned "$(invite)"
    told 14 E-VERIFY "the digits do not agree" "the request carries *" "*" \
        client registrar registrar admit "Agency phoned" --class partner \
        --digits "11111 22222 33333 44444 55555 66666"
    [ "$(asked 'd["state"]' client phoned join --status)" = waiting ]
    told 2 E-NEEDS-YES "this needs a yes from you" \
        "Did Agency phoned read you the digits *" "*--yes*" \
        client registrar registrar admit "Agency phoned" --class partner
    [ "$(asked 'd["state"]' client phoned join --status)" = waiting ]
}

@test "a second join in one vault is refused, the first one stays" {
    works joins twice "$(invite)"
    told 2 E-VAULT-EXISTS "somebody is at home here already" \
        "this vault belongs to a device of Agency twice" \
        "use another --home or --as NAME for a second identity" \
        joins twice "$(invite)"
    [ "$(asked 'd["state"]' client twice join --status)" = waiting ]
}

@test "a clock off by a day on either side does not stop joining" {
    works shifted +1d joins ahead "$(invite)"
    [ "$(asked 'd["state"]' client ahead join --status)" = waiting ]
    works shifted -1d joins behind "$(invite)"
    [ "$(asked 'd["state"]' client behind join --status)" = waiting ]
    works client registrar registrar admit "Agency behind" --class partner --yes
    [ "$(asked 'd["state"]' client behind join --status)" = ready ]
}

@test "disk full while joining: nothing half made, and it works afterwards" {
    code_=$(invite)
    told 1 E-DISK "*" "*" \
        "free some room and run the same command again; nothing was lost" \
        starved 1 joins full "$code_"
    works joins full "$code_"
    [ "$(asked 'd["state"]' client full join --status)" = waiting ]
}

@test "the relay away while joining: kept, exit 0, and it goes out later" {
    code_=$(invite)
    relay_down
    works joins offline "$code_"
    said_has "the relay cannot be reached now"
    [ "$(asked 'd["state"]' client offline join --status)" = queued ]
    relay_up
    [ "$(asked 'd["state"]' client offline join --status)" = waiting ]
}

@test "another relay at that address is found out before anything is sent" {
    code_=$(invite)
    relay_down
    other_relay_up
    told 14 E-RELAY-KEY "somebody else answers at the relay's address" \
        "it does not hold the key that this network names" \
        "do not send; compare the relay's key with your registrar by phone" \
        joins misled "$code_"
    relay_down
    relay_up
    [ "$(asked 'd["state"]' client misled join --status)" = waiting ]
}
