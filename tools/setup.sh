#!/bin/bash
# Makes a bare Debian or Ubuntu machine ready for one of: build, demo, test, bench.
# Says what it does; does nothing where everything is there. Needs root only to install packages.
set -eu
goal=${1:?usage: tools/setup.sh build|demo|test|bench}
cd "$(dirname "$0")/.."

# What each goal needs from the distribution, and why.
build=(gcc libc6-dev musl-tools python3 python3-venv ca-certificates)   # compile the C programs, run Python
demo=(mmdebstrap busybox-static zstd)                        # images from the signed archive
bench=(runc crun busybox-static docker.io docker-cli podman containerd skopeo umoci docker-registry curl isal e2fsprogs mount mmdebstrap git) # the peers to measure against
tests=(containernetworking-plugins criu docker-compose e2fsprogs erofs-utils nftables mount iproute2 procps libseccomp2 runc crun runsc skopeo docker-registry umoci oras cosign openssl libcrypt1 containerd docker.io docker-cli iptables strace bsdutils uidmap podman buildah catatonit rpm db5.3-util passt)  # outside clients
guest=(qemu-system-x86 linux-image-cloud-amd64 virtiofsd systemd dbus)   # pure cgroup v2 and systemd, in a virtual machine
case $goal in
    build) packages=("${build[@]}") ;;
    demo)  packages=("${build[@]}" "${demo[@]}") ;;
    bench) packages=("${build[@]}" "${bench[@]}") ;;
    test)  packages=("${build[@]}" "${demo[@]}" "${bench[@]}" "${tests[@]}" "${guest[@]}") ;;
    *) echo "tools/setup.sh: unknown goal $goal" >&2; exit 1 ;;
esac

say() { printf '== %s\n' "$*"; }

missing() {
    local have
    have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' | sort -u)
    comm -23 <(printf '%s\n' "$@" | sort -u) <(printf '%s\n' "$have")
}

# Daemons of packages (dockerd, containerd, docker-registry) are installed, not started.
without_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e $policy ]; then "$@"; return; fi
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
    "$@" || status=$?
    rm -f $policy
    return $status
}

install_packages() {
    local wanted available=() name
    mapfile -t wanted < <(missing "${packages[@]}")
    [ ${#wanted[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || { echo "needs root to install: ${wanted[*]}" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    say "apt-get update"
    apt-get update -qq
    for name in "${wanted[@]}"; do # docker-cli is part of docker.io on some releases
        if apt-cache show "$name" >/dev/null 2>&1; then available+=("$name"); else say "not in this release: $name"; fi
    done
    [ ${#available[@]} -gt 0 ] || return 0
    say "apt-get install ${available[*]}"
    without_services apt-get install -y -qq --no-install-recommends "${available[@]}" </dev/null >/dev/null
}

content_key() { # of everything an installed environment depends on
    { cat pyproject.toml hatch_build.py tools/native.py src/rung/runtime/{init,launcher}/*.[ch] src/rung/image/layer/untar/*.[ch]; echo "$1"; } 2>/dev/null |
        sha256sum | cut -d' ' -f1
}

environment() { # DIRECTORY INTERPRETER
    local where=$1 python=$2 key
    key=$(content_key "$python")
    [ "$(cat "$where/.rung-key" 2>/dev/null)" = "$key" ] && return 0
    if ! [ "$(readlink -f "$where/bin/python" 2>/dev/null)" = "$python" ]; then
        say "virtual environment $where with $python"
        rm -rf "$where"
        "$python" -m venv "$where"
    fi
    say "pip install -e .[test] into $where (compiles rung-init, rung-untar and the launcher)"
    "$where/bin/python" -m pip install -q --disable-pip-version-check -e '.[test]' </dev/null
    echo "$key" >"$where/.rung-key"
}

usable() { # interpreters that can make environments
    tools/pythons.sh "$@" | while read -r python; do
        "$python" -I -c 'import ensurepip, venv' 2>/dev/null && echo "$python"
    done
}

install_packages
first=$(usable | head -n 1)
if [ -z "$first" ] && apt-cache show python3.11-venv >/dev/null 2>&1; then # a release whose python3 is older
    packages=(python3.11 python3.11-venv)
    install_packages
    first=$(usable | head -n 1)
fi
[ -n "$first" ] || { echo "no Python 3.11 or newer with venv on this machine: set PYTHON=/path/to/python3" >&2; exit 1; }
environment .venv "$first"
if [ "$goal" = test ]; then
    for version in 3.11 3.13; do # the second interpreter, where the machine has one
        other=$(PYTHON='' usable $version | head -n 1)
        if [ -z "$other" ] || [ -z "${first##*python$version}" ]; then
            rm -rf ".venv-$version"
        else
            environment ".venv-$version" "$other"
        fi
    done
fi
