"""Start: from a record to a workload that runs.

mount the root, write the configuration, fork a shim, create the task, connect its network, hand it its early
clients, start it. Each step registers how it is undone.
"""

from __future__ import annotations

import asyncio
import os

from rung import jsonc
from rung.engine import cgroups, states, subpaths
from rung.engine.container import Container
from rung.engine.document.devices import Device, all_of_host, of_host
from rung.engine.document.mounts import Mounted
from rung.engine.document.namespaces import shared_container
from rung.engine.document.process import Identity
from rung.engine.document.whole import Found, document
from rung.engine.errors import BadParameter, Conflict, EngineError, NotModified
from rung.engine.lifecycle.exits import abandon, follow
from rung.engine.log_options import attributes, log_of
from rung.engine.network import files as network_files
from rung.engine.running import Running
from rung.engine.runtimes import runtime_program
from rung.engine.shims.client import Client, ShimRefused, connect
from rung.engine.users import identity
from rung.errors import RungError
from rung.kernel import mount as kernel
from rung.shim import Keep
from rung.trace.spans import about, context, step
from rung.undo import Undo

SHM_BYTES = 64 << 20
#: How long a volume's file system may take to be mounted, or to show a file.
VOLUME_S = 60.0
_NOSUID_NODEV_NOEXEC = 2 | 4 | 8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.engine import Engine


async def start(engine: Engine, container: Container, checkpoint: str = "") -> None:
    """``checkpoint``: the directory of one that it goes on from. Raises ``NotModified`` where it runs already."""
    about(container.id)
    async with container.lock:
        if container.state.status == states.PAUSED:
            raise Conflict("cannot start a paused container, try unpause instead")
        if container.state.running:
            raise NotModified("")
        await run(engine, container, checkpoint)


async def run(engine: Engine, container: Container, checkpoint: str = "") -> None:
    """Begin a run of a container that has none; its lock is held."""
    state = container.state
    if state.status in (states.REMOVING, states.DEAD):
        raise Conflict("container is marked for removal and cannot be started")
    try:
        with engine.counts.timed("start"):
            running = await _run(engine, container, checkpoint)
    except (RungError, OSError) as error:
        state.error = str(error)
        state.exit_code = exit_code_of(str(error))
        state.finished_ns = 0
        container.become(states.CREATED if state.status == states.CREATED else states.EXITED)
        engine.containers.note(container)
        await engine.joins(container.id, "")
        if container.auto_remove:
            from rung.engine.lifecycle.remove import remove

            engine.later(remove(engine, container), f"removing {container.short_id}")
        raise
    engine.events.tell("container", "start", container.id, container.attributes())
    engine.later(follow(engine, container, running), f"following {container.short_id}")
    watch_health(engine, container)


def watch_health(engine: Engine, container: Container) -> None:
    """Begin its health checks, if it has any."""
    from rung.engine.health import check_of, watch

    check = check_of(container)
    container.state.health = None
    if check is not None:
        engine.later(watch(engine, container, check), f"health of {container.short_id}")


def exit_code_of(said: str) -> int:
    """As docker: a program that is not there is 127, one that cannot be executed 126, all else 128."""
    lowered = said.lower()
    if "no such file or directory" in lowered or "not found in $path" in lowered or "not found" in lowered:
        return 127
    if "permission denied" in lowered or "is a directory" in lowered or "exec format" in lowered:
        return 126
    return 128


async def _run(engine: Engine, container: Container, checkpoint: str) -> Running:
    with Undo() as undo:
        # It begins while its container's root is mounted and the configuration is written.
        beginning = asyncio.create_task(_begin_shim(engine, container))
        try:
            await _prepare(engine, container, undo)
            running = await beginning
            undo.push(running.client.close)
            await _make_and_start(engine, container, running.client, checkpoint, undo)
        except BaseException:
            (begun,) = await asyncio.gather(beginning, return_exceptions=True)
            await abandon(engine, container, begun if isinstance(begun, Running) else None)
            raise
        engine.running[container.id] = running
        undo.keep()
    return running


async def _make_and_start(
    engine: Engine, container: Container, client: Client, checkpoint: str, undo: Undo
) -> None:
    from time import time_ns

    created = await _asked_of_runtime(
        client,
        "Create",
        id=container.id,
        bundle=engine.places.bundle(container.id),
        terminal=container.terminal,
        stdout=streams_address(engine, container),
        options=_options(engine, container),
        checkpoint=checkpoint,
    )
    if checkpoint:  # there is no process, and no network, before it is restored
        await engine.joins(container.id, engine.places.attach(container.id))
        created = await _asked_of_runtime(client, "Start", id=container.id)
    with step("connect its networks", ", ".join(container.attached)):
        await engine.networks.connect(container, created.pid, undo)
    began = {"pid": created.pid, "started_ns": time_ns(), "exit_code": 0, "error": "", "finished_ns": 0}
    began |= {"oom_killed": False, "stopped_by_hand": False}
    if container.lease_until_start:
        undo.push(setattr, container, "lease", container.lease)
        container.lease = ""
    with step("write the record", container.name):  # before: an engine that is killed now finishes the start
        engine.containers.save_as(container, states.RUNNING, **began)
    if not checkpoint:
        await engine.joins(container.id, engine.places.attach(container.id))
        await _asked_of_runtime(client, "Start", id=container.id)
    container.state.__dict__.update(began)
    container.become(states.RUNNING)


