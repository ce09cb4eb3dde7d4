"""Create: a record, a root file system, and nothing that runs."""

from __future__ import annotations

import os

from rung.engine import log_options, remap
from rung.engine.asked_mounts import asked, bind_sources, make_sources
from rung.engine.container import Container
from rung.engine.document import process, security
from rung.engine.document.mounts import Mounted
from rung.engine.document.namespaces import has_cgroup_v2
from rung.engine.errors import BadParameter, NotFound
from rung.engine.files.copyup import fill
from rung.engine.lifecycle import checks
from rung.engine.runtimes import OWN, runtime_program
from rung.engine.sizes import size_bytes
from rung.image import ImageNotFound
from rung.trace.spans import about, step
from rung.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.engine.engine import Engine
    from rung.image import Image


#: How long a look at the paths that are to be bound may take.
SOURCES_S = 30.0
#: Images whose documents are kept in memory.
IMAGES_KNOWN = 64


async def create(
    engine: Engine, name: str, request: Mapping[str, Any], platform: str = "", owner: tuple[str, bool] | None = None
) -> tuple[Container, list[str]]:
    """A new container from a request in Docker's words, and warnings about it. ``owner``: the lease that it belongs to,
    and whether only until it starts."""
    config = {key: value for key, value in request.items() if key not in ("HostConfig", "NetworkingConfig")}
    host = dict(request.get("HostConfig") or {})
    endpoints = dict((request.get("NetworkingConfig") or {}).get("EndpointsConfig") or {})
    if config.get("Runtime") and not host.get("Runtime"):  # where docker-py has it; dockerd reads past it
        host["Runtime"] = str(config["Runtime"])
    config.pop("Runtime", None)
    unsaid(engine, host)
    dropped = discarded(host)
    adapt(host)
    wanted = checks.platform_of(platform)
    checks.check(config, host)
    if engine.remap is not None:
        remap.check(host)
    runtime_program(str(host.get("Runtime") or ""), engine.settings.runtimes)
    warnings = [*checks.warnings(config, host), *dropped]
    reference = str(config.get("Image") or "")
    image = await engine.threads.own(find_image, engine, reference) if reference else None
    if image is not None:
        checks.check_platform(image, wanted, reference)
    merged = merge(config, image.run_config if image is not None else {})
    process.words(merged)
    log_options.check(host)
    if image is None:
        raise BadParameter("no command specified: the request names no image")
    security.options(host)
    check_others(engine, host)
    container_id = os.urandom(32).hex()
    about(container_id)
    with Undo() as undo:
        name = engine.containers.reserve(name, container_id)
        undo.push(engine.containers.release, name, container_id)
        container = Container(container_id, name, str(image.id), reference, merged, host, endpoints)
        if owner is not None:
            container.lease, container.lease_until_start = owner
        merged["Hostname"] = _hostname(engine, merged, host, container.short_id)
        bundle = engine.places.bundle(container_id)
        os.mkdir(bundle, 0o710)  # first: by it is found, after a kill, what was being made (``reconcile.py``)
        engine.give(container, bundle, group_only=True)
        undo.push(os.rmdir, bundle)
        undo.push(engine.store.remove_rootfs, container_id)
        with step("make a snapshot of", reference, "image-spec: layer.md"):
            await engine.threads.own(_prepare, engine, image, container_id)
        if sources := bind_sources(host):
            subject = f"the paths that are bound by container {name}"
            await engine.threads.apart(subject, make_sources, sources, deadline_s=SOURCES_S)
        container.mounts = [one.__dict__ for one in asked(engine, container)]
        if any(one["kind"] == "volume" for one in container.mounts):
            with step("fill new volumes"):
                await engine.threads.apart(f"the volumes of container {name}", _fill_volumes, engine, container)
        with step("write the record", container.name):
            engine.containers.add(container)
        undo.keep()
    engine.events.tell("container", "create", container_id, container.attributes())
    return container, warnings


def adapt(host: dict[str, Any]) -> None:
    """What follows from what was said, as Docker shows it (``docker inspect``)."""
    if (host.get("Memory") or 0) > 0 and not host.get("MemorySwap"):
        host["MemorySwap"] = 2 * host["Memory"]


