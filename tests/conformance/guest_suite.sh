#!/bin/bash
# A peer's suite in the guest of tools/guest.py: pure cgroup v2, every capability, dummy network links.
#
#   RUNG_RUNC_SUITE=/path/to/runc tests/conformance/guest_suite.sh runc RUNTIME [NAME.bats ...] > results.tap
#   RUNG_RUNC_SUITE=/path/to/runc tests/conformance/guest_suite.sh rootless RUNTIME [NAME.bats ...]
#   RUNG_CRUN_SUITE=/path/to/crun tests/conformance/guest_suite.sh crun RUNTIME [NAME.py ...]
#
# runc and crun: systemd is process 1, and runc's suite has its containers made by it. rootless: runc's
# suite as a user who has ids of his own (newuidmap) and a cgroup that was handed to him. The places are
# named, and what must be built is said, as in runc_suite.sh and crun_suite.sh; run one of them here once
# before, for the guest sees this machine's files, but what it writes is lost, the suites' images too.
# The guest's processor is emulated: runc's whole suite takes it an hour, what is left of it a quarter of one. A case has
# TEST_TIMEOUT_S (300), a file FILE_TIMEOUT_S (900): checkpoint.bats gives CRIU's page server two seconds to come up, and
# where that is too short bats waits for ever for the checkpoint that the failed case has left. CASES=$(realpath rest), made by
# "tally.py --rest HERE.tap", leaves out what has passed here. GUEST_PROCESSORS=9 is for the one case that wants so many.
set -euo pipefail
here=$(dirname -- "$(realpath -- "$0")")

if [ "$1" != --inside ]; then
    suite=${1:?usage: guest_suite.sh runc|rootless|crun RUNTIME [FILE ...]}
    systemd=--systemd
    [ "$suite" != rootless ] || systemd=
    exec python3 "$here/../../tools/guest.py" $systemd --timeout "${GUEST_TIMEOUT_S:-5400}" \
        --memory 3072 --processors "${GUEST_PROCESSORS:-2}" \
        --env RUNG_RUNC_SUITE="${RUNG_RUNC_SUITE:-}" --env RUNG_CRUN_SUITE="${RUNG_CRUN_SUITE:-}" \
        --env CASES="${CASES:-}" --env TEST_TIMEOUT_S="${TEST_TIMEOUT_S:-300}" --env FILE_TIMEOUT_S="${FILE_TIMEOUT_S:-900}" \
        --env RUNG_WARM="${RUNG_WARM:-off}" -- "$here/guest_suite.sh" --inside "$@"
fi

# Somebody to be: ids that he may map, and a cgroup in which he may do what he likes, as a session has one
# (https://docs.kernel.org/admin-guide/cgroup-v2.html#delegation-containment); runc's suite knows it by this name.
make_user() {
    local cgroup=/sys/fs/cgroup/runc-cgroups-integration-test
    useradd --uid 1000 --create-home --home-dir /home/rootless rootless
    echo rootless:100000:65536 >/etc/subuid
    echo rootless:200000:65536 >/etc/subgid
    mkdir "$cgroup"
    chown rootless "$cgroup" "$cgroup"/cgroup.{procs,subtree_control,threads} /sys/fs/cgroup/cgroup.procs
    export SUITE_USER=rootless ROOTLESS_FEATURES=idmap+cgroup
    export ROOTLESS_UIDMAP_START=100000 ROOTLESS_UIDMAP_LENGTH=65536
    export ROOTLESS_GIDMAP_START=200000 ROOTLESS_GIDMAP_LENGTH=65536
    # One case wants a directory of a user that only the container knows: 1000 there is 100000 here.
    export ROOTLESS_AUX_UID=1024 ROOTLESS_AUX_DIR=$TMPDIR/aux
    mkdir -m 700 "$ROOTLESS_AUX_DIR"
    chown 100024 "$ROOTLESS_AUX_DIR"
}

shift
suite=$1 runtime=$2
shift 2
case $suite in
    runc) RUNC_USE_SYSTEMD=1 "$here/runc_suite.sh" "$runtime" "$@" ;;
    rootless)
        make_user
        "$here/runc_suite.sh" "$runtime" "$@"
        # And without any of it: what a user is told then.
        chown -R root /sys/fs/cgroup/runc-cgroups-integration-test /sys/fs/cgroup/cgroup.procs
        unset "${!ROOTLESS_@}"
        ROOTLESS_FEATURES='' "$here/runc_suite.sh" "$runtime" cgroups.bats
        ;;
    crun) CGROUP_MANAGER=systemd "$here/crun_suite.sh" "$runtime" "$@" ;;
esac
