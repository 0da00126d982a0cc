#!/usr/bin/env bats
# The vault: wrong passphrases by every way in, two commands at once, a newer
# version, damage, paper keys, several people on one machine, secrets.
. "$BATS_TEST_DIRNAME/../lib/bad.bash"

setup_file() {
    quietly network_of_two
}
teardown_file() {
    relay_down
}

# ngo without the passphrase file: the way in is the test's.
bare() {
    env -u SEALPOST_PASSPHRASE_FILE SEALPOST_HOME="$net/ngo" \
        "$build/sealpost" "$@"
}
right='correct horse battery ngo'
wrong='correct horse battery nag'
locked() { # COMMAND...
    told 11 E-PASSPHRASE "the vault does not open" \
        "the passphrase is not the one it was closed with" \
        "try again, or \`sealpost key recover\` with the paper key" "$@"
}
# typed LINE COMMAND...: on a terminal of its own; what it shows is in said.out.
typed() {
    local line=$1
    shift
    /usr/bin/python3 "$here/tests/lib/on_terminal.py" "$line" "$@"
}
on_fd() { # PASSPHRASE COMMAND...
    local pass=$1
    shift
    bare --passphrase-fd 7 "$@" 7< <(printf '%s\n' "$pass")
}

@test "a wrong passphrase from a file" {
    printf '%s\n' "$wrong" >"$net/wrong"
    locked bare --passphrase-file "$net/wrong" contacts
    locked env SEALPOST_PASSPHRASE_FILE="$net/wrong" \
        "$build/sealpost" --home "$net/ngo" contacts
    works bare --passphrase-file "$net/pass/ngo" contacts
}

@test "a wrong passphrase from a descriptor" {
    locked on_fd "$wrong" contacts
    works on_fd "$right" contacts
}

@test "a wrong passphrase from a command" {
    locked bare --passphrase-command "echo '$wrong'" contacts
    works bare --passphrase-command "cat '$net/pass/ngo'" contacts
    told 11 E-PASSPHRASE "no passphrase was given" \
        "the descriptor or command gave no line" "*" \
        bare --passphrase-command false contacts
}

@test "a wrong passphrase typed at the prompt, and nothing typed is echoed" {
    run_said typed "$wrong" env -u SEALPOST_PASSPHRASE_FILE \
        "$build/sealpost" --home "$net/ngo" contacts
    [ "$code" = 11 ]
    said_has "sealpost: the vault does not open [E-PASSPHRASE]"
    said_not "$wrong"
    works typed "$right" env -u SEALPOST_PASSPHRASE_FILE \
        "$build/sealpost" --home "$net/ngo" contacts
    said_not "$right"
    said_has "Northgate Hub"
}

@test "no passphrase at all, an unreadable file, an empty one" {
    told 11 E-PASSPHRASE "no passphrase was given" \
        "there is no terminal to ask on; use --passphrase-fd, *" "*" \
        setsid env -u SEALPOST_PASSPHRASE_FILE \
        "$build/sealpost" --home "$net/ngo" contacts
    told 11 E-PASSPHRASE "cannot read the passphrase file" \
        "No such file or directory" "*" \
        bare --passphrase-file "$net/nowhere" contacts
    : >"$net/empty"
    told 11 E-PASSPHRASE "*" "*" "*" \
        bare --passphrase-file "$net/empty" contacts
}

@test "no vault here: exit 10 and what to do" {
    told 10 E-NO-IDENTITY "there is no vault here yet" "*/nobody holds none" \
        "ask your registrar for an invite, then \`sealpost join INVITE\`" \
        client nobody contacts
    [ ! -e "$net/nobody" ]
}

@test "two commands on one vault: busy, or --wait" {
    hold
    become ngo contacts --wait >"$net/waited" 2>&1 3>&- 8>&- &
    local waiter=$!
    told 11 E-VAULT-BUSY "the vault does not open" \
        "another sealpost command is using it" \
        "wait for the other command to end, or add --wait" client ngo contacts
    kill -0 "$waiter"
    let_go
    wait "$waiter"
    grep -q "Northgate Hub" "$net/waited"
}

# A command that holds the vault open: it asks for an answer that does not come.
hold() {
    rm -f "$net/answers"
    mkfifo "$net/answers"
    become ngo new <"$net/answers" >"$net/asks" 2>&1 3>&- &
    holder=$!
    exec 8>"$net/answers"
    until grep -q '^> ' "$net/asks"; do kill -0 "$holder"; done
}
let_go() {
    exec 8>&-
    wait "$holder" || true
}
copy_vault() { # FROM TO: a stopped vault, and its passphrase
    cp -a "$net/$1" "$net/$2"
    cp "$net/pass/$1" "$net/pass/$2"
}
fingerprint_of() { # DIR
    (cd "$1" && find . -type f ! -name lock -exec sha256sum {} + | sort)
}

