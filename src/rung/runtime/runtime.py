"""The runtime as a library: containers under one root directory."""

from __future__ import annotations

from rung import posix
from rung.runtime.container import Container
from rung.runtime.state import Directory
from rung.trace import Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.runtime.checkpoint.options import RestoreOptions
    from rung.runtime.plan.request import Plan

DEFAULT_ROOT = "/run/rung/runtime"


def _unheard(_warning: str) -> None:
    """Warnings go nowhere unless the caller asks for them."""


class Runtime:
    """create, get and list containers. ``notes`` gets what is worth telling but no error.

    ``cgroup_manager``: ``cgroupfs``, ``systemd`` or ``disabled``; ``rootless`` None: decided from the
    caller's privileges."""

    def __init__(
        self,
        root: str = DEFAULT_ROOT,
        *,
        cgroup_manager: str = "cgroupfs",
        rootless: bool | None = None,
        notes: Callable[[str], None] = _unheard,
    ) -> None:
        self.cgroup_manager = cgroup_manager
        self.root = posix.abspath(root)
        self.rootless = rootless
        self._warn = notes

    def create(
        self, container_id: str, bundle: str, *, trace: Trace | None = None, **options: Any
    ) -> Container:
        """A new container that waits for ``start()``. ``options``: see ``CreateOptions``.

        ``trace`` gets the spans of what is done for it; given, the caller's own are in it too."""
        from rung.runtime.create import CreateOptions, create

        trace = trace or Trace()
        directory = Directory(self.root, container_id)
        container = Container(directory, trace, self._warn)
        with trace.span("create", container_id, "runtime.md#create"):
            given = CreateOptions(rootless=self.rootless, cgroup_manager=self.cgroup_manager, **options)
            create(directory, bundle, given, trace, self._warn)
        container.save_trace()
        return container

    def restore(
        self, container_id: str, bundle: str, options: RestoreOptions, *, trace: Trace | None = None
    ) -> Container:
        """A new container with the processes of a checkpoint; it runs."""
        from rung.runtime.checkpoint.restore import restore

        trace = trace or Trace()
        directory = Directory(self.root, container_id)
        container = Container(directory, trace, self._warn)
        with trace.span("restore", container_id):
            restore(directory, bundle, options.replace(cgroup_manager=self.cgroup_manager), trace)
        container.save_trace()
        return container

    def get(self, container_id: str) -> Container:
        """A container that exists. Raises ``ContainerNotFound``."""
        directory = Directory(self.root, container_id)
        if not posix.isdir(directory.path):
            raise directory.missing()
        return Container(directory, Trace(), self._warn)

    def ids(self) -> list[str]:
        """The ids of all containers, sorted."""
        try:
            return sorted(entry.name for entry in posix.scandir(self.root) if entry.is_dir())
        except FileNotFoundError:
            return []

    def plan(self, bundle: str, container_id: str = "container") -> Plan:
        """What create would do for a bundle, without doing it."""
        from rung.runtime import cgroup, privilege
        from rung.runtime.bundle import read_bundle
        from rung.runtime.create import seccomp_program
        from rung.runtime.plan.compile import compile_container
        from rung.runtime.plan.request import Request, get

        path, _, config = read_bundle(bundle)
        hosts = cgroup.hierarchies()
        wanted = get(config, "linux", "cgroupsPath")
        paths, unit = cgroup.place(self.cgroup_manager, hosts, wanted, container_id, config.get("annotations"))
        program, flags = seccomp_program(config)
        return compile_container(
            Request(
                container_id,
                path,
                config,
                paths,
                hosts.mode,
                program,
                flags,
                caller=privilege.caller(),
                cgroup_top=hosts.v2 if hosts.mode == "v2" else "",
                in_unit=bool(unit),
            )
        )
