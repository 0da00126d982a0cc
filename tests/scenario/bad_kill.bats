#!/usr/bin/env bats
# SIGKILL at any moment of a client's command: the vault opens, nothing is lost
# and nothing is doubled.  The moments are spread evenly over its system calls.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly network_of_two
    head -c 400000 /dev/urandom >"$net/scan.jpg"
}
teardown_file() {
    relay_down
}

killed() { # N PARTY COMMAND...: by its Nth system call
    local n=$1 party=$2
    shift 2
    SEALPOST_HOME="$net/$party" SEALPOST_PASSPHRASE_FILE="$net/pass/$party" \
        /usr/bin/python3 "$here/tests/lib/kill_at.py" "$n" \
        "$build/sealpost" "$@" 9>"$net/calls"
}
# moments COUNT PARTY COMMAND...: runs it once, gives COUNT numbers, the first
# fifth left out (the program is loaded), the end densest (there it commits).
moments() {
    local count=$1
    shift
    works killed 0 "$@"
    /usr/bin/python3 -c 'import sys
calls, count = int(sys.argv[1]), int(sys.argv[2])
print(*sorted({calls // 5 + (calls - calls // 5) * i // (count + 1)
               for i in range(1, count + 1)} | {calls - 3}))' \
        "$(cat "$net/calls")" "$count"
}
# How many packets of SUBJECT are in PARTY's inbox | outbox.
count_of() { # PARTY BOX SUBJECT
    asked "len([p for p in d['$2'] if p['subject'] == '$3'])" \
        client "$1" "$2" --all
}
exchange() {
    works client ngo sync
    works client hub sync
    works client ngo sync
}
# Each once on both sides, and handed over.
settled() { # SUBJECT...
    exchange
    client ngo outbox --all --json >"$net/out.json"
    client hub inbox --all --json >"$net/in.json"
    /usr/bin/python3 - "$net/out.json" "$net/in.json" "$@" <<'PY'
import json, sys
out = json.load(open(sys.argv[1]))["outbox"]
come = json.load(open(sys.argv[2]))["inbox"]
for subject in sys.argv[3:]:
    sent = [p["state"] for p in out if p["subject"] == subject]
    got = [p for p in come if p["subject"] == subject]
    assert (sent, len(got)) == (["handed_over"], 1), (subject, sent, got)
PY
}

@test "send, killed: it is in the outbox and arrives once, or was never there" {
    at=$(moments 10 ngo send --to "Northgate Hub" --text "not killed" \
        --attach "$net/scan.jpg" --yes)
    kept=()
    for n in $at; do
        run_said killed "$n" ngo send --to "Northgate Hub" \
            --text "killed at $n" --attach "$net/scan.jpg" --yes
        [ "$code" = 137 ]
        here_now=$(count_of ngo outbox "killed at $n") # and the vault opens
        [ "$here_now" = 0 ] || kept+=("killed at $n")
        [ "$here_now" -le 1 ]
    done
    [ "${#kept[@]}" -gt 0 ]
    settled "${kept[@]}"
    # None came that was not kept, and attachments of those are swept.
    [ "$(asked "len([p for p in d['inbox'] if p['subject'][:6] == 'killed'])" \
        client hub inbox --all)" = "${#kept[@]}" ]
    [ -z "$(ls -A "$net/ngo/blobs")" ]
}

@test "sync at the sender, killed: what was queued arrives once" {
    queue() {
        relay_down
        ngo_writes "queued $1" >"$net/id"
        relay_up
    }
    queue zero
    at=$(moments 6 ngo sync)
    for n in $at; do
        queue "before $n"
        run_said killed "$n" ngo sync
        [ "$code" = 137 ] || [ "$code" = 0 ]
    done
    # shellcheck disable=SC2086
    settled "queued zero" "$(printf 'queued before %s\n' $at | head -n 1)" \
        "$(printf 'queued before %s\n' $at | tail -n 1)"
    [ "$(asked "len([p for p in d['inbox'] if p['subject'][:6] == 'queued'])" \
        client hub inbox --all)" = $(($(wc -w <<<"$at") + 1)) ]
}

@test "sync at the recipient, killed: it is there once and receipted once" {
    ngo_writes "coming zero" --attach "$net/scan.jpg" >"$net/id"
    at=$(moments 8 hub sync)
    for n in $at; do
        ngo_writes "coming before $n" --attach "$net/scan.jpg" >"$net/id"
        run_said killed "$n" hub sync
        [ "$code" = 137 ] || [ "$code" = 0 ]
        settled "coming before $n"
        [ "$(asked "len([e for e in d['events'] if e['type'] == 'handed_over'])" \
            client ngo status "$(cat "$net/id")")" = 1 ]
    done
}

@test "join, killed: the same invite joins, once" {
    invite() {
        works client registrar registrar invite --json
        value 'd["invite"]' "$said.out"
    }
    party_passphrase model
    at=$(moments 6 model join "$(invite)" --name "Model" --country GB)
    for n in $at; do
        party_passphrase "joiner$n"
        code_=$(invite)
        run_said killed "$n" "joiner$n" join "$code_" --name "Joiner $n" \
            --country GB
        [ "$code" = 137 ]
        # Either nothing is there yet and the same invite works...
        run_said client "joiner$n" join "$code_" --name "Joiner $n" --country GB
        if [ "$code" != 0 ]; then # ...or it goes on where it was.
            three_lines 2 E-VAULT-EXISTS "*" "*" "*"
        fi
        [ "$(asked 'd["state"]' client "joiner$n" join --status)" = waiting ]
        [ "$(asked "len([r for r in d['requests'] if r['name'] == 'Joiner $n'])" \
            client registrar registrar requests)" = 1 ]
    done
}

@test "a passphrase change, killed: the old one opens, or the new one" {
    printf 'an entirely new sentence\n' >"$net/new"
    cp -a "$net/ngo" "$net/copy"
    cp "$net/pass/ngo" "$net/pass/copy"
    at=$(moments 6 copy key passphrase --new-passphrase-file "$net/new")
    for n in $at; do
        rm -rf "$net/copy"
        cp -a "$net/ngo" "$net/copy"
        run_said killed "$n" copy key passphrase --new-passphrase-file "$net/new"
        [ "$code" = 137 ]
        run_said client copy contacts
        [ "$code" = 0 ] ||
            works client copy contacts --passphrase-file "$net/new"
        said_has "Northgate Hub"
    done
}
