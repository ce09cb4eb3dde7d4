#!/bin/bash
# Lists the Python interpreters (3.11 or newer) of this machine, one real binary a line, best first.
# A version manager's shim is asked for what it stands for: Rung neither measures nor runs shims.
# With an argument (3.11): the first of that version only. PYTHON= in the environment goes first.
set -u
wanted=${1:-}
declare -A seen
list() {
    local found version real
    found=$("$1" -I -S -c 'import os, sys; v = sys.version_info; v >= (3, 11) or sys.exit(1)
print(f"{v[0]}.{v[1]}", os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))' 2>/dev/null) || return 1
    version=${found%% *} real=${found#* }
    [ -z "$wanted" ] || [ "$wanted" = "$version" ] || return 0
    [ -z "${seen[$real]:-}" ] || return 0
    seen[$real]=1
    printf '%s\n' "$real"
}
if [ -n "${PYTHON:-}" ]; then
    list "$PYTHON" || { echo "PYTHON=$PYTHON is no Python 3.11 or newer" >&2; exit 1; }
fi
for version in 3.13 3.12 3.11 3.14; do
    for python in /usr/bin/python$version /usr/local/bin/python$version "$HOME"/.pyenv/versions/"$version".*/bin/python$version; do
        [ -x "$python" ] && list "$python"
    done
done
command -v python3 >/dev/null && list "$(command -v python3)"
exit 0
