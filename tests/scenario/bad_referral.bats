#!/usr/bin/env bats
# Referrals as people and programs get them wrong.  Each error names the field;
# nothing is sent, and the same file goes once it is mended.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly parties
    mkdir "$net/files"
}
parties() {
    network_of_two
    network_join friend "Friendly Partner" GB partner Desk "Their desk"
    as ngo sync
}
teardown_file() {
    relay_down
}

# A sample with one thing changed: d is the document.
broken() { # NAME STATEMENT [SAMPLE]
    /usr/bin/python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(d, open(sys.argv[3], "w"))' \
        "$samples/${3:-adult-consents}.json" "$2" "$net/files/$1.json"
    file=$net/files/$1.json
}
sends() { # FILE [OPTION...]
    client ngo send --to "Northgate Hub/First contact" "$@" --yes
}
# Refused by send and by check, with a line that names the field.
names() { # LINE
    told 2 E-FIELDS "the packet was not sent" "* must be mended first" \
        "mend the fields named above and run the same command again" \
        sends "$file"
    said_has "$1"
    said_nothing_raw
    run_said client ngo check "$file"
    [ "$code" = 2 ]
    said_has "${1#error: }"
    said_nothing_raw
}

@test "not JSON at all: line and column" {
    printf '{"referral": {"mode": identification}}' >"$net/files/a.json"
    told 2 E-JSON "*" "*/a.json line 1 column 36: invalid token near 'identification'" \
        "mend the file at that place and run the same command again" \
        sends "$net/files/a.json"
    : >"$net/files/empty.json"
    told 2 E-JSON "*" "*" "*" sends "$net/files/empty.json"
    printf '[1, 2]' >"$net/files/list.json"
    told 2 E-JSON "*" "*" "*" sends "$net/files/list.json"
    printf '{"a": 1, "a": 2}' >"$net/files/twice.json"
    told 2 E-JSON "*" "*" "*" sends "$net/files/twice.json"
    /usr/bin/python3 -c 'print("[" * 5000)' >"$net/files/deep.json"
    told 2 E-JSON "*" "*" "*" sends "$net/files/deep.json"
    printf '{"a": "\xff\xfe"}' >"$net/files/latin.json"
    told 2 E-JSON "*" "*" "*" sends "$net/files/latin.json"
    told 1 E-FILE "the packet was not sent" \
        "*/nowhere.json: No such file or directory" \
        "check the path and its rights" sends "$net/files/nowhere.json"
}

@test "required fields that are missing are named, all of them" {
    broken missing 'del d["referral"]["mode"]; del d["risk"]["still_exploited"]'
    names "error: risk.still_exploited: is missing; write yes, no or not_sure"
    said_has "referral.mode: is missing; use one of: identification"
}

@test "an unknown field is named, with the nearest that exists" {
    broken unknown 'd["id"]["gendre"] = "female"'
    names 'error: id.gendre: is no field of the profile core; did you mean "id.gender"?'
}

@test "a wrong code is repeated and the right ones are listed" {
    broken code 'd["referral"]["mode"] = "identify"'
    names 'referral.mode'
    said_has '"identify"'
    said_has "identification, notification_only, support_only"
}

@test "wrong types, dates, countries and telephone numbers are named" {
    broken types 'd["id"]["children_count"] = "two"
d["id"]["nationality"] = ["Sudan"]
d["referrer"]["phone"] = "01632 960123"
d["episode"][0]["from"] = {"date": "2026-13"}
d["id"]["gender"] = {"reason": "do not ask"}'
    names "id.children_count"
    said_has "id.nationality[1]"
    said_has "referrer.phone"
    said_has "episode[1].from"
    said_has "id.gender"
}

@test "16,000 characters in a field that holds 15,000" {
    broken long 'd["survivor_comment"] = "x" * 16000'
    names "survivor_comment"
    said_has "16000"
    said_has "15000"
    # Characters, not bytes: 15,000 of Arabic go.
    broken arabic 'd["survivor_comment"] = "\u0645" * 15000'
    works sends "$file"
}

@test "marks that turn the direction of writing in a name" {
    broken bidi 'd["id"]["given"] = "Am\u202eal"'
    names "id.given"
}

@test "escape sequences in a text are sent, shown, never obeyed" {
    broken escapes 'd["survivor_comment"] = "one\x1b[2Jtwo \x9b31m\x07 three\x1b]0;title\x07"
d["referral"]["details"] = "line\r\x1b[Aover"'
    works sends "$file" --json
    id=$(value 'd["packet_id"]' "$said.out")
    works client hub sync
    for words in "inbox" "read $id" "status $id" "" "search three" \
        "quarantine"; do
        # shellcheck disable=SC2086
        works client hub $words
        said_nothing_raw
    done
    works client hub read "$id"
    said_has 'one\u{1b}[2Jtwo \u{9b}31m\u{7} three'
    # In JSON and in the export they are what was sent.
    [ "$(asked 'd["referral"]["survivor_comment"][3:7]' client hub read "$id")" = \
        "${esc}[2J" ]
    works client hub export "$id" -o "$net/escapes"
    /usr/bin/python3 -c 'import json, sys
assert "\x1b[2J" in json.load(open(sys.argv[1]))["survivor_comment"]' \
        "$net/escapes/referral.json"
}

@test "escapes in answers, references, owners, subjects and labels" {
    id=$(ngo_writes "subject ${esc}[31m red")
    works client hub sync
    works client hub accept "$id" --reference "NG${esc}[1m-1" \
        --owner $'Duty\u202e' --note "call ${esc}]8;;http://x${esc}\\ back"
    said_nothing_raw
    works client ngo sync
    works client ngo inbox
    said_nothing_raw
    for words in "inbox --all" "outbox --all" "status $id" "read latest" \
        "read $id" "slip $id" "search subject"; do
        # shellcheck disable=SC2086
        works client ngo $words
        said_nothing_raw
    done
    told 2 "E-*" "*" "*" "*" client hub agency mailbox add "Lab${esc}[1mel"
}

@test "a partner does not file a referral" {
    told 13 E-CLASS "this packet may not be sent" \
        "your agency's class (partner) does not send packets of type referral" \
        "ask a first responder organisation to file it" \
        client friend send --to "Northgate Hub" "$samples/adult-consents.json" --yes
    [ "$(asked 'len(d["outbox"])' client friend outbox --all)" = 0 ]
    works client friend send --to "Northgate Hub" --text "Please call us" --yes
}

@test "an NGO does not file a duty to notify" {
    told 13 E-CLASS "this packet may not be sent" \
        "your agency's class (non_statutory) does not send packets of type *" \
        "*" sends "$samples/duty-to-notify.json"
}

@test "no agreement to this recipient: refused, and overridden only with a reason" {
    broken nobody 'for r in d["consent"]["recipients"]:
    r["to"] = "Somebody Else"
d["meta"].pop("legal_basis", None)'
    told 13 E-POLICY "*" "*" "*" sends "$file"
    told 2 E-USAGE "the command is not complete" \
        "--override-consent needs a reason*" "*" \
        sends "$file" --override-consent " "
    works sends "$file" --override-consent "Vital interests, told by phone"
}

@test "mended, it goes; every wrong one left nothing behind" {
    broken mended 'd["id"]["alias"] = "Mended One"'
    before=$(asked 'len(d["outbox"])' client ngo outbox --all)
    works sends "$file"
    said_has "stored by the relay"
    [ "$(asked 'len(d["outbox"])' client ngo outbox --all)" = $((before + 1)) ]
    [ "$(asked 'len(d["drafts"])' client ngo drafts)" = 0 ]
}