async def _prepare(engine: Engine, container: Container, undo: Undo) -> None:
    """What the runtime needs: a root file system, and the configuration."""
    bundle = engine.places.bundle(container.id)
    with step("mount the root file system", f"{bundle}/rootfs", "image-spec: layer.md"):
        rootfs = await engine.threads.own(_mount, engine, container, undo)
    for one in container.mounts:
        if one["name"]:
            with step("mount the volume", one["name"]):
                await engine.volumes.mount(one["name"], deadline_s=VOLUME_S)
    with step("decide addresses, names and ports", container.network_mode):
        await engine.networks.attach(container, undo)
    with step("write the configuration", f"{bundle}/config.json", "config.md"):
        mounted = await _mounted(engine, container, undo)
        config = document(container, _look_up(engine, container, rootfs, mounted, undo))
        config["process"]["env"] += engine.networks.link_environment(container)
        if requests := container.host.get("DeviceRequests"):
            from rung.engine import cdi

            await engine.threads.own(cdi.add, config, requests, engine.settings.cdi_dirs)
        _write(f"{bundle}/config.json", config)


async def _begin_shim(engine: Engine, container: Container) -> Running:
    """A shim that has nothing to do yet, and the connection to it."""
    path = engine.places.shim(container.id)
    if container.id in engine.ending:  # it has that path
        await asyncio.wait([engine.ending[container.id]])
    with step("fork a shim", path):
        shim_pid = await engine.zygote.fork(_keep(engine, container, path))
        running = Running(await connect(path))
    running.shim_pid, running.trace = shim_pid, context()
    return running


def _keep(engine: Engine, container: Container, path: str) -> Keep:
    """What the shim is begun with. No events: the engine hears of each end from ``Wait``, and a shim that has something
    to tell stays until somebody listens."""
    log = f"{engine.places.bundle(container.id)}/shim.log"
    story = f"{engine.places.stories}/{container.id}"
    return Keep(path, "rung", log=log, story=story, trace=context(), worker=engine.places.workers)


async def _asked_of_runtime(client: Client, method: str, **fields: Any) -> Any:
    """A call whose error is the runtime's: in the words that Docker puts before those of its own."""
    try:
        return await client.call(method, **fields)
    except ShimRefused as error:
        said = "failed to create task for container: failed to create shim task: OCI runtime create failed"
        raise EngineError(f"{said}: {error}: unknown") from None


def _mount(engine: Engine, container: Container, undo: Undo) -> str:
    target = engine.shown.take(container)
    undo.push(engine.shown.give_back, container.id)
    return target


async def _mounted(engine: Engine, container: Container, undo: Undo) -> tuple[Mounted, ...]:
    """Its mounts. Parts of volumes are looked up in the volumes, which may be on any file system."""
    if not any(one.get("subpath") for one in container.mounts):
        return tuple(Mounted(**one) for one in container.mounts)
    subject = f"the volumes of container {container.name}"
    return await engine.threads.apart(
        subject, subpaths.mounted, engine.places, container, undo, deadline_s=VOLUME_S
    )


def _look_up(
    engine: Engine, container: Container, rootfs: str, mounted: tuple[Mounted, ...], undo: Undo
) -> Found:
    return Found(
        rootfs,
        who(container, rootfs),
        mounted=mounted,
        devices=tuple(_devices(container)),
        init=engine.init_program() if container.host.get("Init") else "",
        shm=_shm(engine, container, undo),
        joined=_joined(engine, container),
        ids=engine.ids(container),
        files=files(engine, container),
        cgroup=cgroups.path_of(engine, container),
    )


def _shm(engine: Engine, container: Container, undo: Undo) -> str:
    """The directory that is /dev/shm, where others are to see it too: this container's own, another's, the host's."""
    mode = str(container.host.get("IpcMode") or "private")
    if mode == "host":
        return "/dev/shm"
    if mode.startswith("container:"):
        other = engine.containers.get(mode.partition(":")[2])
        return "/dev/shm" if other.host.get("IpcMode") == "host" else f"{engine.places.bundle(other.id)}/shm"
    if mode != "shareable":
        return ""
    path = f"{engine.places.bundle(container.id)}/shm"
    os.makedirs(path, exist_ok=True)
    size = int(container.host.get("ShmSize") or SHM_BYTES)
    kernel.mount("shm", path, "tmpfs", _NOSUID_NODEV_NOEXEC, f"mode=1777,size={size}")
    undo.push(kernel.umount, path, kernel.MNT_DETACH)
    return path


