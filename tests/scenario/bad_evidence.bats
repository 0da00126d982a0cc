#!/usr/bin/env bats
# Files that verify, evidence, trust, audit, witness and succeed read, made to
# harm: empty, cut, doubled, huge, no file at all, of another kind, in another
# encoding, groups in a circle.  Each ends soon, in little memory, with one
# problem in three lines.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

good=$net/good bad=$net/bad

setup_file() {
    quietly build_network
}
teardown_file() {
    relay_down
}
build_network() {
    mkdir -p "$good" "$bad"
    network_of_two
    daemon vkey delivery --data "$net/relay" >"$good/vkey"
    id=$(ngo_writes "about the room")
    for party in hub ngo registrar; do works client "$party" sync; done
    works client ngo receipt "$id" -o "$good/receipt"
    works client ngo evidence "$id" -o "$good/bundle"
    works client hub export "$id" -o "$good/export"
    good_policy >"$good/policy"
    works client registrar witness init "$good/witness" --name w.example/1
    works client registrar witness add "$good/witness" "$(cat "$good/vkey")"
    relay_down
    daemon succession --data "$net/relay" >"$good/card"
    works client registrar registrar succeed "$good/card" \
        -o "$good/succession" --yes
    bad_files
    shut_in
}
# What is no file of any kind, whoever reads it.
bad_files() {
    : >"$bad/empty"
    truncate -s 1G "$bad/sparse"
    mkdir "$bad/directory"
    mkfifo "$bad/pipe"
    ln -s loop "$bad/loop"
    ln -s /dev/zero "$bad/zeros"
    # UTF-16 with its mark, then a sequence cut in the middle
    printf '\377\376l\000o\000g\000 \303\050\342\202' >"$bad/encoding"
    head -c 5000 /dev/urandom >"$bad/noise"
    printf '%s\033]0;title\a\033[2J\n' "log relay" >"$bad/escapes"
}
# From here on every program has 20 seconds and 800 MB of addresses: what read
# a file to its end would not come back with words.
shut_in() {
    local program
    mkdir "$net/bin"
    for program in sealpost sealpostd; do
        cat >"$net/bin/$program" <<END
#!/bin/sh
ulimit -v 800000
exec timeout 20 '$build/$program' "\$@"
END
        chmod +x "$net/bin/$program"
    done
}
setup() {
    build=$net/bin
    rm -rf "$net/out"
}
teardown() {
    [ ! -e "$net/out" ] # no command left half a file
}
good_policy() {
    printf 'log %s\n' "$(cat "$good/vkey")"
    echo "witness W w0.example+db6dd741+BBukB1t3yeP7Ps3hXNr1Ih88EDc+Yj97Dh73Y2awr3E3"
    echo "quorum none"
}
# On another machine: no vault, no key, no network.
stranger() {
    SEALPOST_HOME=$net/nobody SEALPOST_PASSPHRASE_FILE=/dev/null \
        "$build/sealpost" "$@"
}

# What cannot be read, and what can and is nothing.
unreadable="sparse zeros directory loop gone"
unfit="empty encoding noise escapes"

# refuses EXIT CODE COMMAND...: in three lines that all say something, and
# nothing raw of what the file holds.
refuses() {
    local exit=$1 id=$2 lines
    shift 2
    run_said "$@"
    mapfile -t lines < <(tail -n 3 "$said.err")
    if [ "$code" != "$exit" ] ||
        [[ ${lines[0]} != sealpost*": "[a-z]*" [$id]" ]] ||
        [[ ${lines[1]} != "  why:  "[!\ ]* ]] ||
        [[ ${lines[2]} != "  next: "[!\ ]* ]]; then
        echo "wanted $exit and [$id] from: $*"
        echo "exit $code"
        cat "$said.out" "$said.err"
        return 1
    fi
    said_nothing_raw
}
# refuses_each "NAME..." EXIT CODE COMMAND...: @ stands for each of them.
refuses_each() {
    local names=$1 f
    shift
    for f in $names; do
        refuses "${@//@/$bad/$f}"
    done
}
# Changes of good/NAME.
refuses_changed() { # NAME EXIT CODE COMMAND...
    local name=$1 len n
    shift
    len=$(stat -c %s "$good/$name")
    cat "$good/$name" "$good/$name" >"$bad/doubled"
    refuses "${@//@/$bad/doubled}"
    for n in 24 $((len / 2)) $((len - 2)); do
        head -c "$n" "$good/$name" >"$bad/cut"
        refuses "${@//@/$bad/cut}"
    done
}
# Files that are good elsewhere.
refuses_others() { # "NAME..." EXIT CODE COMMAND...
    local names=$1 f
    shift
    for f in $names; do
        refuses "${@//@/$good/$f}"
    done
}

