#!/usr/bin/env bats
# Attachments and exports: files that change, vanish, have names made to harm,
# or stand where an export would go.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly network_of_two
    mkdir "$net/files"
}
teardown_file() {
    relay_down
}

attach() { # FILE...
    local args=()
    for f; do
        case $f in --*) args+=("$f") ;; *) args+=(--attach "$f") ;; esac
    done
    client ngo send --to "Northgate Hub" --text "see attached" --yes \
        "${args[@]}"
}
# Nothing waits, and no sealed file is left over.
outbox_is_empty() {
    works client hub sync
    works client ngo sync
    [ "$(asked '[p for p in d["outbox"] if p["state"] == "queued"]' \
        client ngo outbox)" = "[]" ]
    [ -z "$(ls -A "$net/ngo/blobs")" ]
}
# Sends FILE... and exports what arrived to $net/OUT.
arrives() { # OUT FILE...
    local out=$1
    shift
    works attach "$@" --json
    id=$(value 'd["packet_id"]' "$said.out")
    works client hub sync
    works client hub export "$id" -o "$net/$out"
}
big() { # a file that takes a while to seal
    truncate -s 100M "$net/files/$1"
}

@test "an attachment that is not there, a directory, a pipe, a device" {
    told 2 E-ATTACHMENT "an attachment cannot be read" \
        "*/files/gone.pdf: No such file or directory" \
        "check the file and run the same command again" \
        attach "$net/files/gone.pdf"
    told 2 E-ATTACHMENT "an attachment cannot be read" \
        "*/files: is a directory or a device, no file" "*" attach "$net/files"
    mkfifo "$net/files/pipe"
    told 2 E-ATTACHMENT "an attachment cannot be read" \
        "*/pipe: is a directory or a device, no file" "*" \
        attach "$net/files/pipe"
    told 2 E-ATTACHMENT "*" "/dev/zero: is a directory or a device, no file" \
        "*" attach /dev/zero
    outbox_is_empty
}

@test "an attachment that may not be read" {
    echo secret >"$net/files/closed"
    chmod 000 "$net/files/closed"
    # Root reads everything, but for what it gives up.
    told 2 E-ATTACHMENT "an attachment cannot be read" \
        "*/closed: Permission denied" "*" \
        env SEALPOST_HOME="$net/ngo" SEALPOST_PASSPHRASE_FILE="$net/pass/ngo" \
        setpriv --bounding-set=-dac_override,-dac_read_search \
        "$build/sealpost" send --to "Northgate Hub" --text "see attached" \
        --attach "$net/files/closed" --yes
    outbox_is_empty
}

@test "an attachment that grows while it is read is not sent" {
    big growing.bin
    told 2 E-ATTACHMENT "an attachment changed while it was read" \
        "*/growing.bin became longer; nothing was sent" \
        "check the file and run the same command again" \
        changing grow growing.bin
    outbox_is_empty
}

@test "an attachment that shrinks while it is read is not sent" {
    big shrinking.bin
    told 2 E-ATTACHMENT "an attachment changed while it was read" \
        "*/shrinking.bin became shorter; nothing was sent" "*" \
        changing shrink shrinking.bin
    outbox_is_empty
}

@test "an attachment that vanishes while it is read arrives whole" {
    head -c 3000000 /dev/urandom >"$net/files/vanishing.bin"
    digest=$(sha256sum <"$net/files/vanishing.bin")
    works changing unlink vanishing.bin --json
    [ ! -e "$net/files/vanishing.bin" ]
    id=$(value 'd["packet_id"]' "$said.out")
    works client hub sync
    works client hub export "$id" -o "$net/vanished"
    [ "$(sha256sum <"$net/vanished/attachments/vanishing.bin")" = "$digest" ]
}
changing() { # HOW FILE [OPTION...]
    local how=$1 file=$net/files/$2
    shift 2
    SEALPOST_HOME="$net/ngo" SEALPOST_PASSPHRASE_FILE="$net/pass/ngo" \
        /usr/bin/python3 "$here/tests/lib/while_read.py" "$how" "$file" \
        "$build/sealpost" send --to "Northgate Hub" --text "see attached" \
        --attach "$file" --yes "$@"
}

