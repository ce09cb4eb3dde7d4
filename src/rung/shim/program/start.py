"""``start``: the address of the shim that keeps this container, which is begun where there is none.

Containers of one pod share a shim: the annotation that names their sandbox gives its socket. The process that
containerd started prints the address and ends; the shim is its child, in a session of its own.
"""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.files import write_atomically
from rung.sha2 import sha256
from rung.shim.beginning import Keep, answers, listen
from rung.shim.bundle import read_config
from rung.shim.program.input import read_input
from rung.spec.shim.bootstrap import read_options, read_parameters, result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.shim.program.main import Arguments
    from rung.spec.shim.bootstrap import BootstrapParams

SOCKETS = "/run/containerd/s"
#: Those that say which pod a container is of, the first that is there.
GROUP_LABELS = ("io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id")


def start(arguments: Arguments) -> int:
    """Print the address; 0."""
    if not arguments.id:
        raise RungError("container id", "", "cannot be empty", "-id ID")
    given = read_input()
    parameters = read_parameters(given, arguments.id, arguments.namespace)
    bundle = posix.getcwd()
    path = socket_path(arguments, parameters, group(bundle, arguments.id))
    if not answers(path):
        events, cgroup = _events_address(parameters), _shim_cgroup(given, parameters)
        _begin(Keep(path, arguments.namespace, events, f"{bundle}/log", cgroup))
    address = f"unix://{path}"
    write_atomically(f"{bundle}/address", address.encode())
    posix.write(1, result(address, newer=parameters is not None))
    return 0


def group(bundle: str, container_id: str) -> str:
    """The pod's name, or the container's own."""
    annotations = read_config(bundle).get("annotations") or {}
    return next((annotations[label] for label in GROUP_LABELS if annotations.get(label)), container_id)


def socket_path(arguments: Arguments, parameters: BootstrapParams | None, name: str) -> str:
    """Short and the same for all of a pod: a hash, as a socket's path has 107 bytes."""
    directory = (parameters.socket_dir if parameters is not None else "") or SOCKETS
    address = arguments.address or (parameters.containerd_grpc_address if parameters is not None else "")
    digest = sha256(f"{address}/{arguments.namespace}/{name}".encode()).hexdigest()
    posix.makedirs(directory, 0o711, exist_ok=True)
    return f"{directory}/{digest}"


def _events_address(parameters: BootstrapParams | None) -> str:
    if parameters is not None and parameters.containerd_ttrpc_address:
        return parameters.containerd_ttrpc_address
    return posix.getenv("TTRPC_ADDRESS")


def _shim_cgroup(given: bytes, parameters: BootstrapParams | None) -> str:
    if parameters is None:
        return read_options(given).shim_cgroup
    for one in parameters.extensions:
        if one.value is not None and (cgroup := read_options(one.value.encode()).shim_cgroup):
            return cgroup
    return ""


def _begin(wanted: Keep) -> None:
    """Fork the shim, which listens already when its address is told."""
    try:
        posix.unlink(wanted.socket)  # a dead shim's
    except FileNotFoundError:
        pass
    listening = listen(wanted.socket)
    if posix.fork():
        posix.close(listening)
        return
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    for number in range(3):
        posix.dup2(null, number)  # containerd reads what was printed to its end, so as long as anybody has it open
    from rung.shim.keeper import keep, prepare  # most of a shim's start: it listens meanwhile

    keep(wanted, listening, prepare())
    posix._exit(0)
