#!/bin/bash
# runc's own integration suite (tests/integration/*.bats) against another runtime.
#
#   RUNG_RUNC_SUITE=/path/to/runc tests/conformance/runc_suite.sh RUNTIME [NAME.bats ...] > results.tap
#
# RUNG_RUNC_SUITE is a checkout of https://github.com/opencontainers/runc in which
# "make test-binaries" (or go build of tests/cmd/*, into tests/cmd/_bin) has run; it is another
# project's and no part of this tree. bats, jq, gawk and script(1) are needed. The suite fetches its images from
# the network: where they are not there yet, a busybox image is made of this machine's static
# busybox, and the one called Debian is the same.
#
# Prints TAP; a test is ended after TEST_TIMEOUT_S (60), the whole after SUITE_TIMEOUT_S (900).
# Files that need what most machines lack (checkpoint, sshfs) are left out unless named.
set -euo pipefail

runtime=$(command -v -- "${1:?usage: runc_suite.sh RUNTIME [NAME.bats ...]}") || {
    echo "runc_suite.sh: $1 is no program" >&2
    exit 2
}
runtime=$(realpath --no-symlinks -- "$runtime")
shift
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
if [ ! -e "$data/busybox-$arch.tar.xz" ] || [ ! -e "$data/debian-$arch.tar.xz" ]; then
    image=$(mktemp -d)
    trap 'rm -rf -- "$image"' EXIT
    mkdir -p "$image"/{bin,dev,etc,home,proc,root,sys,tmp,usr,var}
    chmod 1777 "$image/tmp"
    cp "$(command -v busybox)" "$image/bin/busybox"
    busybox --list | grep -vx busybox | while read -r name; do ln -s busybox "$image/bin/$name"; done
    echo 'root:x:0:0:root:/root:/bin/sh' > "$image/etc/passwd"
    echo 'root:x:0:' > "$image/etc/group"
    for name in busybox debian; do
        [ -e "$data/$name-$arch.tar.xz" ] || tar -C "$image" -cJf "$data/$name-$arch.tar.xz" .
    done
fi

# The suite downloads what is missing with curl and asks "go env" for the architecture.
tools=$(mktemp -d)
trap 'rm -rf -- "$tools" "${image:-}"' EXIT
printf '#!/bin/sh\n[ "$*" = "env GOARCH" ] && echo %s\n' "$arch" > "$tools/go"
chmod +x "$tools/go"

if [ $# -gt 0 ]; then
    files=("${@/#/$integration/}")
else
    files=()
    for file in "$integration"/*.bats; do
        case ${file##*/} in
            checkpoint.bats | mounts_sshfs.bats | help.bats) ;;
            *) files+=("$file") ;;
        esac
    done
fi

export RUNC=$runtime BATS_TEST_TIMEOUT=${TEST_TIMEOUT_S:-60} PATH=$tools:$PATH
# runc's default bundle has a terminal: the tests run on one, which script(1) gives them.
printf -v line '%q ' timeout --foreground --kill-after=10 "${SUITE_TIMEOUT_S:-900}" bats --tap "${files[@]}"
script --quiet --flush --return --command "$line" /dev/null </dev/null | tr -d '\r'
