#!/bin/bash
# runc's own integration suite (tests/integration/*.bats) against another runtime.
#
#   RUNG_RUNC_SUITE=/path/to/runc tests/conformance/runc_suite.sh RUNTIME [NAME.bats ...] > results.tap
#
# RUNG_RUNC_SUITE is a checkout of https://github.com/opencontainers/runc in which
# "make test-binaries" (or go build of tests/cmd/*, into tests/cmd/_bin) has run; it is another
# project's and no part of this tree. bats, jq, gawk and script(1) are needed. The suite fetches its
# images from the network: where they are not there yet, busybox is made of this machine's static one,
# and Debian by mmdebstrap from this machine's package source (without mmdebstrap: of busybox too).
#
# SUITE_USER names a user to run it as, instead of root (the variables of runc's tests/rootless.sh say what he
# has been given; guest_suite.sh sets them).
#
# CASES names a file of lines "NAME.bats", a tab, a case: only these are run (tally.py --rest makes one).
#
# Prints TAP, each file under a line "# NAME.bats". A test is ended after TEST_TIMEOUT_S (60), a file
# after FILE_TIMEOUT_S (400): then a line says so, what it has left is killed, and the next file has its turn.
set -euo pipefail

runtime=$(command -v -- "${1:?usage: runc_suite.sh RUNTIME [NAME.bats ...]}") || {
    echo "runc_suite.sh: $1 is no program" >&2
    exit 2
}
runtime=$(realpath --no-symlinks -- "$runtime")
shift
here=$(dirname -- "$(realpath -- "$0")")
suite=${RUNG_RUNC_SUITE:?names no checkout of runc with its test binaries built}
integration=$suite/tests/integration
data=$integration/testdata
for needed in bats jq gawk busybox script; do
    command -v "$needed" >/dev/null || { echo "runc_suite.sh: $needed is not installed" >&2; exit 2; }
done
[ -x "$suite/tests/cmd/_bin/recvtty" ] || {
    echo "runc_suite.sh: $suite/tests/cmd/_bin/recvtty is not built (make test-binaries)" >&2
    exit 2
}

case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
esac
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

busybox_image() {
    local image=$work/busybox name
    mkdir -p "$image"/{bin,dev,etc,home,root,tmp,usr/bin,usr/sbin,var/spool/mail}
    chmod 1777 "$image/tmp"
    cp "$(command -v busybox)" "$image/bin/busybox"
    busybox --list | grep -vx busybox | while read -r name; do ln "$image/bin/busybox" "$image/bin/$name"; done
    ln -s ../../bin/env "$image/usr/bin/env"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh daemon:x:1:1:daemon:/usr/sbin:/bin/false \
        nobody:x:65534:65534:nobody:/home:/bin/false > "$image/etc/passwd"
    printf '%s\n' root:x:0: daemon:x:1: nobody:x:65534: > "$image/etc/group"
    tar --numeric-owner --owner=0 --group=0 -C "$image" -cf "$1" .
}

# What an image's name says of its compression does not matter: tar looks at the beginning.
[ -e "$data/busybox-$arch.tar.xz" ] || busybox_image "$data/busybox-$arch.tar.xz"
if [ ! -e "$data/debian-$arch.tar.xz" ]; then
    if command -v mmdebstrap >/dev/null; then
        mmdebstrap --quiet --variant=essential "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
            "$work/debian.tar"
        mv "$work/debian.tar" "$data/debian-$arch.tar.xz"
    else
        cp "$data/busybox-$arch.tar.xz" "$data/debian-$arch.tar.xz"
    fi
fi

# The suite asks "go env" for the architecture; that is all it needs Go for.
mkdir "$work/tools"
printf '#!/bin/sh\n[ "$*" = "env GOARCH" ] && echo %s\n' "$arch" > "$work/tools/go"
chmod +x "$work/tools/go"

# Some cases look for the program's name: by another one, it is called as its users would who put it in runc's place.
ln -s "$runtime" "$work/tools/runc"

# A terminal whose other end never speaks: at the end of its input, script(1) types the end-of-file character.
mkfifo "$work/silence"
exec 9<>"$work/silence"

as=()
if [ -n "${SUITE_USER:-}" ]; then
    home=$(getent passwd "$SUITE_USER" | cut -d: -f6)
    as=(setpriv --reuid "$SUITE_USER" --regid "$SUITE_USER" --init-groups env -u XDG_RUNTIME_DIR HOME="$home" USER="$SUITE_USER")
    chmod 755 "$work"
    chmod 666 "$work/silence"
fi

chosen() { # what of a file is to be run, as a regular expression
    [ -n "${CASES:-}" ] || { echo .; return; }
    awk -F '\t' -v file="$1" '$1 == file { gsub(/[][\\.*^$(){}+?|\/]/, "\\\\&", $2); printf "%s^%s *$", sep, $2; sep = "|" }' "$CASES"
}

[ $# -gt 0 ] || set -- $(cd "$integration" && echo *.bats)
export RUNC=$work/tools/runc PATH=$work/tools:$PATH
for name in "$@"; do
    export BATS_TEST_TIMEOUT=${TEST_TIMEOUT_S:-60}
    filter=$(chosen "$name")
    [ -n "$filter" ] || continue
    echo "# $name"
    # These tests say "wait", which would wait for bats' own countdown too.
    [ "$name" != events.bats ] || unset BATS_TEST_TIMEOUT
    # runc's default bundle has a terminal: the tests run on one, which script(1) gives them.
    printf -v line '%q ' timeout --foreground --kill-after=10 "${FILE_TIMEOUT_S:-400}" \
        bats --tap --filter "$filter" "$integration/$name"
    code=0
    python3 "$here/reaping.py" "${as[@]}" script --quiet --flush --return --command "$line" /dev/null <&9 | sed -u 's/\r$//' || code=$?
    case $code in 124 | 137) printf '\n# %s: no end within %s s\n' "$name" "${FILE_TIMEOUT_S:-400}" ;; esac
done
