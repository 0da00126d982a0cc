#!/bin/sh
# deps.sh - put in place what a build needs, and say where it is.
#
#   deps.sh GROUP...      install the missing Debian packages of these groups
#                         (build, demo, test, check, fuzz), naming them first
#   deps.sh --flags       find or build libsodium; print make variables
#
# Quiet when nothing is missing.  libsodium >= 1.0.22 is the system's when
# pkg-config knows one.  Otherwise it is built static from SODIUM_TARBALL=FILE
# or from Debian's own source package (suite $SODIUM_SUITE), and kept in
# ${SEALPOST_CACHE:-~/.cache/sealpost}, outside the build tree.  The system's
# apt configuration is read and never changed.
set -eu

SODIUM_MIN=1.0.22
SODIUM_SUITE=${SODIUM_SUITE:-forky}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
MODULES='libuv msgpack sqlite3 libmicrohttpd libcurl jansson inih libutf8proc
libqrencode'

packages_of() {
    case $1 in
    build) echo "gcc libc6-dev make pkg-config libuv1-dev libmsgpack-dev" \
        "libsqlite3-dev libmicrohttpd-dev libjansson-dev libinih-dev" \
        "libutf8proc-dev libqrencode-dev libcurl4-gnutls-dev" ;;
    demo) echo "python3" ;;
    test) echo "libcmocka-dev bats python3 python3-msgpack" \
        "python3-cryptography python3-nacl python3-dissononce faketime" \
        "golang-go golang-golang-x-mod-dev openssh-client" ;;
    check) echo "clang clang-format" ;;
    fuzz) echo "clang libclang-rt-14-dev libcmocka-dev" ;;
    *) die "unknown group of packages: $1" ;;
    esac
}

say() { echo "deps: $*" >&2; }
die() {
    say "$*"
    exit 1
}

is_debian() { command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; }

missing_packages() {
    for p in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || state=
        [ "$state" = installed ] || echo "$p"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
        -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@" \
        </dev/null >&2
}

install_packages() {
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    missing=$(echo $missing)
    say "installing Debian packages: $missing"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "not root and no sudo; run: apt-get install $missing"
    # The lists may be absent or old: the second try has fresh ones.
    apt_install $missing 2>/dev/null && return 0
    as_root apt-get -qq -o DPkg::Lock::Timeout=600 update </dev/null >&2
    apt_install $missing || die "could not install: $missing"
}

# Not Debian: nothing is installed here, but what is there may do.
check_elsewhere() {
    command -v pkg-config >/dev/null && pkg-config --exists $MODULES \
        "libsodium >= $SODIUM_MIN" && return 0
    say "this is not Debian; please install, with their headers:"
    say "  a C11 compiler, GNU make, pkg-config"
    say "  libsodium >= $SODIUM_MIN, libuv >= 1.44, msgpack-c >= 4.0 (C),"
    say "  SQLite >= 3.40, libmicrohttpd >= 0.9.75, jansson >= 2.14,"
    say "  inih >= 55, utf8proc >= 2.6, libqrencode >= 4.1, libcurl >= 7.85"
    say "  for the tests: cmocka, bats, faketime, python3 with msgpack,"
    say "  cryptography, pynacl, dissononce; Go with golang.org/x/mod under"
    say "  /usr/share/gocode"
    die "stopped: packages are missing"
}

# The mirror this system itself uses for its own release.
debian_mirror() {
    . /etc/os-release
    apt-get indextargets --format '$(RELEASE) $(REPO_URI) $(ORIGIN)' \
        'Created-By: Packages' |
        awk -v own="${VERSION_CODENAME:-}" '
            ($1 == own || own == "") && ($3 == "Debian" || $2 ~ /\/debian\/$/) {
                print $2; exit
            }'
}

# apt-get with lists and a cache of its own: SUITE on the mirror that this
# system uses, and nothing of the system's own configuration.
private_apt() { # DIR deb|deb-src SUITE ARGUMENTS...
    dir=$1
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    echo "$2 [signed-by=$KEYRING] $(debian_mirror) $3 main" \
        >"$dir/sources.list"
    shift 3
    apt-get -qq -o Dir::Etc::sourcelist="$dir/sources.list" \
        -o Dir::Etc::sourceparts=- -o Dir::State::lists="$dir/lists" \
        -o Dir::Cache="$dir/cache" -o APT::Sandbox::User= "$@" >&2
}

fetch_sodium() { # DIR: leaves libsodium_*.orig.tar.* there
    install_packages debian-archive-keyring dpkg-dev
    [ -n "$(debian_mirror)" ] || die "no Debian mirror among this system's" \
        "apt sources; give SODIUM_TARBALL=FILE (libsodium >= $SODIUM_MIN)"
    say "fetching libsodium's source from Debian $SODIUM_SUITE"
    private_apt "$1" deb-src "$SODIUM_SUITE" update && (cd "$1" &&
        private_apt "$1" deb-src "$SODIUM_SUITE" source --download-only \
            libsodium)
}

