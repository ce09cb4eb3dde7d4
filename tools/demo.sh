#!/bin/bash
# The main job: a real Debian image, a command in it, and what happened. Root.
set -eu
bin=$1
rung=$bin/rung
step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

step "$rung" image bootstrap busybox
step "$rung" run --rm busybox echo "the first container: one static binary"
step "$rung" image bootstrap debian:trixie
step "$rung" run --rm --name rung-demo debian:trixie cat /etc/os-release
step "$rung" explain rung-demo
