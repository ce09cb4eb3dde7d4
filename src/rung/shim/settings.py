"""From containerd's options to the runtime's settings, and remembering them in the bundle.

``delete`` is a process of its own that is told no options: what create used lies in the bundle as ``rung-shim.json``.
"""

from __future__ import annotations

from rung import jsonc, posix
from rung.errors import RungError
from rung.files import read_file, write_atomically
from rung.shim.runtimes import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.shim.bootstrap import Options

DEFAULT_ROOT = "/run/containerd/rung"
FILE = "rung-shim.json"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def settings(options: Options, namespace: str, bundle: str = "", listens: str = "", worker: str = "") -> Settings:
    """What a task's options mean; each namespace has its own root, as with runc's shim. ``listens``: our own socket;
    ``worker``: where workers are asked for."""
    program = "" if options.binary_name.rpartition("/")[2] in ("", "rung-runtime") else _found(options.binary_name)
    root = options.root or DEFAULT_ROOT
    return Settings(
        root=f"{root}/{namespace}",
        systemd_cgroup=options.systemd_cgroup,
        no_pivot=options.no_pivot_root,
        no_new_keyring=options.no_new_keyring,
        program=program,
        bundle=bundle,
        listens=listens,
        worker=worker,
    )


def _found(name: str) -> str:
    if "/" in name:
        return name
    for directory in posix.getenv("PATH", _PATH).split(":"):
        if posix.access(f"{directory}/{name}", posix.X_OK):
            return f"{directory}/{name}"
    raise RungError("runtime", f'"{name}"', "is not in PATH", "install it, or give its path as BinaryName")


def remember(bundle: str, used: Settings) -> None:
    """Write it down for ``recall``."""
    write_atomically(f"{bundle}/{FILE}", jsonc.dumps(used.__dict__).encode())


def recall(bundle: str) -> Settings | None:
    """What create used; None where it did not come so far."""
    try:
        return Settings(**jsonc.loads(read_file(f"{bundle}/{FILE}")))
    except (OSError, ValueError, TypeError):
        return None
