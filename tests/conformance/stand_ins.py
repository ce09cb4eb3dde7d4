"""Images that other people's suites pull from Docker's hub, made here of what the machine has: a busybox under alpine's
users and places, and a few words of shell where a program is wanted that is not busybox's. Each says what it stands in for.

A suite asks of them that they answer as its images would, not that they be them: it tests the engine.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_S = 120
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "run", "sbin", "sys", "tmp", "usr/bin", "usr/sbin", "var/lib/postgresql", "var/opt", "var/tmp")
FILES = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/ash\nbin:x:1:1:bin:/bin:/sbin/nologin\nguest:x:405:100:guest:/dev/null:/sbin/nologin\n"
        "postgres:x:70:70::/var/lib/postgresql:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    ),
    "etc/group": "root:x:0:root\nbin:x:1:root,bin\nusers:x:100:games\npostgres:x:70:\nnobody:x:65534:\n",
    "etc/os-release": 'NAME="Alpine Linux"\nID=alpine\n',
}

#: A server of one page, and of an answer of one status for each ``listen N; ... return CODE`` in conf.d.
NGINX = r"""#!/bin/sh
for conf in /etc/nginx/conf.d/*.conf; do
    [ -e "$conf" ] || continue
    port=$(sed -n 's/.*listen \([0-9]*\);.*/\1/p' "$conf")
    code=$(sed -n 's/.*return \([0-9]*\);.*/\1/p' "$conf")
    nc -ll -p "$port" -e /bin/answer "$code" &
