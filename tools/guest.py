#!/usr/bin/env python3
"""Runs a command in a virtual machine that has the distribution's kernel and this machine's files.

For what the host's kernel is not set up for: pure cgroup v2, first of all. The kernel of
/boot is booted directly; its root is the host's root, read-only over virtiofs, under a
tmpfs that takes what the command writes and is lost. There is no system in the guest: process 1
is ``guest-init.sh``, or, with ``--systemd``, systemd with a D-Bus daemon and nothing else. The processor is
emulated (QEMU's TCG), about ten times slower than this one.

    tools/guest.py [--timeout S] [--env NAME=VALUE] -- COMMAND...

The command runs as root in the current directory without a terminal; its output comes
here as it is written, and its exit status is this program's. 125: the guest itself failed.
"""

from __future__ import annotations

import argparse
import glob
import lzma
import os
import platform
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

HERE = Path(__file__).resolve().parent
FAILED = 125
QEMU = f"qemu-system-{platform.machine()}"
VIRTIOFSD = "/usr/libexec/virtiofsd"
BUSYBOX = "/usr/bin/busybox"
SYSTEMD = "/usr/lib/systemd/systemd"
NEEDED_MODULES = ("virtio_console", "fuse", "virtiofs", "overlay")  # in this order, where not built in
WANTED_MODULES = ("loop", "bfq")  # where the kernel has them: block devices to be made and limited
PACKAGES = "qemu-system-x86 linux-image-cloud-amd64 virtiofsd busybox-static"


@dataclass
class Guest:
    """How the machine is made. ``cgroup``: the cgroup the command runs in."""

    kernel: Path
    memory_mib: int = 1536
    processors: int = 2
    timeout_s: float = 600
    cgroup: str = "/guest"
    cgroup_options: str = "nsdelegate,memory_recursiveprot"
    append: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    systemd: bool = False


def lacking(*, systemd: bool = False) -> str | None:
    """Why no guest can be run on this machine, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if platform.machine() != "x86_64":
        return "tools/guest.py knows x86_64 only"
    for program in (QEMU, VIRTIOFSD, BUSYBOX, "setpriv"):
        if shutil.which(program) is None:
            return f"no {program}: apt-get install {PACKAGES}"
    if systemd and not (Path(SYSTEMD).exists() and shutil.which("dbus-daemon")):
        return "no systemd with a D-Bus daemon: apt-get install systemd dbus"
    if not kernels():
        return f"no kernel with overlay and virtiofs in /boot: apt-get install {PACKAGES}"
    return None


def kernels() -> list[Path]:
    """The images of /boot that can be guests, newest first."""
    found = [Path(name) for name in glob.glob("/boot/vmlinuz-*")]
    return sorted((image for image in found if _suits(image)), key=_version, reverse=True)


def _version(image: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", image.name)]


def _suits(image: Path) -> bool:
    try:
        modules(release_of(image))
    except FileNotFoundError:
        return False
    return True


def release_of(image: Path) -> str:
    return image.name.removeprefix("vmlinuz-")


def modules(release: str) -> dict[str, Path]:
    """Those of the lists above that are not built in. Raises ``FileNotFoundError``."""
    top = Path("/lib/modules", release)
    built_in = {Path(line).stem for line in (top / "modules.builtin").read_text().split()}
    loadable = {Path(line.split(":")[0]) for line in (top / "modules.dep").read_text().splitlines()}
    by_name = {path.name.split(".")[0]: top / path for path in loadable}
    found = {}
    for name in (*NEEDED_MODULES, *WANTED_MODULES):
        if name in built_in:
            continue
        if name in by_name:
            found[name] = by_name[name]
        elif name in NEEDED_MODULES:
            raise FileNotFoundError(name)
    return found


def archive(files: Mapping[str, bytes]) -> bytes:
    """An initial ramdisk: a cpio archive of the ``newc`` form, folders before what is in them."""
    folders = sorted({str(parent) for name in files for parent in Path(name).parents} - {"."})
    entries = [(name, 0o040755, b"") for name in folders]
    entries += [(name, 0o100755, content) for name, content in files.items()]
    parts = []
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % value for value in fields) + name.encode() + b"\0"
        parts += [_padded(head), _padded(content)]
    return b"".join(parts)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)


def ramdisk(guest: Guest, command: Sequence[str]) -> bytes:
    """Everything the guest is told is in its ramdisk."""
    settings = {"CGROUP": guest.cgroup, "CGROUP_OPTIONS": guest.cgroup_options}
    settings["SYSTEMD"] = SYSTEMD if guest.systemd else ""
    settings["NOW"] = str(int(time.time()))  # its kernel reads no clock of this machine
    files = {
        "init": (HERE / "guest-boot.sh").read_bytes(),
        "init.sh": (HERE / "guest-init.sh").read_bytes(),
        "settings.sh": "".join(f"{name}={shlex.quote(text)}\n" for name, text in settings.items()).encode(),
        "command.sh": script(guest, command).encode(),
        "bin/busybox": Path(BUSYBOX).read_bytes(),
    }
    for number, (name, path) in enumerate(modules(release_of(guest.kernel)).items()):
        files[f"modules/{number}-{name}.ko"] = _module(path)
    return archive(files)


def _module(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix == ".ko":
        return content
    return subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout


def script(guest: Guest, command: Sequence[str]) -> str:
    """What process 1 executes, with a small environment of known values."""
    environment = {
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "TMPDIR": "/scratch",
        **guest.environment,
    }
    words = ["exec", "env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]
    return f"cd {shlex.quote(os.getcwd())} || exit 125\n{shlex.join(words)}\n"


def machine(guest: Guest, folder: Path) -> list[str]:
    """QEMU's command line. What is in ``folder`` is what the two exchange."""
    append = f"console=ttyS0 quiet panic=-1 cgroup_no_v1=all {guest.append}"
    ports = []
    for name, path in (("output", "/proc/self/fd/1"), ("status", folder / "status")):
        ports += ["-chardev", f"file,id={name},path={path}"]
        ports += ["-device", f"virtserialport,chardev={name},name=rung.{name}"]
    return [
        *("setpriv", "--pdeathsig", "KILL", QEMU),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", "q35,accel=tcg,memory-backend=memory", "-cpu", "max,la57=off"),
        *("-smp", str(guest.processors), "-m", f"{guest.memory_mib}M"),
        *("-object", f"memory-backend-memfd,id=memory,size={guest.memory_mib}M,share=on"),
        *("-kernel", str(guest.kernel), "-initrd", str(folder / "ramdisk"), "-append", append),
        *("-serial", f"file:{folder / 'console'}"),
        *("-chardev", f"socket,id=files,path={folder / 'files'}"),
        *("-device", "vhost-user-fs-pci,chardev=files,tag=host", "-device", "virtio-serial-pci", *ports),
    ]