@test "what is good is taken" {
    works stranger verify "$good/receipt" --vkey "$good/vkey"
    works stranger verify "$good/receipt" --policy "$good/policy"
    works stranger verify "$good/bundle" --vkey "$good/vkey"
    works stranger verify "$good/export" --vkey "$good/vkey"
    works stranger witness show "$good/witness"
    works stranger verify <(cat "$good/receipt") --vkey <(cat "$good/vkey")
}

@test "receipts" {
    local run=(stranger verify @ --vkey "$good/vkey")
    refuses_each "$unreadable" 1 E-FILE "${run[@]}"
    refuses_each "$unfit" 1 E-FILE "${run[@]}"
    refuses_changed receipt 14 E-VERIFY "${run[@]}"
    refuses_others "vkey policy card succession" 1 E-FILE "${run[@]}"
    refuses_each "$unfit" 1 E-FILE \
        stranger verify @ --policy "$good/policy"
    refused 1 E-FILE stranger verify "$bad/encoding" --vkey "$good/vkey"
    told 1 E-FILE "that is no file that verify knows" \
        "$good/policy is no receipt, no evidence bundle and no directory*" \
        "give it what \`sealpost receipt ID -o FILE\`*" \
        stranger verify "$good/policy"
}

@test "a receipt where nobody knows the relay" {
    told 2 E-USAGE "the relay's key is not known here" \
        "there is no vault here*" "add --vkey KEY*or --policy FILE" \
        stranger verify "$good/receipt"
    works stranger verify "$good/receipt" --vkey "$good/vkey"
    ! grep -q "sealpost audit" "$said.out" "$said.err"
}

@test "keys of relays" {
    local run=(stranger verify "$good/receipt" --vkey @)
    refuses_each "sparse zeros directory loop" 1 E-FILE "${run[@]}"
    refuses_each "gone empty encoding escapes" 2 E-USAGE "${run[@]}"
    refuses_each noise 1 E-FILE "${run[@]}" # too long for a key
    refuses_changed vkey 2 E-USAGE "${run[@]}"
    refuses_others "receipt policy card" 2 E-USAGE "${run[@]}"
    refuses_others bundle 1 E-FILE "${run[@]}"
}

@test "trust policies" {
    local run
    for run in "stranger verify $good/receipt --policy @" \
        "client ngo trust use @"; do
        # shellcheck disable=SC2086
        {
            refuses_each "$unreadable" 1 E-FILE $run
            refuses_each "$unfit" 2 E-TRUST $run
            refuses_changed policy 2 E-TRUST $run
            refuses_others "receipt bundle vkey card succession" \
                2 E-TRUST $run
        }
    done
    works client ngo trust show
    said_has "No trust policy is in use"
}

# bad_policy WHY LINE...: lines below the good ones, without their last.
bad_policy() {
    local why=$1
    shift
    good_policy | head -n 2 >"$bad/policy"
    printf '%s\n' "$@" >>"$bad/policy"
    told 2 E-TRUST "the policy cannot be used" "*/bad/policy, line $why" "*" \
        stranger verify "$good/receipt" --policy "$bad/policy"
}

