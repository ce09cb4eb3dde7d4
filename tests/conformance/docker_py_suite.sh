#!/bin/bash
# docker-py's own integration suite (tests/integration/*_test.py) against an engine.
#
#   RUNG_DOCKER_PY_SUITE=/path/to/docker-py tests/conformance/docker_py_suite.sh PYTHON [NAME.py ...] > results.tap
#
# RUNG_DOCKER_PY_SUITE is a checkout of https://github.com/docker/docker-py, another project's and no part of this
# tree. PYTHON has requests, urllib3, paramiko, pytest and pytest-timeout (websocket-client, for one case). DOCKER_HOST names
# the engine; it has alpine:3.10 (a busybox of that name will do), which the suite would pull: with_engine.py makes one. The suite removes what it
# makes, and plugins, services and swarms need an engine that has them.
#
# Prints TAP, each file under a line "# NAME.py"; each case has TEST_TIMEOUT_S (60).
set -euo pipefail

python=${1:?usage: docker_py_suite.sh PYTHON [NAME.py ...]}
shift
suite=${RUNG_DOCKER_PY_SUITE:?names no checkout of docker-py}
: "${DOCKER_HOST:?names no engine}"
export DOCKER_HOST PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$suite

# The version is generated when the package is built.
work=$(mktemp -d)
trap 'rm -rf --one-file-system -- "$work"' EXIT
cp -r "$suite/docker" "$suite/tests" "$work"
[ -f "$work/docker/_version.py" ] || echo '__version__ = version = "7.2.0"' > "$work/docker/_version.py"
export PYTHONPATH=$work
cd "$work"

[ $# -gt 0 ] || set -- $(cd "$work/tests/integration" && echo *_test.py)
for file in "$@"; do
    echo "# $file"
    # A warning of a newer Python's or pytest's is none of the engine's.
    "$python" -m pytest -v --tb=line -p no:cacheprovider --timeout "${TEST_TIMEOUT_S:-60}" --rootdir "$work" \
        "tests/integration/$file" 2>&1 | tee -a "${LOG:-/dev/null}" | awk '
        match($0, /^tests\/[^ ]*::[^ ]+ (PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)/) {
            split(substr($0, RSTART, RLENGTH), word, " ")
            name = word[1]; sub(/^[^:]*::/, "", name)
            verdict = word[2]
            number++
            if (verdict == "PASSED" || verdict == "XPASS") print "ok " number " " name
            else if (verdict == "SKIPPED" || verdict == "XFAIL") print "ok " number " " name " # skip"
            else print "not ok " number " " name
        }' || true
done