def _devices(container: Container) -> list[Device]:
    if container.host.get("Privileged"):
        return all_of_host()
    found = []
    for one in container.host.get("Devices") or ():
        source = str(one.get("PathOnHost") or "")
        found += of_host(source, str(one.get("PathInContainer") or source), str(one.get("CgroupPermissions") or "rwm"))
    return found


def _joined(engine: Engine, container: Container) -> dict[str, str]:
    """Namespaces of other containers that this one is to be in. Raises ``EngineError``."""
    found = {}
    for kind, name in (("network", "net"), ("pid", "pid"), ("ipc", "ipc")):
        wanted = shared_container(container.host, kind)
        if wanted:
            other = engine.containers.get(wanted)
            if other.id not in engine.running:
                said = f"cannot join {kind} namespace of a non running container: container {other.name}"
                raise Conflict(f"{said} is not running")
            if kind == "ipc" and other.host.get("IpcMode") not in ("shareable", "host"):
                hint = "non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
                raise BadParameter(f"cannot join IPC namespace of container {other.id}: {hint}")
            found[kind] = f"/proc/{other.state.pid}/ns/{name}"
            if engine.ids(container) is not None:  # a namespace's user namespace has to come with it
                found["user"] = f"/proc/{other.state.pid}/ns/user"
    if engine.ids(container) is not None:
        found.setdefault("user", "")
    return found


def files(engine: Engine, container: Container) -> dict[str, str]:
    """``/etc/hosts`` and its like, written for a container: destination -> the engine's own file."""
    bundle, mode = engine.places.bundle(container.id), container.network_mode
    if mode.startswith("container:"):
        other = engine.containers.get(mode.partition(":")[2])
        return {f"/etc/{name}": f"{engine.places.bundle(other.id)}/{name}" for name in _FILES}
    hostname = str(container.config.get("Hostname") or "")
    domain = str(container.config.get("Domainname") or "")
    names = [f"{hostname}.{domain}", hostname] if domain else [hostname]
    ends = list(container.attached.values())
    own = [one for end in ends for one in (end["address"], end.get("address6")) if one]
    gateway = next((end["gateway"] for end in ends if end["gateway"]), "127.0.0.1")
    extra = [*(container.host.get("ExtraHosts") or ()), *engine.networks.link_hosts(container)]
    resolv = _read("/etc/resolv.conf")
    hosts = network_files.hosts(own, names, extra, gateway)
    if mode == "host":
        hosts = hosts if extra else _read("/etc/hosts")
    else:
        resolv = network_files.resolv_conf(resolv, container.host, own_names=engine.networks.has_names(container))
    content = {"hostname": f"{hostname}\n", "hosts": hosts, "resolv.conf": resolv}
    for name, text in content.items():
        with open(f"{bundle}/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{bundle}/{name}", 0o644)
        engine.give(container, f"{bundle}/{name}")
    return {f"/etc/{name}": f"{bundle}/{name}" for name in _FILES}


_FILES = ("resolv.conf", "hostname", "hosts")


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def who(container: Container, rootfs: str, user: str = "") -> Identity:
    """The numbers of a container's user, or of another one in it."""
    wanted = user or str(container.config.get("User") or "")
    extra = container.host.get("GroupAdd") or ()
    try:
        found = identity(rootfs, wanted or "0")
        groups = [identity(rootfs, f"{found.uid}:{group}").gid for group in extra]
    except EngineError:
        raise
    except Exception as error:
        raise BadParameter(str(error)) from error
    # The primary group is one of them as well (CVE-2022-36109): a file's "not this group" would not hold otherwise.
    return Identity(found.uid, found.gid, tuple(dict.fromkeys((found.gid, *found.groups, *groups))), found.home)


def _write(path: str, config: object) -> None:
    with open(path, "w") as file:
        file.write(jsonc.dumps(config))


def streams_address(engine: Engine, container: Container) -> str:
    """Where the shim keeps the streams: see ``shim/stdio/hub.py``."""
    words = []
    log = log_of(container.host)
    if log.files:
        words.append(f"log={engine.places.log(container.id)}&max-size={log.size_bytes}&max-file={log.files}")
        words += ["compress=1"] if log.compress else []
        if found := attributes(container):
            words.append(f"attrs={jsonc.dumps(found, compact=True).encode().hex()}")
    if container.config.get("OpenStdin"):
        words.append("stdin=once" if container.config.get("StdinOnce") else "stdin=open")
    return f"rung:{engine.places.attach(container.id)}?{'&'.join(words)}"


def _options(engine: Engine, container: Container) -> object:
    from rung.spec.shim.bootstrap import OPTIONS_NAME, Options
    from rung.spec.shim.common import Anything

    told = engine.settings.runtimes
    program = runtime_program(str(container.host.get("Runtime") or ""), told, engine.places.wrappers)
    given = Options(root=engine.places.runtime, binary_name=program)
    return Anything(type_url=OPTIONS_NAME, value=given.encode())
