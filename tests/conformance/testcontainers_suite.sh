#!/bin/bash
# testcontainers-python's own tests (tests/core/*.py, and those of its modules nginx and registry) against an engine.
#
#   RUNG_TESTCONTAINERS_SUITE=/path/to/testcontainers-python tests/conformance/testcontainers_suite.sh PYTHON [NAME.py ...] > results.tap
#
# RUNG_TESTCONTAINERS_SUITE is a checkout of https://github.com/testcontainers/testcontainers-python, another project's and
# no part of this tree. PYTHON has testcontainers of that release (its metadata are read, its code is the checkout's), bcrypt, pytest,
# pytest-mock and pytest-timeout. DOCKER_HOST names the engine; with_engine.py makes one, with stand-ins for the images that
# the tests pull (stand_ins.py). docker and docker compose are on the PATH. The other modules' tests pull servers from Docker's
# hub, and test_legacy_module_imports.py wants their clients, and no engine.
#
# Prints TAP, each file under a line "# NAME.py"; each case has TEST_TIMEOUT_S (120).
set -euo pipefail

python=${1:?usage: testcontainers_suite.sh PYTHON [NAME.py ...]}
shift
suite=${RUNG_TESTCONTAINERS_SUITE:?names no checkout of testcontainers-python}
: "${DOCKER_HOST:?names no engine}"

# No properties and credentials of whoever runs this; a copy, because compose names its projects after folders.
work=$(mktemp -d)
trap 'rm -rf --one-file-system -- "$work"' EXIT
cp -r "$suite/src" "$suite/tests" "$suite/docs" "$suite/pyproject.toml" "$work"
mkdir "$work/home"
export HOME=$work/home DOCKER_HOST PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$work/src
cd "$work"

[ $# -gt 0 ] || set -- $(cd tests/core && ls test_*.py | grep -v legacy_module_imports) test_nginx.py test_registry.py
for file in "$@"; do
    echo "# $file"
    path=$(echo tests/core/"$file" tests/community/*/"$file" | tr ' ' '\n' | while read -r one; do [ ! -e "$one" ] || echo "$one"; done)
    # A warning of a newer Python's or pytest's is none of the engine's.
    "$python" -m pytest -v --tb=short -o log_cli=false -p no:cacheprovider --timeout "${TEST_TIMEOUT_S:-120}" --rootdir "$work" \
        "$path" 2>&1 | tee -a "${LOG:-/dev/null}" | awk '
        match($0, /^tests\/[^ ]*::.+ (PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)/) {
            line = substr($0, RSTART, RLENGTH)
            verdict = line; sub(/.* /, "", verdict)
            name = line; sub(/^[^:]*::/, "", name); sub(/ [A-Z]+$/, "", name)
            number++
            if (verdict == "PASSED" || verdict == "XPASS") print "ok " number " " name
            else if (verdict == "SKIPPED" || verdict == "XFAIL") print "ok " number " " name " # skip"
            else print "not ok " number " " name
        }' || true
done
