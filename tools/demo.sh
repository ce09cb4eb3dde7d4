#!/bin/bash
# The main job: a real Debian image, a command in it, and what happened. Root.
set -eu
bin=$1
rung=$bin/rung
[ "$(id -u)" = 0 ] || { echo "make demo: containers need root here" >&2; exit 1; }
step() { printf '\n$ %s\n' "$*"; "$@"; }

bootstrap() { # once: the image stays in /var/lib/rung
    "$rung" image inspect "$1" >/dev/null 2>&1 || step "$rung" image bootstrap "$1"
}

bootstrap busybox
step "$rung" run --rm --network none busybox echo "the first container: one static binary"
bootstrap debian:trixie
step "$rung" run --rm --explain --name rung-demo debian:trixie cat /etc/os-release
