#!/bin/sh
# demo.sh - a whole network on this machine, from the first key to the audit.
#
# Prints every command before it runs it, so that it doubles as a lesson.
# Ends with exit code 0 only if everything that it claims was seen.
#   KEEP=DIR          leave every party's state in DIR (and a file `env`)
#   SEALPOST_BUILD    where the programs are (default: build)
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
build=${SEALPOST_BUILD:-$here/build}
samples=$here/tests/samples

if [ -n "${KEEP:-}" ]; then
    mkdir -p "$KEEP"
    [ -z "$(ls -A "$KEEP")" ] || {
        echo "demo: $KEEP is not empty; name a new directory" >&2
        exit 1
    }
    net=$(cd "$KEEP" && pwd)
else
    net=$(mktemp -d "${TMPDIR:-/tmp}/sealpost-demo.XXXXXX")
fi
relay_stop() { :; }
witness_stop() {
    [ -z "${witness_pid:-}" ] || kill "$witness_pid" 2>/dev/null || true
    witness_pid=
}
trap 'relay_stop; witness_stop; [ -n "${KEEP:-}" ] || rm -rf "$net"' EXIT
trap 'exit 130' INT TERM

chapter() {
    printf '\n== %s ==\n' "$*"
}
say() {
    printf '   %s\n' "$*"
}
# The words of a command as they would be typed in $net.
words() {
    for word; do
        case $word in
        "$net"/*) word=${word#"$net/"} ;;
        esac
        case $word in
        *[!A-Za-z0-9_./:=+,@-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
}
# as PARTY COMMAND...: print it, then run it as that party.
as() {
    printf '\n[%s] $ sealpost' "$1"
    (shift && words "$@")
    client "$@"
}
show() { # daemon COMMAND...
    printf '\n[relay] $ sealpostd' >&2
    (shift && words "$@") >&2
    "$@"
}
. "$here/tests/lib/network.sh"

chapter "1. A relay, and a registrar who decides who may join"
network_relay
network_registrar

chapter "2. An NGO, a hub and an auditor are invited, and join"
network_join ngo "Harbour Light" GB non_statutory Referrals "Anna's laptop"
network_join hub "Northgate Hub" GB statutory "First contact" "Front desk"
network_join auditor "Public Audit Office" GB auditor Audit "Audit desk"

chapter "3. A second machine for the NGO and for the hub"
network_device ngo ngo-2 "Ben's laptop" Referrals
network_device hub hub-2 "Back desk" "First contact"

chapter "4. People check an agency once, by phone"
as ngo contacts
as ngo contacts verify "Northgate Hub" --yes

chapter "5. A complete referral with evidence files, from the NGO to the hub"
make_attachments "$net/evidence"
as ngo send --to "Northgate Hub/First contact" \
    "$samples/adult-consents.json" \
    --attach "$net/evidence/statement.pdf" \
    --attach "$net/evidence/photograph.jpg" --yes
id=$(client ngo outbox --json --all | newest_packet)

chapter "6. The hub's two desks collect it; one of them answers"
as hub sync
as hub inbox
as hub read "$id" >"$net/read.out"
head -n 40 "$net/read.out"
say "... $(wc -l <"$net/read.out") lines in all"
as hub-2 sync
as hub accept "$id" --reference NG-2026-0417 --owner "Duty officer" \
    --note "Received. We will call on the safe number."
as ngo sync
as ngo status "$id"
as ngo-2 sync
as ngo-2 inbox --all

chapter "7. The relay is killed in the middle of the work, and comes back"
before=$(relay_fact attachment_bytes)
say "a message with a 24 MB scan is on its way; kill -9 as its bytes arrive"
head -c 24000000 /dev/urandom >"$net/evidence/scan.tif"
as ngo send --to "Northgate Hub" --text "One more thing: $canary" \
    --attach "$net/evidence/scan.tif" --in-reply-to "$id" --yes \
    >"$net/send.out" 2>&1 &
sender=$!
# The metrics tell when the upload has begun; then the relay dies.
until [ "$(relay_fact attachment_bytes)" -gt "$before" ] ||
    ! kill -0 "$sender" 2>/dev/null; do :; done
relay_kill
wait "$sender" || true
cat "$net/send.out"
as ngo outbox
relay_again
as ngo sync
as hub sync
as hub inbox

chapter "8. Withdrawn, declined, answered: everything ends in one state"
as ngo send --to "Northgate Hub" "$samples/notification-only.json" --yes
wid=$(client ngo outbox --json --all | newest_packet)
as ngo withdraw "$wid"
as ngo send --to "Northgate Hub" "$samples/child.json" --yes
cid=$(client ngo outbox --json --all | newest_packet)
as hub sync
as hub decline "$cid" --reason wrong_hub --note "This belongs to the west."
as hub reply "$id" --text "She arrived safely."
as ngo sync
as ngo read "$(client ngo inbox --json | newest_packet)"

chapter "9. Evidence that others can check"
as ngo receipt "$id" -o "$net/receipt.txt"
daemon vkey --data "$net/relay" delivery >"$net/relay.vkey"
as ngo verify "$net/receipt.txt" --vkey "$net/relay.vkey"
as ngo slip "$id"
as hub export "$id" -o "$net/export"
(cd "$net/export" && ls -l)

chapter "10. A witness elsewhere: nobody can be shown another history"
as witness witness init "$net/w1" --name witness.demo/w1
witness_key=$(client witness witness show "$net/w1" --json | field vkey)
for log in delivery directory; do
    vkey=$(daemon vkey --data "$net/relay" $log)
    as witness witness add "$net/w1" "$vkey"
    echo "log $vkey" >>"$net/policy"
done
say "somebody who is not the relay's operator runs it; the policy file names it"
mkfifo "$net/witness.ready"
client witness witness run "$net/w1" --listen 127.0.0.1:0 --ready-fd 4 \
    4>"$net/witness.ready" >>"$net/witness.log" 2>&1 &
witness_pid=$!
read -r _ready witness_at <"$net/witness.ready"
{
    echo "witness w1 $witness_key http://$witness_at"
    echo "quorum w1"
} >>"$net/policy"
printf '[publish]\nbeat = 200ms\n[witness]\npolicy = %s\n' "$net/policy" \
    >"$net/sealpostd.conf"
relay_stop
relay_again --config "$net/sealpostd.conf" --http 127.0.0.1:0
until daemon status --data "$net/relay" | grep -q '^directory_quorum_age_s='; do
    :
done
as ngo trust use "$net/policy"
as ngo sync
as ngo receipt refresh "$id"
as ngo evidence "$id" -o "$net/fate.evidence" --cosigned
say "a stranger, with no vault and no network:"
as stranger verify "$net/fate.evidence" --policy "$net/policy"

chapter "11. The auditor sees every delivery and no case"
as hub sync
as hub-2 sync
as ngo balance
as auditor audit --report "$net/audit.html"

chapter "12. No word of any case lies in the clear"
say "the story told: \"$canary\""
network_canaries

cat >"$net/env" <<ENV
# Source this in a shell: . $net/env
export SEALPOST_BUILD='$build'
export SEALPOST_NET='$net'
export SEALPOST_RELAY_ADDRESS='$(cat "$net/relay/run/address")'
export SEALPOST_RELAY_DATA='$net/relay'
export SEALPOST_VAULT_COST=floor
export PATH="$build:\$PATH"
$(for p in registrar ngo ngo-2 hub hub-2 auditor; do
    v=$(printf '%s' "$p" | tr 'a-z-' 'A-Z_')
    printf "export SEALPOST_HOME_%s='%s'\n" "$v" "$net/$p"
    printf "export SEALPOST_PASSPHRASE_FILE_%s='%s'\n" "$v" "$net/pass/$p"
done)
# one party at a time: as ngo inbox
as() {
    p=\$1; shift
    SEALPOST_HOME="$net/\$p" SEALPOST_PASSPHRASE_FILE="$net/pass/\$p" \\
        "$build/sealpost" "\$@"
}
ENV

printf '\nEverything that was sent was answered, counted and verified.\n'
if [ -n "${KEEP:-}" ]; then
    printf 'All of it stays in %s; start the relay again with\n' "$net"
    printf '  . %s/env && sealpostd run --data %s/relay\n' "$net" "$net"
fi