build_sodium() { # TARBALL DIR CACHE
    mkdir "$2/src"
    tar -xf "$1" -C "$2/src" --strip-components=1 2>/dev/null &&
        version=$(sed -n "s/^PACKAGE_VERSION='\(.*\)'/\1/p" \
            "$2/src/configure" 2>/dev/null) && [ -n "$version" ] ||
        die "$1 is not a release of libsodium"
    at_least "$version" || die "$1 is libsodium $version, too old"
    say "building libsodium $version (once; kept in $3)"
    (cd "$2/src" && ./configure -q --prefix="$3/libsodium-$version" \
        --disable-shared --enable-static --with-pic &&
        make -s -j2 && make -s DESTDIR="$2/root" install) \
        >"$2/log" 2>&1 </dev/null || {
        tail -n 20 "$2/log" >&2
        die "libsodium does not build"
    }
    # In one step, so that an interrupted build leaves nothing half made.
    mv -T "$2/root$3/libsodium-$version" "$3/libsodium-$version" 2>/dev/null ||
        [ -d "$3/libsodium-$version" ]
}

at_least() { # VERSION >= SODIUM_MIN
    [ "$(printf '%s\n%s\n' "$SODIUM_MIN" "$1" | sort -V | head -n 1)" = \
        "$SODIUM_MIN" ]
}

cached_sodium() { # CACHE: the newest build that is new enough
    for d in "$1"/libsodium-*; do
        [ -f "$d/lib/pkgconfig/libsodium.pc" ] || continue
        at_least "${d##*/libsodium-}" && echo "$d"
    done | sort -V | tail -n 1
}

sodium_prefix() { # empty: the system's own
    pkg-config --exists "libsodium >= $SODIUM_MIN" && return 0
    cache=$(cache_dir)
    if [ -z "$(cached_sodium "$cache")" ]; then
        work=$(mktemp -d "$cache/work.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        [ -n "${SODIUM_TARBALL:-}" ] || fetch_sodium "$work" ||
            die "could not fetch libsodium's source;" \
                "give SODIUM_TARBALL=FILE (libsodium >= $SODIUM_MIN)"
        tarball=${SODIUM_TARBALL:-$(ls "$work"/libsodium_*.orig.tar.?z)}
        build_sodium "$tarball" "$work" "$cache"
    fi
    cached_sodium "$cache"
}

cache_dir() {
    cache=${SEALPOST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sealpost}
    mkdir -p "$cache" && (cd "$cache" && pwd)
}

# promtool judges our metrics.  Its package would start a server: only the
# program is taken out of it.
have_promtool() {
    cache=$(cache_dir)
    [ -x "$cache/promtool" ] && return 0
    work=$(mktemp -d "$cache/work.XXXXXX")
    say "fetching promtool out of Debian's package prometheus"
    (cd "$work" && apt-get -qq -o APT::Sandbox::User= download prometheus >&2 &&
        dpkg-deb --fsys-tarfile prometheus_*.deb |
        tar -x ./usr/bin/promtool && mv usr/bin/promtool "$cache/promtool") ||
        say "NO promtool: the test of our metrics will be skipped"
    rm -rf "$work"
}

# Other people's witnesses and a log that asks witnesses, to talk to ours: out
# of packages of a later suite, which are unpacked here and never installed.
WITNESS_SUITE=forky
WITNESS_PACKAGES='torchwood sigsum-go sigsum-log-go'
WITNESS_PROGRAMS='litewitness witnessctl sigsum-witness sigsum-key sigsum-submit
sigsum-verify sigsum-log-primary sigsum-mktree'

have_witnesses() {
    cache=$(cache_dir)
    [ -d "$cache/witnesses" ] && return 0
    work=$(mktemp -d "$cache/work.XXXXXX")
    fetch_witnesses "$work" && mv -T "$work/bin" "$cache/witnesses" ||
        say "NO other people's witnesses: tests that talk to them are skipped"
    rm -rf "$work"
}

fetch_witnesses() { # DIR: leaves their programs in DIR/bin
    [ -f "$KEYRING" ] && [ -n "$(debian_mirror)" ] || return 1
    say "fetching witnesses out of Debian $WITNESS_SUITE: $WITNESS_PACKAGES"
    private_apt "$1" deb "$WITNESS_SUITE" -o Acquire::http::Timeout=20 update &&
        (cd "$1" && private_apt "$1" deb "$WITNESS_SUITE" download \
            $WITNESS_PACKAGES) || return 1
    mkdir "$1/bin"
    for p in $WITNESS_PACKAGES; do
        dpkg-deb -x "$1/$p"_*.deb "$1/root" || return 1
    done
    for p in $WITNESS_PROGRAMS; do
        mv "$1/root/usr/bin/$p" "$1/bin/" || return 1
    done
}

print_flags() {
    prefix=$(sodium_prefix)
    [ -z "$prefix" ] ||
        export PKG_CONFIG_PATH="$prefix/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
    # Warnings are for our own code, not for a library's headers.
    echo "LIB_CFLAGS = $(pkg-config --cflags $MODULES libsodium |
        sed 's/-I/-isystem /g')"
    echo "LIB_LIBS = $(pkg-config --libs $MODULES libsodium)"
}

if [ "${1:-}" = --flags ]; then
    print_flags
elif is_debian; then
    for group in "$@"; do
        set -- $(packages_of "$group")
        install_packages "$@"
        [ "$group" != test ] || { have_promtool && have_witnesses; }
    done
else
    check_elsewhere
fi