def unsaid(engine: Engine, host: dict[str, Any]) -> None:
    """What the daemon was told for containers that do not say themselves."""
    told = engine.settings
    if not host.get("Runtime") and told.default_runtime not in OWN:
        host["Runtime"] = told.default_runtime
    if not (host.get("LogConfig") or {}).get("Type"):
        given = (host.get("LogConfig") or {}).get("Config") or {}
        host["LogConfig"] = {"Type": told.log_driver, "Config": {**told.log_opts, **given}}
    for field, value in (("Dns", told.dns), ("DnsOptions", told.dns_opts), ("DnsSearch", told.dns_search)):
        if not host.get(field) and value:
            host[field] = list(value)
    if host.get("Init") is None and told.init:
        host["Init"] = True
    if told.no_new_privileges and not any("no-new-privileges" in one for one in host.get("SecurityOpt") or ()):
        host["SecurityOpt"] = [*(host.get("SecurityOpt") or ()), "no-new-privileges"]
    if told.shm_size and not host.get("ShmSize"):
        host["ShmSize"] = size_bytes(told.shm_size)


def discarded(host: dict[str, Any]) -> list[str]:
    """What this kernel does not have is left out, and said: as Docker does, which then runs the container."""
    said = []
    if host.get("BlkioWeight") and not has_cgroup_v2() and not os.path.exists("/sys/fs/cgroup/blkio/blkio.weight"):
        host["BlkioWeight"] = 0
        said.append(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded."
        )
    return said


def find_image(engine: Engine, reference: str) -> Image:
    """Raises ``NotFound`` in the words that make a client pull it."""
    try:
        found = engine.store.get(reference)
    except ImageNotFound:
        shown = reference if ":" in reference.rpartition("/")[2] or "@" in reference else f"{reference}:latest"
        raise NotFound(f"No such image: {shown}") from None
    known = engine.images_known
    if (before := known.get(reference)) is not None and before.row == found.row:
        return before  # its documents are read and checked already
    if len(known) >= IMAGES_KNOWN:
        known.clear()
    known[reference] = found
    return found


def merge(config: dict[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    """What was not said is as the image has it: image-spec conversion.md, in Docker's way."""
    merged = dict(config)
    if config.get("Entrypoint") is None:
        merged["Entrypoint"] = image.get("Entrypoint")
        if not config.get("Cmd"):
            merged["Cmd"] = image.get("Cmd")
    elif list(config["Entrypoint"]) in ([], [""]):
        merged["Entrypoint"] = None
    for name in ("User", "WorkingDir", "StopSignal", "Healthcheck", "Shell"):
        if not config.get(name) and image.get(name):
            merged[name] = image[name]
    given = {word.partition("=")[0] for word in config.get("Env") or ()}
    inherited = [word for word in image.get("Env") or () if word.partition("=")[0] not in given]
    merged["Env"] = [*(config.get("Env") or ()), *inherited]
    for name in ("ExposedPorts", "Volumes", "Labels"):
        if image.get(name):
            merged[name] = {**image[name], **(config.get(name) or {})}
    return merged


def _hostname(engine: Engine, config: Mapping[str, Any], host: Mapping[str, Any], short_id: str) -> str:
    mode = str(host.get("NetworkMode") or "")
    if mode.startswith("container:"):
        if config.get("Hostname"):
            raise BadParameter("conflicting options: hostname and the network mode")
        other = engine.containers.find(mode.partition(":")[2])  # it is needed when this one starts
        return str((other.config.get("Hostname") if other is not None else "") or short_id)
    if str(host.get("NetworkMode") or "") == "host" and not config.get("Hostname"):
        return os.uname().nodename
    return str(config.get("Hostname") or short_id)


def check_others(engine: Engine, host: Mapping[str, Any]) -> None:
    """Containers that are named in a request for another one. Raises ``BadParameter``."""
    for field in ("IpcMode", "PidMode"):
        word, _, name = str(host.get(field) or "").partition(":")
        if word == "container" and engine.containers.find(name) is None:
            raise BadParameter(f"No such container: {name}")
    for link in host.get("Links") or ():
        name = link.partition(":")[0].removeprefix("/")
        if not name:
            raise BadParameter('could not get container for : invalid name or ID supplied: ""')
        if engine.containers.find(name) is None:
            raise BadParameter(f"could not get container for {name}: No such container: {name}")


def _fill_volumes(engine: Engine, container: Container) -> None:
    """New volumes begin with what the image has there: its files are mounted for a moment."""
    rootfs, target = engine.store.rootfs(container.id), f"{engine.places.bundle(container.id)}/rootfs"
    assert rootfs is not None
    rootfs.mount(target, engine.owners(container))
    try:
        fill(target, [Mounted(**one) for one in container.mounts])
    finally:
        rootfs.unmount()
        os.rmdir(target)


def _prepare(engine: Engine, image: Image, container_id: str) -> None:
    engine.store.prepare_rootfs(image, container_id)
