#!/bin/sh
# against.sh BUILD REV [ROUNDS] - stores per second of this tree and of revision
# REV, in one run: bench_send of both, turn by turn.  Figures of one machine at
# different hours say nothing.
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
    "$build/tests/bench/bench_send" 2>&1 | sed -n 's/^packets/now packets/p'
    "$old/build/tests/bench/bench_send" 2>&1 | sed -n 's/^packets/old packets/p'
done >"$old/figures"

# Other work on the machine only takes away: the best round counts for the rate,
# the median for the processor's time.
figure() { # now|old CONNECTIONS FIELD LINE
    awk -v which="$1" -v n="$2" -v f="$3" '$1 == which && $5 == n { print $f }' \
        "$old/figures" | sort -n | sed -n "$4p"
}
for n in 1 16 64; do
    middle=$(((rounds + 1) / 2))
    echo "$n $(figure now $n 7 $rounds) $(figure old $n 7 $rounds)" \
        "$(figure now $n 16 $middle) $(figure old $n 16 $middle)" |
        awk -v rev="$rev" '{
            printf "stores over %2d connections: %5.0f /s, at %s %5.0f /s, " \
                "ratio %.2f; processor %.3f ms, %.3f ms, ratio %.2f\n",
                $1, $2, rev, $3, $2 / $3, $4, $5, $4 / $5 }'
done
