#!/bin/bash
# crun's own test suite (tests/test_*.py) against another runtime.
#
#   RUNG_CRUN_SUITE=/path/to/crun tests/conformance/crun_suite.sh RUNTIME [NAME.py ...] > results.tap
#
# RUNG_CRUN_SUITE is a checkout of https://github.com/containers/crun, another project's and no part
# of this tree; nothing of it needs to be built but tests/init, the program in its containers:
#
#   touch config.h && gcc -static -I. -DHAVE_LINUX_IOPRIO_H=1 -o tests/init tests/init.c
#
# CASES names a file of lines "NAME.py", a tab, a case: only these are run (tally.py --rest makes one).
#
# Prints TAP, each file under a line "# NAME.py"; each case has TEST_TIMEOUT_S (60), for some wait for
# ever. crun itself refuses hybrid cgroups: as the runtime it needs "unshare -m" and
# /sys/fs/cgroup/unified unmounted.
set -euo pipefail

runtime=$(command -v -- "${1:?usage: crun_suite.sh RUNTIME [NAME.py ...]}") || {
    echo "crun_suite.sh: $1 is no program" >&2
    exit 2
}
runtime=$(realpath --no-symlinks -- "$runtime")
shift
here=$(dirname -- "$(realpath -- "$0")")
tests=${RUNG_CRUN_SUITE:?names no checkout of crun with tests/init built}/tests
[ -x "$tests/init" ] || {
    echo "crun_suite.sh: $tests/init is not built (see the beginning of this file)" >&2
    exit 2
}

# The suite makes its bundles below the current directory, which has to be open to the users in containers.
work=$(mktemp -d)
trap 'rm -rf --one-file-system -- "$work"; sweep_cgroups' EXIT
chmod 755 "$work"
cd "$work"
export OCI_RUNTIME=$runtime INIT=$tests/init PYTHONDONTWRITEBYTECODE=1

# What cases leave behind: the cgroups above their containers', in the way of others' containers called "test".
sweep_cgroups() {
    local top
    for top in /sys/fs/cgroup/{,*/}test /sys/fs/cgroup/{,*/}test-v1-exec-cgroup-*; do
        [ ! -d "$top" ] || find "$top" -depth -type d -exec rmdir -- {} + 2>/dev/null || true
    done
}

# What a case that ran out of time has left: its containers, then its directory.
clean_up() {
    local root id
    for root in "$work"/.testsuite-run-*/root; do
        [ -d "$root" ] || continue
        for id in $("$runtime" --root "$root" list -q); do "$runtime" --root "$root" delete --force "$id" || true; done
    done
    rm -rf --one-file-system "$work"/.testsuite-run-*
}

# The tests of terminals want one as their output: script(1) gives it, with an input that never speaks.
mkfifo "$work/silence"
exec 9<>"$work/silence"

[ $# -gt 0 ] || set -- $(cd "$tests" && echo test_*.py)
for file in "$@"; do
    [ -z "${CASES:-}" ] || grep -q "^$file"$'\t' "$CASES" || continue
    echo "# $file"
    mapfile -t cases < <(python3 "$here/crun_cases.py" "$tests" "$file")
    [ ${#cases[@]} -gt 0 ] || echo "not ok 1 - no case can be read"
    for case in "${cases[@]}"; do
        [ -z "${CASES:-}" ] || grep -qxF "$file"$'\t'"$case" "$CASES" || continue
        code=0
        printf -v line '%q ' timeout --foreground --kill-after=5 "${TEST_TIMEOUT_S:-60}" \
            python3 "$here/crun_cases.py" "$tests" "$file" "$case"
        python3 "$here/reaping.py" script --quiet --flush --return --command "$line" /dev/null <&9 | sed -u 's/\r$//' || code=$?
        [ "$code" != 124 ] || echo "not ok 1 - $case # timeout"
        [ "$code" = 0 ] || clean_up
    done
done
