"""The flags that ``create``, ``run`` and ``exec`` share, and what they mean to the library."""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.runtime.cli.options import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.runtime import Container
    from rung.runtime.cli.main import Call

CONSOLE_SOCKET = Flag(
    ("console-socket",), "text", "AF_UNIX socket that gets the controlling end of the terminal", ""
)
PIDFD_SOCKET = Flag(("pidfd-socket",), "text", "AF_UNIX socket that gets a pidfd of the process", "")
PID_FILE = Flag(("pid-file",), "text", "file to write the process id to", "")
PRESERVE_FDS = Flag(("preserve-fds",), "int", "how many more descriptors the process gets, from 3 on", 0)
DETACH = Flag(("detach", "d"), "bool", "do not stay until the process ends", False)
BUNDLE_FLAGS = (
    Flag(("bundle", "b"), "text", "the bundle's directory (default: the current one)", ""),
    Flag(("config", "f"), "text", "the configuration, where it is not the bundle's config.json", ""),
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    PID_FILE,
    Flag(("no-pivot",), "bool", "move the root instead of pivot_root (root on a ramdisk)", False),
    Flag(("no-new-keyring",), "bool", "keep the caller's session keyring", False),
    PRESERVE_FDS,
)


def process_options(call: Call) -> dict[str, Any]:
    """What both create and exec take."""
    options = call.options
    count = options["preserve-fds"]
    check_preserved(count, call.warn)
    return {
        "console_socket": options["console-socket"],
        "pid_file": posix.abspath(options["pid-file"]) if options["pid-file"] else "",
        "preserve_fds": count,
        "observe": call.observer(),
    }


def create_options(call: Call) -> dict[str, Any]:
    """What create takes (``CreateOptions``)."""
    options = call.options
    found = process_options(call)
    activated = listen_fds()
    if activated:
        found["preserve_fds"] += activated
        found["env"] = (f"LISTEN_FDS={activated}", "LISTEN_PID=1")
    return {
        **found,
        "config_file": posix.abspath(options["config"]) if options["config"] else "",
        "notify": bool(posix.getenv("NOTIFY_SOCKET")),
        "no_pivot": options["no-pivot"],
        "no_new_keyring": options["no-new-keyring"],
    }


def listen_fds() -> int:
    """How many descriptors, from 3 on, a service manager has given this process for the container
    (sd_listen_fds(3)). Like crun, unlike runc, they are taken without a LISTEN_PID too."""
    count, pid = posix.getenv("LISTEN_FDS") or "", posix.getenv("LISTEN_PID") or ""
    meant = pid in ("", str(posix.getpid()))
    return int(count) if meant and count.isascii() and count.isdecimal() else 0


def check_preserved(count: int, warn: Callable[[str], None]) -> None:
    """Say which of the descriptors to be preserved are not open: they will not be in the container either."""
    if count < 0:
        raise RungError("use --preserve-fds", str(count), "it must not be negative")
    missing = []
    for fd in range(3, 3 + count):
        try:
            posix.fstat(fd)
        except OSError:
            missing.append(str(fd))
    if missing:
        shown = ", ".join(missing[:5]) + ", ..." * (len(missing) > 5)
        warn(f"--preserve-fds {count}: not open, and not preserved: descriptor {shown}")


def tell_pidfd(call: Call, container: Container) -> None:
    """Send the pidfd of a container's init to whoever the command line or crun's annotation names."""
    send_pidfd(call.options["pidfd-socket"], container.pid)
    send_pidfd(container.annotations.get("run.oci.pidfd_receiver", ""), container.pid)


def send_pidfd(path: str, pid: int) -> None:
    """Send a pidfd of ``pid`` to whoever listens at ``path``; without a path, nothing."""
    if not path:
        return
    from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket

    connection = socket(AF_UNIX, SOCK_STREAM)
    pidfd = posix.pidfd_open(pid)
    try:
        connection.connect(path)
        connection.sendmsg([b"pidfd"], [(SOL_SOCKET, SCM_RIGHTS, pidfd.to_bytes(4, "little"))])
    except OSError as error:
        raise RungError("send the pidfd to", f'"{path}"', str(error.strerror)) from None
    finally:
        posix.close(pidfd)
        connection.close()
