#!/usr/bin/env bats
# What a registrar and an agency decide, at a relay that is really there: one
# network and one story, later tests stand on earlier ones.  The NGO's root is
# on paper only; the clock goes forward in the last tests.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly build_network
}
teardown_file() {
    relay_down
}

build_network() {
    founded
    hub_joins
    party_passphrase ngo
    as registrar registrar invite -o "$net/ngo.invite"
    client ngo join "$(cat "$net/ngo.invite")" --name "Harbour Light" \
        --country GB --device "Anna's laptop" --json --yes >"$net/ngo.json"
    value 'd["paper_key"]' "$net/ngo.json" >"$net/ngo.root"
    as registrar registrar admit "Harbour Light" --class non_statutory --yes
    as ngo join --status
    as ngo sync
}
# The NGO signs with its paper.
ngo_signs() {
    client ngo "$@" --paper-fd 8 8<"$net/ngo.root"
}
own() { # EXPRESSION PARTY, of the agency as PARTY shows it
    asked "[a for a in [d['agency']]][0]$1" client "$2" agency show
}
# EXPRESSION of the agency NAME as PARTY sees it, after a sync.
seen_by() { # PARTY NAME EXPRESSION
    works client "$1" sync
    asked "d['contacts'][0]$3" client "$1" contacts --agency "$2"
}
device_state() { # PARTY AGENCY LABEL
    works client "$1" sync
    asked "[x['state'] for x in d['contacts'][0]['devices']
            if x['label'] == \"$3\"][0]" client "$1" contacts --agency "$2"
}

@test "a root on paper is asked for, and only the right paper will do" {
    told 2 E-PAPER-KEY "the paper key was not read" "there is no terminal*" \
        "*" client ngo agency mailbox add "Night desk"
    tr 0-9A-Z 1-9A-Z0 <"$net/ngo.root" >"$net/wrong.root"
    run_said client ngo agency mailbox add "Night desk" \
        --paper-fd 8 8<"$net/wrong.root"
    three_lines 2 E-PAPER-KEY "the paper key was not read" "*" "*"
    works ngo_signs agency mailbox add "Night desk" --contact "+44 1"
}

@test "a mailbox is changed, and the other agency sees it" {
    works ngo_signs agency mailbox set "Night desk" --label "Night team" \
        --contact "+44 2" --deputy "Harbour Light/Referrals"
    [ "$(seen_by hub "Harbour Light" "['mailboxes'][1]['label']")" = \
        "Night team" ]
    [ "$(seen_by hub "Harbour Light" "['mailboxes'][1]['deputy']")" = \
        "Harbour Light/Referrals" ]
    told 13 E-POLICY "the directory would not take that" \
        "another agency or mailbox has the name" "*" \
        ngo_signs agency mailbox add referrals
    works ngo_signs agency mailbox close "Night team" --yes
    [ "$(seen_by hub "Harbour Light" "['mailboxes'][1]['state']")" = closed ]
}

