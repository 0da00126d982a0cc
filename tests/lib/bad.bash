# bad.bash - for the scenarios of bad input (tests/scenario/bad_*.bats): one
# network a file, a command that must be told its mistake in three exact lines,
# and questions to JSON.  To be sourced at the top of a bats file.
#
# State is in $net; the relay's process id in $net/relay.pid, because each bats
# test is a process of its own.

here=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
build=${SEALPOST_BUILD:-$here/build}
case $build in /*) ;; *) build=$here/$build ;; esac
net=${BATS_FILE_TMPDIR:-/nonexistent}/net
samples=$here/tests/samples
. "$here/tests/lib/network.sh"
as() { client "$@"; }
show() { "$@"; }

said=$net/said   # what the last command said: .out and .err
esc=$(printf '\033')

# --- the network -------------------------------------------------------------

# Bats listens to descriptor 3: whoever inherits it keeps bats waiting.
quietly() { # COMMAND...: its words only when it fails
    mkdir -p "$net"
    "$@" >"$net/setup.log" 2>&1 3>&- || {
        cat "$net/setup.log" >&2
        return 1
    }
}
relay_up() {
    if [ -e "$net/relay/run/address" ]; then relay_again "$@" 3>&-; fi
    echo "$relay_pid" >"$net/relay.pid"
}
relay_down() { # returns when it has ended
    [ -s "$net/relay.pid" ] || return 0
    relay_pid=$(cat "$net/relay.pid")
    kill -TERM "$relay_pid" 2>/dev/null && tail --pid="$relay_pid" -f /dev/null
    rm -f "$net/relay.pid"
}
# A relay of somebody else, with a key of its own, at our relay's address.
other_relay_up() {
    local mine=$net address
    address=$(cat "$net/relay/run/address")
    net=$mine/other
    rm -rf "$net"
    mkdir -p "$net"
    daemon init --data "$net/relay" --name relay.demo --listen "$address" \
        >"$net/relay.card" 2>>"$mine/setup.log"
    party_passphrase registrar
    client registrar registrar init --relay-card "$net/relay.card" \
        --name "Other Registrar" --country GB -o "$net/genesis.spost" --yes \
        >>"$mine/setup.log" 2>&1
    daemon genesis "$net/genesis.spost" --data "$net/relay" \
        >>"$mine/setup.log" 2>&1
    relay_start --listen "$address" 3>&-
    net=$mine
    echo "$relay_pid" >"$net/relay.pid"
}
founded() { # a relay and a registrar
    network_relay
    network_registrar
    echo "$relay_pid" >"$net/relay.pid"
}
ngo_joins() {
    network_join ngo "Harbour Light" GB non_statutory Referrals "Anna's laptop"
}
hub_joins() {
    network_join hub "Northgate Hub" GB statutory "First contact" "Front desk"
}
network_of_two() {
    founded
    ngo_joins
    hub_joins
    as ngo sync
}

# --- what a command says -------------------------------------------------------

# Runs COMMAND without a terminal; its words go to $said.out and $said.err.
run_said() {
    mkdir -p "$net"
    code=0
    "$@" </dev/null >"$said.out" 2>"$said.err" 3>&- || code=$?
}
works() { # COMMAND...: exit code 0
    run_said "$@"
    [ "$code" = 0 ] && return
    echo "exit $code from: $*"
    cat "$said.out" "$said.err"
    return 1
}
# In the background this is the program itself, not a shell around it.
become() { # PARTY ARGUMENT...
    export SEALPOST_HOME="$net/$1" SEALPOST_PASSPHRASE_FILE="$net/pass/$1"
    shift
    exec "$build/sealpost" "$@"
}
line_is() { # PATTERN LINE
    # shellcheck disable=SC2053
    [[ $2 == $1 ]] && return
    printf 'wanted: %s\ngot:    %s\n' "$1" "$2"
    return 1
}
# told EXIT CODE WHAT WHY NEXT COMMAND...: the exit code, and the three lines
# word for word (* stands for anything); nothing on stdout but data.
told() {
    local exit=$1 id=$2 what=$3 why=$4 next=$5
    shift 5
    run_said "$@"
    three_lines "$exit" "$id" "$what" "$why" "$next"
}
three_lines() { # EXIT CODE WHAT WHY NEXT, of the command that has run
    local lines
    mapfile -t lines < <(tail -n 3 "$said.err")
    if [ "$code" != "$1" ]; then
        echo "exit $code, wanted $1"
        cat "$said.out" "$said.err"
        return 1
    fi
    line_is "sealpost: $3 \[$2\]" "${lines[0]}" &&
        line_is "  why:  $4" "${lines[1]}" &&
        line_is "  next: $5" "${lines[2]}" && return
    cat "$said.err"
    return 1
}
said_has() { # TEXT, in what the last command said
    grep -qF -e "$1" "$said.out" "$said.err" && return
    printf 'not said: %s\n' "$1"
    cat "$said.out" "$said.err"
    return 1
}
said_not() {
    ! grep -F -e "$1" "$said.out" "$said.err"
}
# Shown, never obeyed: no escape, no other control, no direction mark.
said_nothing_raw() {
    ! LC_ALL=C grep -n -P '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xaa-\xae\x8e\x8f]|\xe2\x81[\xa6-\xa9]|\xc2[\x80-\x9f]' \
        "$said.out" "$said.err"
}

# starved N COMMAND...: no file may grow above N blocks of 1 KiB.
starved() (
    ulimit -f "$1"
    shift
    "$@"
)
# shifted +1d COMMAND...: with a wall clock that is off.
shifted() {
    local lib
    lib=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"')
    local off=$1
    shift
    LD_PRELOAD=$lib FAKETIME=$off FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}

# --- JSON --------------------------------------------------------------------

# value EXPRESSION FILE: of the one JSON document in FILE, called d.
value() {
    /usr/bin/python3 -c 'import json, sys
d = json.loads(open(sys.argv[2]).read())
v = eval(sys.argv[1])
print(v if isinstance(v, str) else json.dumps(v))' "$1" "$2"
}
# asked EXPRESSION COMMAND...: runs it with --json, must succeed.
asked() {
    local what=$1
    shift
    works "$@" --json && value "$what" "$said.out"
}
# refused EXIT CODE COMMAND...: with --json, one document of the known shape.
refused() {
    local exit=$1 id=$2
    shift 2
    run_said "$@" --json
    /usr/bin/python3 - "$said.out" "$code" "$exit" "$id" <<'PY' || {
import json, sys
text = open(sys.argv[1]).read()
d = json.loads(text)
e = d["error"]
assert d["ok"] is False, d
assert set(e) == {"code", "what", "why", "next", "exit"}, e
assert all(isinstance(e[k], str) and e[k] for k in ("what", "why", "next")), e
assert "\n" not in e["what"] + e["why"] + e["next"], e
assert [e["exit"], e["code"]] == [int(sys.argv[3]), sys.argv[4]], e
assert int(sys.argv[2]) == e["exit"], (sys.argv[2], e)
PY
        cat "$said.out" "$said.err"
        return 1
    }
    [ ! -s "$said.err" ] || {
        echo "with --json stderr is silent:"
        cat "$said.err"
        return 1
    }
}

# --- packets ---------------------------------------------------------------------

# A text from the NGO to the hub; gives its id.
ngo_writes() { # TEXT [OPTION...]
    local text=$1
    shift
    asked 'd["packet_id"]' client ngo send --to "Northgate Hub" \
        --text "$text" --yes "$@"
}
hub_has() { # how many packets PACKET-ID are in the hub's inbox
    works client hub sync
    asked "len([p for p in d['inbox'] if p['packet_id'] == '$1'])" \
        client hub inbox --all
}