def file_server(folder: Path) -> subprocess.Popen[bytes]:
    """virtiofsd for the host's root, listening already. It ends when QEMU does."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "files"))
        listening.listen()
        options = ["--readonly", "--sandbox=none", "--cache=always", "--no-announce-submounts"]
        options += ["--inode-file-handles=prefer", "--rlimit-nofile=0", "--log-level=error"]
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", VIRTIOFSD, "--shared-dir=/", f"--fd={listening.fileno()}", *options],
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
        )


def run(guest: Guest, command: Sequence[str], output: BinaryIO) -> int:
    """Boot, run the command, relay what it says; its status, or ``FAILED`` and the reason on stderr."""
    with tempfile.TemporaryDirectory(prefix="guest-") as name:
        folder = Path(name)
        (folder / "ramdisk").write_bytes(ramdisk(guest, command))
        files = file_server(folder)
        try:
            in_time = _boot(guest, folder, output)
        finally:
            files.kill()
            files.wait()
        status = folder / "status"
        text = status.read_text().strip() if status.exists() else ""
        if text:
            return int(text)
        print(_tail(folder / "console"), file=sys.stderr)
        reason = "ended without the command's status" if in_time else f"took longer than {guest.timeout_s:g} s"
        print(f"tools/guest.py: the guest {reason}", file=sys.stderr)
        return FAILED


def _boot(guest: Guest, folder: Path, output: BinaryIO) -> bool:
    """Until the machine is off; False when its time was over."""
    qemu = subprocess.Popen(machine(guest, folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert qemu.stdout is not None
    over = []

    def expire(*_: object) -> None:
        over.append(True)
        qemu.kill()

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, guest.timeout_s)
    try:
        while part := os.read(qemu.stdout.fileno(), 1 << 16):
            output.write(part)
            output.flush()
        qemu.wait()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        qemu.kill()
        qemu.wait()
        qemu.stdout.close()
    return not over


def _tail(console: Path) -> str:
    return "\n".join(console.read_text(errors="replace").splitlines()[-30:]) if console.exists() else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", type=Path, help="an image in /boot (default: the newest that can)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds")
    parser.add_argument("--memory", type=int, default=1536, help="MiB")
    parser.add_argument("--processors", type=int, default=2)
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--cgroup", default="/guest", help="the cgroup to run in")
    parser.add_argument("--cgroup-options", default="nsdelegate,memory_recursiveprot", help="of the mount")
    parser.add_argument("--systemd", action="store_true", help="systemd is process 1, and runs the command")
    parser.add_argument("--append", default="", help="more kernel parameters")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if reason := lacking(systemd=options.systemd):
        print(f"tools/guest.py: {reason}", file=sys.stderr)
        return FAILED
    guest = Guest(
        options.kernel or kernels()[0],
        options.memory,
        options.processors,
        options.timeout,
        options.cgroup,
        options.cgroup_options,
        options.append,
        dict(item.split("=", 1) for item in options.env),
        options.systemd,
    )
    return run(guest, options.command, sys.stdout.buffer)


if __name__ == "__main__":
    sys.exit(main())
