"""How a shim's program is asked to start, and what it answers: both forms.

Up to containerd 2.2 standard input holds the runtime's options (an ``Anything``) and the answer is an address or a
JSON document; from 2.3 on they are ``BootstrapParams`` and ``BootstrapResult``. Nothing on the wire says which it
is, so parameters are taken for such only where they name the container and namespace that the command line names, too.
containerd, api/runtime/bootstrap/v1/bootstrap.proto; core/runtime/v2/README.md.
"""

from __future__ import annotations

from rung import jsonc
from rung.spec.protobuf import BadMessage, Message, field
from rung.spec.shim.common import Anything

PROTOCOL = "ttrpc"
OPTIONS_NAME = "containerd.runc.v1.Options"


class Options(Message):
    """containerd.runc.v1.Options: what containerd's configuration says of the runtime."""

    no_pivot_root: bool = field(1)
    no_new_keyring: bool = field(2)
    shim_cgroup: str = field(3)
    io_uid: int = field(4)
    io_gid: int = field(5)
    binary_name: str = field(6)
    root: str = field(7)
    systemd_cgroup: bool = field(9)
    criu_image_path: str = field(10)
    criu_work_path: str = field(11)


class CheckpointOptions(Message):
    """containerd.runc.v1.CheckpointOptions."""

    exit: bool = field(1)
    open_tcp: bool = field(2)
    external_unix_sockets: bool = field(3)
    terminal: bool = field(4)
    file_locks: bool = field(5)
    empty_namespaces: list[str] = field(6)
    cgroups_mode: str = field(7)
    image_path: str = field(8)
    work_path: str = field(9)


class Extension(Message):
    value: Anything | None = field(1, Anything)


class BootstrapParams(Message):
    instance_id: str = field(1)
    namespace: str = field(2)
    log_level: int = field(3)
    containerd_version: str = field(4)
    containerd_ttrpc_address: str = field(5)
    containerd_grpc_address: str = field(6)
    containerd_binary: str = field(7)
    extensions: list[Extension] = field(8, Extension)
    socket_dir: str = field(9)


class BootstrapResult(Message):
    version: int = field(1)
    address: str = field(2)
    protocol: str = field(3)


class RuntimeVersion(Message):
    version: str = field(1)
    revision: str = field(2)


class RuntimeInfo(Message):
    """The answer to ``-info``."""

    name: str = field(1)
    version: RuntimeVersion | None = field(2, RuntimeVersion)
    options: Anything | None = field(3, Anything)
    features: Anything | None = field(4, Anything)
    annotations: dict[str, str] = field(5)


def read_parameters(data: bytes, container_id: str, namespace: str) -> BootstrapParams | None:
    """What standard input holds, if it is the newer form."""
    try:
        found = BootstrapParams.decode(data)
    except (BadMessage, UnicodeDecodeError):
        return None
    return found if (found.instance_id, found.namespace) == (container_id, namespace) else None


def read_options(data: bytes) -> Options:
    """The runtime's options in the older form; defaults where there are none or they are another runtime's."""
    try:
        found = Anything.decode(data)
        return Options.decode(found.value) if found.type_url.endswith(OPTIONS_NAME) else Options()
    except (BadMessage, UnicodeDecodeError):
        return Options()


def result(address: str, *, newer: bool) -> bytes:
    """What ``start`` prints. A version over 2 is refused by containerd 1.7, and a bare address is version 2 to all."""
    if newer:
        return BootstrapResult(version=3, address=address, protocol=PROTOCOL).encode()
    return jsonc.dumps({"version": 2, "address": address, "protocol": PROTOCOL}).encode()