@test "policies whose groups are a circle, or not there, or too much" {
    bad_policy "3: *" "group a any b" "group b any a" "quorum a"
    bad_policy "3: *" "group a any a" "quorum a"
    bad_policy "4: *" "group a any W" "group b any W" "quorum b"
    bad_policy "3: *" "group a 2 W" "quorum a"
    bad_policy "3: *" "group a 0 W" "quorum a"
    bad_policy "3: *" "group a 99999999999999999999 W" "quorum a"
    bad_policy "3: *" "quorum b"
    bad_policy "4: *" "quorum W" "quorum W"
    bad_policy "3: *" "$(sed -n 2p "$good/policy")" "quorum W"
    bad_policy "3: *" "group $(printf 'x%.0s' {1..5000}) any W" "quorum W"
    good_policy | sed 's/$/\r/' >"$bad/policy"
    refuses 2 E-TRUST stranger verify "$good/receipt" --policy "$bad/policy"
    good_policy | sed $'s/ W / W\u202e\xc2\x9b /' >"$bad/policy"
    works stranger verify "$good/receipt" --policy "$bad/policy"
    said_nothing_raw
}

@test "evidence bundles" {
    refuses_changed bundle 14 E-VERIFY stranger verify @
    local trim=(stranger evidence trim @ --without 0 -o "$net/out")
    refuses_each "$unreadable $unfit" 1 E-FILE "${trim[@]}"
    refuses_changed bundle 14 E-VERIFY "${trim[@]}"
    refuses_others "receipt vkey policy card succession" 1 E-FILE "${trim[@]}"
    local add=(client ngo evidence @ --disclose 0 --yes -o "$net/out")
    refuses_each "sparse zeros directory loop $unfit" 1 E-FILE "${add[@]}"
    refuses_each gone 2 E-NOT-FOUND "${add[@]}"
    refuses_changed bundle 14 E-VERIFY "${add[@]}"
    refuses_others "receipt vkey policy card" 1 E-FILE "${add[@]}"
}

# spoil COMMAND...: in a fresh copy of the export, which then does not verify.
spoil() {
    rm -rf "$bad/export"
    cp -r "$good/export" "$bad/export"
    (cd "$bad/export" && "$@")
}
export_is() { # EXIT CODE
    refuses "$1" "$2" stranger verify "$bad/export" --vkey "$good/vkey"
}
manifest() { # EXPRESSION over m, the manifest; gives the new one
    /usr/bin/python3 -c 'import json, sys
m = json.load(open("manifest.json"))
f = m["files"]
exec(sys.argv[1])
json.dump(m, open("manifest.json", "w"))' "$1"
}

@test "manifests of exports" {
    spoil cp "$bad/empty" manifest.json; export_is 2 E-JSON
    spoil cp "$bad/noise" manifest.json; export_is 2 E-JSON
    spoil cp "$bad/encoding" manifest.json; export_is 2 E-JSON
    spoil truncate -s -9 manifest.json; export_is 2 E-JSON
    spoil truncate -s 1G manifest.json; export_is 1 E-FILE
    spoil eval 'cat manifest.json manifest.json >x; mv x manifest.json'
    export_is 2 E-JSON
    spoil eval "printf '%.0s[' {1..100000} >manifest.json"
    export_is 2 E-JSON
    spoil eval 'rm manifest.json; mkdir manifest.json'; export_is 1 E-FILE
    spoil ln -sf /dev/zero manifest.json; export_is 1 E-FILE
    spoil cp "$here/tests/vectors/sealpost/receipts.json" manifest.json
    export_is 14 E-VERIFY
    spoil manifest 'm["files"] = {}'; export_is 14 E-VERIFY
    spoil manifest 'm["files"] = [1, None]'; export_is 14 E-VERIFY
    spoil manifest 'm["packet_id"] = 7'; export_is 14 E-VERIFY
}

