#!/bin/sh
# against.sh BUILD REV [ROUNDS] - stores per second of this tree and of revision
# REV, in one run: bench_send of both, turn by turn, and the ratio of the
# medians.  Figures of two runs on one machine at different hours say nothing.
set -eu
build=$1 rev=$2 rounds=${3:-5}
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT

git archive "$rev" | tar -x -C "$old"
cp tests/bench/bench_send.c "$old/tests/bench/"
mkdir -p "$old/build"
cp build/deps.mk "$old/build/"
touch "$old/build/deps.mk"
# Room for the connections in older rigs.
sed -i 's/RIG_CLIENTS = 16,/RIG_CLIENTS = 80,/' "$old/tests/lib/relay_rig.h"
make -s -C "$old" build/tests/bench/bench_send >"$old/log" 2>&1 || {
    tail -n 20 "$old/log" >&2
    exit 1
}

for i in $(seq "$rounds"); do
    "$build/tests/bench/bench_send" | sed -n 's/^packets/now packets/p'
    "$old/build/tests/bench/bench_send" | sed -n 's/^packets/old packets/p'
done >"$old/figures"

median() { # now|old CONNECTIONS
    awk -v which="$1" -v n="$2" '$1 == which && $5 == n { print $7 }' \
        "$old/figures" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}
for n in 1 16 64; do
    now=$(median now $n) was=$(median old $n)
    echo "$now $was" | awk -v n=$n -v rev="$rev" '{
        printf "stores over %2d connections: %6.0f /s, at %s %6.0f /s, ratio %.2f\n",
            n, $1, rev, $2, $1 / $2 }'
done
