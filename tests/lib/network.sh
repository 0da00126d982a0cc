# network.sh - a network on this machine, for the demo and the scenarios; to be
# sourced.  Knows the story's parties, not its plot.
#
# Wants: $build (programs), $net (an empty directory), $here (the tree).
# Each party's vault is $net/PARTY, its passphrase file $net/pass/PARTY.  A
# caller that defines `show` and `as` beforehand has every command printed.

canary='The lamp above the third door was always green.'
export SEALPOST_VAULT_COST=floor
relay_pid=

daemon() {
    "$build/sealpostd" "$@"
}
client() {
    _party=$1
    shift
    SEALPOST_HOME="$net/$_party" SEALPOST_PASSPHRASE_FILE="$net/pass/$_party" \
        "$build/sealpost" "$@"
}
# Functions only: binutils has a program called as.
case $(type as 2>/dev/null) in *function*) ;; *) as() { client "$@"; } ;; esac
case $(type show 2>/dev/null) in *function*) ;; *) show() { "$@"; } ;; esac

party_passphrase() { # PARTY
    mkdir -p "$net/pass"
    chmod 700 "$net/pass"
    (umask 077 && printf 'correct horse battery %s\n' "$1" >"$net/pass/$1")
}

# --- the relay ------------------------------------------------------------

relay_start() { # [OPTION...]: returns when it listens
    rm -f "$net/ready"
    mkfifo "$net/ready"
    "$build/sealpostd" run --data "$net/relay" --ready-fd 3 "$@" \
        3>"$net/ready" >>"$net/relay.out" 2>>"$net/relay.log" &
    relay_pid=$!
    read -r relay_ready <"$net/ready" || {
        echo "the relay did not start:" >&2
        cat "$net/relay.log" >&2
        relay_pid=
        return 1
    }
    rm -f "$net/ready"
    relay_address=${relay_ready#ready }
}
relay_stop() {
    [ -n "$relay_pid" ] || return 0
    kill -TERM "$relay_pid" 2>/dev/null || true
    wait "$relay_pid" 2>/dev/null || true
    relay_pid=
}
relay_kill() {
    kill -KILL "$relay_pid"
    wait "$relay_pid" 2>/dev/null || true
    relay_pid=
}
relay_fact() { # NAME: a number of `sealpostd status`; 0 when nobody answers
    _fact=$(daemon status --data "$net/relay" 2>/dev/null |
        sed -n "s/^$1=//p")
    echo "${_fact:-0}"
}
relay_again() { # on the address that everybody knows
    relay_start --listen "$(cat "$net/relay/run/address")" "$@"
}

# --- founding and joining ---------------------------------------------------

# A free port, because the relay's card names its address before it listens.
free_port() {
    python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

network_relay() {
    mkdir -p "$net"
    relay_listen=127.0.0.1:$(free_port)
    show daemon init --data "$net/relay" --name relay.demo \
        --listen "$relay_listen" >"$net/relay.card"
}
network_registrar() {
    party_passphrase registrar
    as registrar registrar init --relay-card "$net/relay.card" \
        --name "Demo Registrar" --country GB -o "$net/genesis.spost" --yes
    show daemon genesis "$net/genesis.spost" --data "$net/relay"
    relay_start --listen "$relay_listen"
}

field() { # NAME: the first string or number of that name in JSON on stdin
    sed -n "s/.*\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" | head -n 1
}
newest_packet() {
    field packet_id
}

network_join() { # PARTY NAME COUNTRY CLASS MAILBOX DEVICE
    party_passphrase "$1"
    as registrar registrar invite -o "$net/$1.invite"
    as "$1" join "$(cat "$net/$1.invite")" --name "$2" --country "$3" \
        --class "$4" --mailbox "$5" --device "$6" \
        --contact "+44 20 7946 0000, day and night" --keep-root
    _digits=$(client "$1" join --status --json | field digits)
    as registrar registrar requests
    as registrar registrar admit "$2" --class "$4" --digits "$_digits"
    as "$1" join --status
    as "$1" sync
}
network_device() { # PARTY NEW-PARTY LABEL MAILBOX
    party_passphrase "$2"
    as "$1" agency card -o "$net/$1.card"
    as "$2" device request "$net/$1.card" --label "$3" -o "$net/$2.request"
    as "$1" agency sign "$net/$2.request" --mailbox "$4" \
        -o "$net/$2.signed" --yes
    as "$2" device install "$net/$2.signed"
    as "$2" sync
}

make_attachments() { # DIR
    python3 "$here/tests/lib/make_attachments.py" "$1"
}

# --- blindness ----------------------------------------------------------------

# No plaintext canary in the relay's directory or in any vault.
network_canaries() {
    for _where in relay registrar ngo ngo-2 hub hub-2 auditor; do
        [ -d "$net/$_where" ] || continue
        if grep -rlaF -e "$canary" "$net/$_where"; then
            echo "FOUND in the clear in $_where" >&2
            return 1
        fi
        echo "   nothing in $_where ($(du -sh "$net/$_where" | cut -f1))"
    done
}