done
echo "notice: start worker processes" >&2
exec httpd -f -p 80 -h /usr/share/nginx/html
"""
ANSWER = r"""#!/bin/sh
while read -r line && [ "$line" != "$(printf '\r')" ]; do :; done
printf 'HTTP/1.0 %s said\r\nContent-Length: 0\r\n\r\n' "$1"
"""
#: ``socat TCP-LISTEN:PORT,... TCP:HOST:PORT``.
SOCAT = r"""#!/bin/sh
from=${1#*:}; to=${2#*:}
exec nc -ll -p "${from%%,*}" -e /bin/busybox nc "${to%:*}" "${to##*:}"
"""
#: A session begins with the labels of what it makes, a line each, ``label=KEY=VALUE&label=...``; each is acknowledged. When it
#: has been gone for RYUK_RECONNECTION_TIMEOUT, everything with them goes, and the reaper with it.
RYUK_SESSION = r"""#!/bin/sh
while read -r line; do
    line=$(printf %s "$line" | tr -d '\r')
    [ -n "$line" ] || continue
    printf '%s\n' "$line" >> /labels
    printf 'ACK\n'
done
sleep "${RYUK_RECONNECTION_TIMEOUT%s}"
while read -r line; do
    set -- $(printf %s "$line" | tr '&' '\n' | sed 's/^/--filter /')
    for one in $(docker ps --all --quiet "$@"); do docker rm --force --volumes "$one"; done
    for kind in network volume; do
        for one in $(docker $kind ls --quiet "$@"); do docker $kind rm "$one"; done
    done
done < /labels >/dev/null 2>&1
touch /over
"""
RYUK = r"""#!/bin/sh
trap 'exit 0' TERM
nc -ll -p 8080 -e /bin/session &
echo "$(date) Started!"
until [ -e /over ]; do sleep 0.1; done
"""
REGISTRY = "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /var/lib/registry\nhttp:\n  addr: :5000\n"


@dataclass(frozen=True)
class Image:
    """``programs``: of this machine's, with the libraries they load; without one of them there is no such image."""

    names: Sequence[str]
    command: str
    files: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    changes: Sequence[str] = ()

    def missing(self) -> list[str]:
        return [program for program in self.programs.values() if shutil.which(program) is None]

    def archive(self) -> bytes:
        return root_file_system(self.files, self.programs)

    def import_changes(self) -> list[str]:
        """As words of ``docker import``."""
        return [word for change in (f"ENV {PATH}", f"CMD {self.command}", *self.changes) for word in ("--change", change)]


ALPINE = Image(("alpine:3.10", "alpine:3.12", "alpine:latest", "busybox:latest", "ubuntu:latest"), '["/bin/sh"]')
HELLO = Image(("hello-world:latest",), '["/bin/cat", "/hello"]', {"hello": "Hello from Docker!\n"})
#: What testcontainers' tests pull besides.
MORE = (
    Image(("bash:latest", "postgres:latest"), '["/bin/sh"]', {"bin/bash": '#!/bin/sh\nexec /bin/sh "$@"\n'}),
    Image(
        ("nginx:latest", "nginx:alpine", "nginx:alpine-slim", "nginx:1.25.4-alpine-slim", "nginx:1.13.8"),
        '["nginx", "-g", "daemon off;"]',
        {
            "usr/sbin/nginx": NGINX,
            "bin/answer": ANSWER,
            "etc/nginx/conf.d/README": "one file a server\n",
            "usr/share/nginx/html/index.html": "<h1>Welcome to nginx!</h1>\n",
        },
        changes=("EXPOSE 80",),
    ),
    Image(
        ("testcontainers/helloworld:1.2.0",),
        '["httpd", "-f", "-p", "8080", "-h", "/www"]',
        {"www/ping": "PONG"},
        changes=("EXPOSE 8080",),
    ),
    Image(("alpine/socat:1.7.4.3-r0",), '["socat"]', {"usr/bin/socat": SOCAT}),
    Image(
        ("testcontainers/ryuk:0.8.1",),
        '["/bin/ryuk"]',
        {"bin/ryuk": RYUK, "bin/session": RYUK_SESSION},
        {"usr/bin/docker": "docker"},
    ),
    Image(
        ("registry:2",),
        '["registry", "serve", "/etc/docker/registry/config.yml"]',
        {"etc/docker/registry/config.yml": REGISTRY},
        {"usr/bin/registry": "docker-registry"},
        ("EXPOSE 5000", "VOLUME /var/lib/registry"),
    ),
)


def root_file_system(files: Mapping[str, str], programs: Mapping[str, str]) -> bytes:
    """An archive of busybox with all its commands, and these; a file that begins with ``#!`` can be executed."""
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    packed = io.BytesIO()
    applets = subprocess.run([busybox, "--list-full"], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    with tarfile.open(fileobj=packed, mode="w") as tar:

        def put(name: str, kind: bytes, mode: int, data: bytes = b"", target: str = "") -> None:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(data), target
            tar.addfile(entry, io.BytesIO(data))

        for folder in FOLDERS:
            put(folder, tarfile.DIRTYPE, 0o1777 if folder in ("tmp", "var/tmp") else 0o755)
        put("bin/busybox", tarfile.REGTYPE, 0o755, busybox.read_bytes())
        for applet in sorted({"bin/sh", *applets.stdout.split()} - {"bin/busybox", *files, *programs}):
            if applet.rpartition("/")[0] in FOLDERS:
                put(applet, tarfile.SYMTYPE, 0o777, target="/bin/busybox")
        for name, text in {**FILES, **files}.items():
            put(name, tarfile.REGTYPE, 0o755 if text.startswith("#!") else 0o644, text.encode())
        for name, program in programs.items():
            found = shutil.which(program)
            assert found is not None, program
            put(name, tarfile.REGTYPE, 0o755, Path(found).read_bytes())
            for library in libraries(found):
                put(library.lstrip("/"), tarfile.REGTYPE, 0o755, Path(library).read_bytes())
    return packed.getvalue()


def libraries(program: str) -> list[str]:
    """What it loads, the loader itself too; nothing for one that is static."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False, timeout=TIMEOUT_S).stdout
    return sorted({word for line in said.splitlines() for word in line.split() if word.startswith("/")})
