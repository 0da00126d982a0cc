#!/usr/bin/env bats
# Evidence under heads that a witness outside the relay has cosigned: a policy
# decides, and the times are no longer the relay's word alone.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly network_relay
    quietly network_registrar
    quietly relay_stop
    free_port >"$net/w.port"
    quietly witness_made
    printf '[publish]\nbeat = 200ms\n[witness]\npolicy = %s\n' "$net/policy" \
        >"$net/relay.conf"
    relay_start --listen "$relay_listen" --config "$net/relay.conf" 3>&-
    echo "$relay_pid" >"$net/relay.pid"
    up w witness
    up collector collector
    quietly ngo_joins
    quietly hub_joins
    quietly as ngo sync
}
teardown_file() {
    down w
    down collector
    relay_down
}

# --- a witness and its policy --------------------------------------------------

witness_made() {
    local log
    "$build/sealpost" witness init "$net/w" --name w.example
    for log in directory delivery; do
        echo "log $(daemon vkey $log --data "$net/relay")" >>"$net/policy"
        "$build/sealpost" witness add "$net/w" \
            "$(daemon vkey $log --data "$net/relay")"
    done
    echo "witness w $("$build/sealpost" witness show "$net/w" --json |
        field vkey) http://127.0.0.1:$(cat "$net/w.port")" >>"$net/policy"
    echo "quorum w" >>"$net/policy"
}
witness() { # FIFO
    exec "$build/sealpost" witness run "$net/w" \
        --listen "127.0.0.1:$(cat "$net/w.port")" --ready-fd 4 4>"$1"
}
collector() { # FIFO
    exec "$build/sealpostd" http --data "$net/relay" \
        --config "$net/relay.conf" --ready-fd 4 4>"$1"
}
up() { # NAME FUNCTION: returns when it is ready
    mkfifo "$net/$1.ready"
    "$2" "$net/$1.ready" >>"$net/$1.log" 2>&1 3>&- &
    echo $! >"$net/$1.pid"
    timeout 20 head -n 1 "$net/$1.ready" >"$net/$1.address"
}
down() { # NAME
    local pid
    [ -s "$net/$1.pid" ] || return 0
    pid=$(cat "$net/$1.pid")
    kill -TERM "$pid" 2>/dev/null && tail --pid="$pid" -f /dev/null
    rm -f "$net/$1.pid"
}
stranger() {
    SEALPOST_HOME=$net/nobody SEALPOST_PASSPHRASE_FILE=/dev/null \
        "$build/sealpost" "$@"
}
# The relay collects cosignatures on its beat: tried until it has them.
with_witness() { # COMMAND...
    local end=$((SECONDS + 30))
    until run_said "$@" && [ "$code" = 0 ]; do
        [ $SECONDS -lt $end ] && continue
        cat "$said.out" "$said.err"
        return 1
    done
}

# --- what it changes -------------------------------------------------------------

@test "without cosigned heads a policy is not satisfied, and says of what" {
    id=$(ngo_writes "To be witnessed.")
    echo "$id" >"$net/id"
    [ "$(hub_has "$id")" = 1 ]
    works client ngo sync
    works client ngo evidence "$id" -o "$net/plain"
    told 14 E-QUORUM "too few witnesses have seen it" \
        "no head that holds \"stored\" (entry *) has the policy's quorum*" \
        "have it made again with \`sealpost evidence ID --cosigned*" \
        stranger verify "$net/plain" --policy "$net/policy"
    works stranger verify "$net/plain"
}

@test "with them the witnesses say by when" {
    id=$(cat "$net/id")
    with_witness client ngo evidence "$id" --cosigned -o "$net/cosigned"
    works stranger verify "$net/cosigned" --policy "$net/policy"
    said_has "\"stored\" stood in the log by"
    said_has "\"handed_over\" stood in the log by"
    said_has "The statements stood in the directory by"
    said_has "The witness w.example cosigned a log of"
    [ "$(asked 'd["events"][1]["witnesses"][0]["name"]' \
        stranger verify "$net/cosigned" --policy "$net/policy")" = w.example ]
    said_has "Earlier times than the witnesses'"
    [ "$(asked 'all(e["quorum"] for e in d["events"])' \
        stranger verify "$net/cosigned" --policy "$net/policy")" = true ]
    # Without a policy the lines are there, and nobody to believe.
    works stranger verify "$net/cosigned"
    said_has "no policy was given that says whom to believe"
}

@test "a receipt that was refreshed goes in by itself" {
    id=$(cat "$net/id")
    with_witness client ngo receipt refresh "$id" --json
    [ "$(value 'd["refreshed"]' "$said.out")" = 1 ]
    works client ngo evidence "$id" -o "$net/refreshed"
    [ "$(asked 'd["events"][0]["quorum"]' client ngo verify "$net/refreshed" \
        )" = false ]
    told 14 E-QUORUM "*" "*\"handed_over\"*" "*" \
        stranger verify "$net/refreshed" --policy "$net/policy"
}

@test "the policy in use in the vault is told, and demands nothing" {
    id=$(cat "$net/id")
    works client ngo trust use "$net/policy"
    works client ngo verify "$net/cosigned"
    said_has "by the policy in use in this vault"
    said_has "this vault's policy trusts."
    [ "$(asked '[d["policy"]] + [e["quorum"] for e in d["events"]]' \
        client ngo verify "$net/cosigned")" = '["vault", true, true]' ]
    works client ngo evidence "$id" --cosigned -o "$net/own"
    said_has "The witness w.example cosigned a log of"
    works client ngo verify "$net/plain"
    [ "$(asked '[e["quorum"] for e in d["events"]]' \
        client ngo verify "$net/plain")" = '[false, false]' ]
    told 14 E-QUORUM "*" "*" "*" \
        client ngo verify "$net/plain" --policy "$net/policy"
    works client ngo receipt "$id" -o "$net/newer"
    works client ngo verify "$net/newer"
    said_has "By the policy in use in this vault:"
    said_has "enough of them had seen this"
    works client ngo receipt "$id" --first -o "$net/first"
    works client ngo verify "$net/first"
    said_has "That is not enough for its quorum"
    works client ngo trust none
}

@test "another witness's policy does not accept it" {
    "$build/sealpost" witness init "$net/w2" --name w.example >/dev/null
    { grep ^log "$net/policy"
      echo "witness w $("$build/sealpost" witness show "$net/w2" --json |
        field vkey)"
      echo "quorum w"; } >"$net/policy-2"
    told 14 E-QUORUM "*" "*" "*" \
        stranger verify "$net/cosigned" --policy "$net/policy-2"
}

@test "a line of a known witness that is wrong spoils the file" {
    /usr/bin/python3 - "$net/cosigned" "$net/spoilt" <<'PY'
import sys
data = open(sys.argv[1], "rb").read()
at = data.rindex("\u2014 w.example ".encode()) + len("\u2014 w.example ".encode()) + 60
data = data[:at] + (b"A" if data[at:at + 1] != b"A" else b"B") + data[at + 1:]
open(sys.argv[2], "wb").write(data)
PY
    told 14 E-VERIFY "the evidence does not verify" "the cosigned receipts*" \
        "*" stranger verify "$net/spoilt" --policy "$net/policy"
}