@test "manifests that point elsewhere" {
    local path
    for path in ../good/vkey /etc/passwd attachments/../manifest.json . .. \
        attachments ""; do
        spoil manifest "f[0]['path'] = '$path'"; export_is 14 E-VERIFY
    done
    spoil manifest 'f[0]["path"] = "message.txt\u0000x"'; export_is 2 E-JSON
    spoil manifest 'f[0]["path"] = "x" * 5000'; export_is 14 E-VERIFY
    spoil manifest 'f[0]["path"] = "\u001b[2J"'; export_is 14 E-VERIFY
    spoil manifest 'f[0]["size"] = 2 ** 62'; export_is 14 E-VERIFY
    spoil manifest 'f[0]["size"] = -1'; export_is 14 E-VERIFY
    spoil manifest 'f[0]["sha256"] = "00"'; export_is 14 E-VERIFY
}

@test "files of exports" {
    spoil truncate -s 1G message.txt; export_is 14 E-VERIFY
    spoil ln -sf /dev/zero message.txt; export_is 14 E-VERIFY
    spoil eval 'rm message.txt; mkfifo message.txt'; export_is 14 E-VERIFY
    spoil eval 'rm message.txt; mkdir message.txt'; export_is 14 E-VERIFY
    spoil rm receipt.txt; export_is 14 E-VERIFY
    spoil eval 'cat receipt.txt receipt.txt >x; mv x receipt.txt'
    export_is 14 E-VERIFY
}

@test "cards and statements of a succession" {
    local card=(client registrar registrar succeed @ -o "$net/out" --yes)
    refuses_each "$unreadable" 1 E-FILE "${card[@]}"
    refuses_each "$unfit" 1 E-FILE "${card[@]}"
    refuses_others "receipt bundle vkey policy succession" \
        1 E-FILE "${card[@]}"
    head -c 300 "$good/card" >"$bad/cut"
    refuses 1 E-FILE "${card[@]//@/$bad/cut}"
    sed 's/^delivery-size: ./&0/' "$good/card" >"$bad/card"
    refuses 1 E-FILE "${card[@]//@/$bad/card}"
    local signed=(client registrar registrar succeed "$good/card"
        --signed @ -o "$net/out" --yes)
    refuses_each "$unreadable $unfit" 1 E-FILE "${signed[@]}"
    refuses_others "receipt bundle vkey policy card" 1 E-FILE "${signed[@]}"
    local load=(daemon succeed @ --data "$net/relay")
    refuses_each "$unreadable" 1 E-FILE "${load[@]}"
    refuses_each "$unfit" 1 E-SUCCESSION "${load[@]}"
    refuses_changed succession 1 E-SUCCESSION "${load[@]}"
    refuses_others "receipt bundle vkey policy card" \
        1 E-SUCCESSION "${load[@]}"
}

log_of_witness() {
    (cd "$good/witness" && echo logs/*)
}
# witness_with FILE BAD: in a fresh copy of the witness's directory.
witness_with() {
    rm -rf "$bad/witness"
    cp -r "$good/witness" "$bad/witness"
    (cd "$bad/witness" && rm -f "$1" && cp --sparse=always "$bad/$2" "$1" &&
        chmod 600 "$1")
}
@test "what a witness keeps" {
    local f
    for f in empty noise encoding escapes sparse; do
        witness_with key "$f"
        refuses 14 E-WITNESS-DAMAGED stranger witness show "$bad/witness"
        witness_with "$(log_of_witness)/keys" "$f"
        refuses 14 E-WITNESS-DAMAGED stranger witness show "$bad/witness"
        witness_with "$(log_of_witness)/checkpoint" "$f"
        refuses 14 E-WITNESS-DAMAGED stranger witness show "$bad/witness"
    done
}

# Two seconds each.
@test "pipes that nobody writes into" {
    refuses 1 E-FILE stranger verify "$bad/pipe" --vkey "$good/vkey"
    refuses 1 E-FILE stranger verify "$good/receipt" --policy "$bad/pipe"
    spoil eval 'rm manifest.json; mkfifo manifest.json'; export_is 1 E-FILE
    refuses 1 E-FILE daemon succeed "$bad/pipe" --data "$net/relay"
}