@test "names made to harm are shown escaped and exported harmless" {
    mkdir "$net/odd"
    cd "$net/odd"
    echo 1 >'..\..\.bashrc'
    echo 2 >.bashrc
    echo 3 >$'invoice\u202efdp.exe'
    echo 4 >"red${esc}[31m.txt"
    echo 5 >$'two\nlines.txt'
    echo 6 >"con"
    echo 7 >" spaced .txt "
    arrives odd.out "$net"/odd/..\\* "$net"/odd/.bash* "$net"/odd/inv* \
        "$net"/odd/red* "$net"/odd/two* "$net"/odd/con "$net"/odd/*spaced*
    said_nothing_raw
    works client hub read "$id"
    said_nothing_raw
    said_has '\u{202e}'
    works client hub inbox
    said_nothing_raw
    works client ngo outbox --all
    said_nothing_raw
    [ "$(find "$net/odd.out/attachments" -type f | wc -l)" = 7 ]
    [ -z "$(find "$net/odd.out" -name '.*')" ]
    ! find "$net/odd.out" | LC_ALL=C grep -P '[\x00-\x09\x0b-\x1f\\]|\xe2\x80\xae'
    [ "$(find "$net/odd.out/attachments" -type f -exec cat {} + | sort)" = \
        "$(printf '1\n2\n3\n4\n5\n6\n7')" ]
    [ -z "$(find "$net/odd.out" -type f ! -perm 600)" ]
}

@test "a name too long for the system, and the longest that it takes" {
    mkdir "$net/long"
    told 2 E-ATTACHMENT "an attachment cannot be read" \
        "*xxx: File name too long" "*" \
        attach "$net/long/$(printf 'x%.0s' {1..300}).pdf"
    name=$(printf 'y%.0s' {1..251}).pdf
    echo long >"$net/long/$name"
    arrives long.out "$net/long/$name"
    exported=$(ls "$net/long.out/attachments")
    [ "${#exported}" -le 200 ]
    [[ $exported == yyy*.pdf ]]
    grep -q long "$net/long.out/attachments/$exported"
}

@test "two of one name and an empty one all arrive" {
    mkdir "$net/a" "$net/b"
    echo first >"$net/a/scan.pdf"
    echo second >"$net/b/scan.pdf"
    : >"$net/files/empty.txt"
    arrives twice "$net/a/scan.pdf" "$net/b/scan.pdf" "$net/files/empty.txt"
    [ "$(find "$net/twice/attachments" -type f | wc -l)" = 3 ]
    [ "$(cat "$net"/twice/attachments/scan* | sort)" = "$(printf 'first\nsecond')" ]
    [ ! -s "$net/twice/attachments/empty.txt" ]
}

# One packet with a file, for the exports below.
packet() {
    [ -s "$net/packet" ] || {
        echo evidence >"$net/files/evidence.txt"
        works attach "$net/files/evidence.txt" --json
        value 'd["packet_id"]' "$said.out" >"$net/packet"
        works client hub sync
    }
    cat "$net/packet"
}
not_over() { # WHY DIR
    told 1 E-FILE-EXISTS "*" "$1" \
        "name a file or directory that is not there yet" \
        client hub export "$(packet)" -o "$2"
}

@test "an export goes over no file" {
    echo mine >"$net/plain"
    told 1 "*" "*" "*/plain: *" "*" client hub export "$(packet)" -o "$net/plain"
    [ "$(cat "$net/plain")" = mine ]
    mkdir "$net/taken"
    echo mine >"$net/taken/message.txt"
    not_over "*/taken/message.txt: something is there already" "$net/taken"
    [ "$(ls -A "$net/taken")" = message.txt ]
    [ "$(cat "$net/taken/message.txt")" = mine ]
    works client hub export "$(packet)" -o "$net/again"
    before=$(find "$net/again" -type f -exec sha256sum {} + | sort)
    not_over "*/again/*: something is there already" "$net/again"
    [ "$before" = "$(find "$net/again" -type f -exec sha256sum {} + | sort)" ]
}

@test "an export goes through no link" {
    mkdir "$net/target" "$net/linked" "$net/linked2"
    ln -s "$net/target" "$net/link"
    told 1 E-FILE "*" "*/link: is a link, no directory, or not yours to write" \
        "check the path and its rights" \
        client hub export "$(packet)" -o "$net/link"
    ln -s "$net/target" "$net/linked/attachments"
    told 1 "E-FILE*" "*" "*" "*" client hub export "$(packet)" -o "$net/linked"
    ln -s "$net/target/message.txt" "$net/linked2/message.txt"
    not_over "*/linked2/message.txt: something is there already" "$net/linked2"
    [ -z "$(ls -A "$net/target")" ]
    [ "$(ls -A "$net/linked")" = attachments ]
}

@test "disk full while exporting: nothing half is left" {
    head -c 300000 /dev/urandom >"$net/files/large.bin"
    works attach "$net/files/large.bin" --json
    id=$(value 'd["packet_id"]' "$said.out")
    works client hub sync
    told 1 E-DISK "*" "*" "free some room and run the same command again; *" \
        starved 100 client hub export "$id" -o "$net/full"
    [ -z "$(find "$net/full" -type f 2>/dev/null)" ]
    works client hub export "$id" -o "$net/full"
    cmp "$net/files/large.bin" "$net/full/attachments/large.bin"
}

@test "disk full while an attachment is sealed: nothing is lost or left" {
    head -c 3000000 /dev/urandom >"$net/files/heavy.bin"
    told 1 E-DISK "*" "*" "free some room and run the same command again; *" \
        starved 1000 attach "$net/files/heavy.bin"
    outbox_is_empty
    arrives heavy "$net/files/heavy.bin"
    cmp "$net/files/heavy.bin" "$net/heavy/attachments/heavy.bin"
}

@test "disk full while an attachment is fetched: it comes with the next sync" {
    head -c 3000000 /dev/urandom >"$net/files/coming.bin"
    works attach "$net/files/coming.bin" --json
    id=$(value 'd["packet_id"]' "$said.out")
    told 1 E-DISK "*" "*" "free some room and run the same command again; *" \
        starved 1000 client hub sync
    works client hub sync
    works client hub export "$id" -o "$net/coming"
    cmp "$net/files/coming.bin" "$net/coming/attachments/coming.bin"
}