@test "a vault that a newer version made is left alone" {
    copy_vault ngo newer
    printf '\002' | dd of="$net/newer/head" bs=1 seek=7 conv=notrunc status=none
    before=$(fingerprint_of "$net/newer")
    told 1 E-VAULT-NEWER "the vault does not open" \
        "a newer version of sealpost made it" \
        "install the newer version of sealpost that made it" \
        client newer contacts
    [ "$before" = "$(fingerprint_of "$net/newer")" ]
}

@test "a damaged vault is said to be damaged and left alone" {
    # In the head a slot's damage cannot be told from a wrong passphrase; what
    # stands behind the slots can.  In the log it is the first entry's head: a
    # record's body is verified when it is read.
    for file in head keyring log; do
        rm -rf "$net/damaged"
        copy_vault ngo damaged
        path=$(ls "$net/damaged/$file"* | head -n 1)
        /usr/bin/python3 -c 'import sys
path = sys.argv[1]; f = open(path, "r+b"); b = bytearray(f.read())
name = path.rsplit("/", 1)[1]
b[-1 if name == "head" else 40 if name.startswith("log") else len(b) // 2] ^= 1; f.seek(0); f.write(b)' "$path"
        before=$(fingerprint_of "$net/damaged")
        told 14 E-VAULT-DAMAGED "*" "*" \
            "keep the files as they are and restore your newest backup" \
            client damaged contacts
        [ "$before" = "$(fingerprint_of "$net/damaged")" ]
    done
}

@test "a passphrase is changed; a short one is refused and changes nothing" {
    copy_vault ngo changed
    printf 'short\n' >"$net/short"
    printf 'a whole new sentence\n' >"$net/new"
    told 11 E-PASSPHRASE "the passphrase is too short" \
        "a new one needs at least 12 characters; four or five words are good" \
        "*" client changed key passphrase --new-passphrase-file "$net/short"
    works client changed contacts
    works client changed key passphrase --new-passphrase-file "$net/new"
    locked client changed contacts
    mv "$net/new" "$net/pass/changed"
    works client changed contacts
}

groups() { # of the paper key in said.out, as they are typed
    grep -oE '\b[0-9A-Z]{4}\b' "$said.out" | tr '\n' ' '
}

@test "a paper key recovers a forgotten passphrase; a mistyped one is refused" {
    copy_vault ngo forgot
    works client forgot key backup
    paper=$(groups)
    [ "$(wc -w <<<"$paper")" = 14 ]
    [ "$(asked 'len(d["keys"])' client forgot key list)" = 2 ]
    printf 'I remember this one\n' >"$net/pass/forgot"
    locked client forgot contacts
    told 2 E-PAPER-KEY "*" "*" \
        "type it again, all 14 groups in one line" \
        recover "ZZZZ ${paper#* }"
    locked client forgot contacts
    works recover "$paper"
    works client forgot contacts
    works client ngo key backup
    told 2 E-PAPER-KEY "the vault does not open" \
        "this paper key is not one of this vault's" "*" recover "$(groups)"
    works client forgot contacts
}
recover() { # PAPER KEY
    client forgot key recover --paper-fd 7 7< <(printf '%s\n' "$1")
}

@test "--as keeps people on one machine apart" {
    shared() {
        SEALPOST_PASSPHRASE_FILE=$net/pass/$1 "$build/sealpost" \
            --home "$net/shared" --as "$1" "${@:2}"
    }
    party_passphrase anna
    party_passphrase ben
    works client registrar registrar invite --json
    works shared anna join "$(value 'd["invite"]' "$said.out")" \
        --name Anna --country GB
    told 10 E-NO-IDENTITY "*" "*/shared/as/ben holds none" "*" \
        shared ben contacts
    works shared anna new --field referral.mode=advice
    [ "$(asked 'len(d["drafts"])' shared anna drafts)" = 1 ]
    locked env SEALPOST_PASSPHRASE_FILE="$net/pass/ben" "$build/sealpost" \
        --home "$net/shared" --as anna drafts
    for name in ../anna .hidden a/b ""; do
        told 2 E-USAGE "that cannot be a person's name here" \
            "--as takes a short name without slashes" "*" \
            "$build/sealpost" --home "$net/shared" --as "$name" drafts
    done
}

@test "secrets are in no output, no error, no argument of a process" {
    # Passphrase, invite code and every key live in descriptors and files.
    hold
    tr '\0' ' ' <"/proc/$holder/cmdline" >"$net/cmdline"
    tr '\0' '\n' <"/proc/$holder/environ" >"$net/environ"
    let_go
    ! grep -F "battery" "$net/cmdline" "$net/environ"
    for words in "contacts" "contacts --json" "key list" "key list --json" \
        "agency show" "join --status" "nonsense" "sync" "outbox --json"; do
        # shellcheck disable=SC2086
        run_said client ngo $words
        said_not "battery"
    done
    locked on_fd "$wrong" contacts
    said_not "battery"
    ! grep -rlF "battery" "$net/relay" "$net/ngo" "$net/relay.log"
}
