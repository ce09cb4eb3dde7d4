#!/bin/bash
# The OCI distribution specification's own conformance program against ``rung registry serve``,
# or against whatever listens at REGISTRY.
#
#   RUNG_DISTRIBUTION_SUITE=/path/to/conformance tests/conformance/distribution_suite.sh RESULTS [HOST:PORT]
#
# RUNG_DISTRIBUTION_SUITE is the program built of conformance/ in a checkout of
# https://github.com/opencontainers/distribution-spec (go build); it is another project's and no
# part of this tree. Without HOST:PORT a registry of our own is started over an empty store, on a
# free port, and ended afterwards. Everything optional of the specification is asked for too.
#
# Prints the program's summary; RESULTS is a folder for its report.html, junit.xml and results.yaml.
set -euo pipefail

results=$(realpath --canonicalize-missing -- "${1:?usage: distribution_suite.sh RESULTS [HOST:PORT]}")
program=${RUNG_DISTRIBUTION_SUITE:?names no conformance program of the distribution specification}
[ -x "$program" ] || { echo "distribution_suite.sh: $program is no program" >&2; exit 2; }
rung=${RUNG:-$(dirname -- "$0")/../../.venv/bin/rung}

work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null
    rm -rf -- "$work"
}
trap finish EXIT

address=${2:-}
if [ -z "$address" ]; then
    "$rung" registry serve --root "$work/store" --listen 127.0.0.1:0 --delete --quiet >"$work/said" &
    server=$!
    for _ in $(seq 600); do
        [ -s "$work/said" ] && break
        kill -0 "$server" || { echo "distribution_suite.sh: the registry has ended" >&2; exit 1; }
        sleep 0.1
    done
    address=$(sed -n 's|^serving http://||p' "$work/said")
fi

mkdir -p "$results"
cd "$work" # where it would look for a configuration of its own
export OCI_REGISTRY=$address OCI_TLS=disabled OCI_RESULTS_DIR=$results OCI_VERSION=1.1
export OCI_REPO1=conformance/repo1 OCI_REPO2=conformance/repo2
export OCI_API_BLOBS_UPLOAD_CANCEL=true OCI_API_BLOBS_DIGEST_HEADER=true OCI_API_MANIFESTS_DIGEST_HEADER=true
export OCI_API_MANIFESTS_TAG_PARAM=true
"$program"