@test "a later device joins by card, request and signature" {
    party_passphrase ngo-2
    works client ngo agency card -o "$net/ngo.card"
    there=$(asked 'd["digits"]' client ngo-2 device request "$net/ngo.card" \
        --label "Ben's laptop" -o "$net/ngo-2.request")
    [ "$(own "['digits']" ngo)" = "$there" ]
    check=$(asked 'd["check"]' client ngo-2 join --status)
    works ngo_signs agency sign "$net/ngo-2.request" --check "$check" \
        --mailbox Referrals -o "$net/ngo-2.signed"
    works client ngo-2 device install "$net/ngo-2.signed"
    said_has "may send and receive"
    [ "$(device_state hub "Harbour Light" "Ben's laptop")" = live ]
}

@test "a device signed without a connection publishes that by itself" {
    party_passphrase ngo-3
    works client ngo-3 device request "$net/ngo.card" --label Third \
        -o "$net/ngo-3.request"
    relay_down
    works ngo_signs agency sign "$net/ngo-3.request" --mailbox Referrals \
        --yes -o "$net/ngo-3.signed"
    said_has "the new machine will publish it"
    works client ngo-3 device install "$net/ngo-3.signed"
    said_has "the relay cannot be reached now"
    relay_up
    works client ngo-3 sync
    [ "$(device_state hub "Harbour Light" Third)" = live ]
}

@test "a device that was enrolled needs no file" {
    party_passphrase ngo-4
    works client ngo-4 device request "$net/ngo.card" --label Fourth \
        -o "$net/ngo-4.request"
    works ngo_signs agency sign "$net/ngo-4.request" --mailbox Referrals \
        --yes -o "$net/ngo-4.signed"
    works client ngo-4 join --status
    said_has "may send and receive"
}

@test "what a newer signature has overtaken is signed once more" {
    party_passphrase ngo-5
    works client ngo-5 device request "$net/ngo.card" --label Fifth \
        -o "$net/ngo-5.request"
    relay_down
    works ngo_signs agency sign "$net/ngo-5.request" --mailbox Referrals \
        --yes -o "$net/ngo-5.signed"
    relay_up
    works ngo_signs agency mailbox set Referrals --contact "+44 3"
    told 13 E-POLICY "the relay refused" "*" "ask your agency to sign *" \
        client ngo-5 device install "$net/ngo-5.signed"
    works ngo_signs agency sign "$net/ngo-5.request" --mailbox Referrals \
        --yes -o "$net/ngo-5.again"
    works client ngo-5 device install "$net/ngo-5.again"
    said_has "may send and receive"
}

@test "revoking the very device at hand succeeds and says so" {
    run_said ngo_signs agency revoke Third --reason lost
    three_lines 2 E-NEEDS-YES "this needs a yes from you" "*" "*"
    works client ngo-3 sync
    run_said client ngo-3 agency revoke Third --reason retired \
        --paper-fd 8 8<"$net/ngo.root"
    three_lines 2 E-NEEDS-YES "*" "*THIS VERY DEVICE*" "*"
    works client ngo-3 agency revoke Third --reason retired --yes \
        --paper-fd 8 8<"$net/ngo.root"
    [ "$(device_state hub "Harbour Light" Third)" = retired ]
    refused 13 E-DEVICE client ngo-3 sync
}

@test "the registrar stops a device of any agency" {
    works client registrar registrar stop-device Fourth
    [ "$(device_state hub "Harbour Light" Fourth)" = stopped ]
    refused 2 E-NOT-FOUND client registrar registrar stop-device Nobody
}

@test "the registrar's key may stay on another machine" {
    works client registrar registrar suspend "Harbour Light" \
        --export "$net/unsigned"
    works client registrar registrar sign "$net/unsigned" -o "$net/signed"
    [ "$(seen_by hub "Harbour Light" "['state']")" = active ]
    works client registrar registrar import "$net/signed"
    [ "$(seen_by hub "Harbour Light" "['state']")" = suspended ]
    works client registrar registrar import "$net/signed"
    refused 13 E-POLICY client registrar registrar suspend "Harbour Light"
    works client registrar registrar resume "Harbour Light"
    [ "$(seen_by hub "Harbour Light" "['state']")" = active ]
}

@test "a refused agency is told why" {
    party_passphrase odd
    works client registrar registrar invite -o "$net/odd.invite"
    works client odd join "$(cat "$net/odd.invite")" --name "Odd Body" \
        --country GB --yes
    works client registrar registrar refuse "Odd Body" --reason "not known"
    told 13 E-POLICY "the registrar refused the request" "not known" "*" \
        client odd join --status
}

@test "only who has the registrar's key admits and invites" {
    refused 13 E-POLICY client hub registrar invite
    refused 13 E-POLICY client hub registrar suspend "Harbour Light"
}

@test "a new root is announced, and the old one may cancel it" {
    digits=$(asked 'd["digits"]' client ngo agency new-root -o "$net/root1")
    refused 14 E-VERIFY client registrar registrar reroot "$net/root1" \
        --digits 12345
    works client registrar registrar reroot "$net/root1" --digits "$digits"
    works client hub sync
    works client hub contacts
    said_has "ITS ROOT CHANGES"
    works client ngo sync
    works ngo_signs agency cancel --yes
    refused 1 E-STATE ngo_signs agency cancel --yes
    works client hub sync
    works client hub contacts
    said_not "ITS ROOT CHANGES"
}

@test "a compared agency has to be compared again under its new root" {
    old=$(own "['digits']" ngo)
    works client hub contacts verify "Harbour Light" --digits "$old"
    new=$(asked 'd["digits"]' client ngo agency new-root -o "$net/root2")
    value 'd["paper_key"]' "$said.out" >"$net/ngo.root2"
    works client registrar registrar reroot "$net/root2" --digits "$new"
    relay_down
    shifted +8d relay_up
    works shifted +8d client hub sync
    [ "$(asked 'd["contacts"][0]["verified"]' shifted +8d client hub \
        contacts --agency "Harbour Light")" = false ]
    [ "$(asked 'd["contacts"][0]["digits"]' shifted +8d client hub \
        contacts --agency "Harbour Light")" = "$new" ]
    works shifted +8d client ngo sync
    run_said shifted +8d ngo_signs agency mailbox set Referrals --contact "+44 4"
    three_lines 2 E-PAPER-KEY "that is not this agency's root" "*" "*"
    cp "$net/ngo.root2" "$net/ngo.root"
    works shifted +8d ngo_signs agency mailbox set Referrals --contact "+44 4"
    works shifted +8d client hub sync
    [ "$(asked 'd["contacts"][0]["mailboxes"][0]["contact"]' shifted +8d \
        client hub contacts --agency "Harbour Light")" = "+44 4" ]
}
