"""``checkpoint``: save a container's processes as files, with CRIU."""

from __future__ import annotations

from rung.errors import RungError
from rung.runtime.cli.criu_flags import FLAGS, criu_options
from rung.runtime.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "checkpoint",
    "<container-id>",
    "save a running container as files",
    "# rung-runtime checkpoint --image-path /var/lib/saved/web1 web1",
    (
        *FLAGS,
        Flag(("parent-path",), "text", "images of a pre-dump, relative to --image-path", ""),
        Flag(("leave-running",), "bool", "let the container go on afterwards", False),
        Flag(("tcp-skip-in-flight",), "bool", "pass over connections that are being made", False),
        Flag(("link-remap",), "bool", "give unlinked files a name again while they are saved", False),
        Flag(("status-fd",), "int", "descriptor that gets a zero byte once lazy pages can be fetched", -1),
        Flag(("page-server",), "text", "ADDRESS:PORT where memory pages go instead of into files", ""),
        Flag(("pre-dump",), "bool", "save memory only, as a base for a later dump; the container goes on", False),
    ),
    """\
The container is killed and deleted, unless it is left running. Restore makes it again
from its bundle and the images.""",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    from rung.runtime.checkpoint.options import CheckpointOptions

    options = call.options
    container = call.runtime().get(call.arguments[0])
    container.require("checkpoint")
    container.checkpoint(
        CheckpointOptions(
            **criu_options(options),
            parent_path=options["parent-path"],
            pre_dump=options["pre-dump"],
            leave_running=options["leave-running"],
            tcp_skip_in_flight=options["tcp-skip-in-flight"],
            link_remap=options["link-remap"],
            page_server=_page_server(options["page-server"]),
            status_fd=_writable(options["status-fd"]),
        )
    )
    return 0


def _page_server(text: str) -> tuple[str, int]:
    if not text:
        return "", 0
    address, colon, port = text.rpartition(":")
    if not colon or not address or not port.isdecimal() or not 0 < int(port) < 65536:
        raise RungError("use --page-server", f'"{text}"', "it is no ADDRESS:PORT")
    return address.removeprefix("[").removesuffix("]"), int(port)


def _writable(fd: int) -> int:
    if fd < 0:
        return -1
    from fcntl import F_GETFL, fcntl

    from rung import posix

    try:
        mode = fcntl(fd, F_GETFL) & (posix.O_WRONLY | posix.O_RDWR)
    except OSError as error:
        raise RungError("use --status-fd", str(fd), str(error.strerror)) from None
    if not mode:
        raise RungError("use --status-fd", str(fd), "it is not open for writing")
    return fd
