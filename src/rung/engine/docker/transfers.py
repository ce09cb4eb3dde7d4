"""What comes from registries and goes there: ``/images/create``, ``/images/NAME/push``, ``/distribution``."""

from __future__ import annotations

from contextlib import contextmanager

from rung.engine.docker.answers import Answer, Streamed, document
from rung.engine.docker.call import cancellable
from rung.engine.docker.images import check_name, find, received
from rung.engine.docker.progress import answered, cancelling, follow
from rung.engine.docker.registries import insecure as may_be_plain
from rung.engine.docker.registry_auth import credentials_of
from rung.engine.errors import BadParameter, NotFound
from rung.engine.lifecycle.checks import platform_of
from rung.image import RegistryError
from rung.spec.errors import SpecError
from rung.spec.image import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine
    from rung.image import Cancellation
    from rung.spec.image import Platform


def table(engine: Engine) -> Table:
    """The endpoints of this file."""
    store = engine.store

    def insecure(name: str) -> bool:
        return may_be_plain(name, engine.settings.insecure_registries)

    @cancellable
    async def create(call: Call) -> Streamed:
        if call.query.get("fromSrc"):
            return await _import(engine, call)
        name, tag = call.query.get("fromImage", ""), call.query.get("tag", "")
        check_name(name, tag)
        platform_of(call.query.get("platform", ""))
        if tag:
            name += f"@{tag}" if ":" in tag else f":{tag}"
        given = credentials_of(call)
        platform = call.query.get("platform") or None

        def pull(progress: Any, cancellation: Cancellation) -> str:
            before = store.find(name)
            with _missing(f"manifest for {Reference.parse(name).familiar} not found: "):
                how: dict[str, Any] = {"insecure": insecure(name), "credentials": given}
                image = store.pull(name, platform, progress, cancellation=cancellation, **how)
            engine.tell_later("image", "pull", image.name, {"name": image.name.partition(":")[0]})
            same = before is not None and before.id == image.id
            status = "Image is up to date" if same else "Downloaded newer image"
            return f"Digest: {image.digest}\nStatus: {status} for {image.name}"

        return await follow(engine, f"pulls from {domain_of(name)}", lambda say, end: pull(answered(say), end))

    @cancellable
    async def push(call: Call) -> Streamed:
        name, tag = call.words["image"], call.query.get("tag", "")
        if not call.request.get("x-registry-auth"):
            said = "invalid X-Registry-Auth header: EOF"
            raise BadParameter(f"bad parameters and missing X-Registry-Auth: {said}")
        names = [find(engine, f"{name}:{tag}").name] if tag else await engine.threads.own(_all_tags, engine, name)
        given = credentials_of(call)
        platform = call.query.get("platform") or None

        def push_it(progress: Any, cancellation: Cancellation) -> str:
            for one in names:
                how: dict[str, Any] = {"insecure": insecure(one), "credentials": given}
                store.push(one, progress, platform, cancellation=cancellation, **how)
                engine.tell_later("image", "push", one, {"name": one.partition(":")[0]})
            return ""

        return await follow(engine, f"pushes to {domain_of(name)}", push_it)

    @cancellable
    async def distribution(call: Call) -> Answer:
        from rung.image import describe_remote

        name = call.words["image"]
        check_name(name)
        how: dict[str, Any] = {"insecure": insecure(name), "credentials": credentials_of(call)}
        with _missing(), cancelling() as cancellation:
            subject = f"requests to {domain_of(name)}"
            descriptor, platforms = await engine.threads.apart(
                subject, lambda: describe_remote(name, cancellation=cancellation, **how)
            )
        at = {"mediaType": descriptor.media_type, "digest": str(descriptor.digest), "size": descriptor.size}
        return document({"Descriptor": at, "Platforms": [_platform(one) for one in platforms]})

    return {
        "POST /images/create": create,
        "POST /images/{image}/push": push,
        "GET /distribution/{image}/json": distribution,
    }


def domain_of(name: str) -> str:
    """The registry that an image's name leads to; the name itself where it is none (the transfer then says so)."""
    try:
        return Reference.parse(name).domain
    except SpecError:
        return name


@contextmanager
def _missing(before: str = "") -> Iterator[None]:
    """What a registry does not have is a 404 of ours, too: clients look at the status, and at these words."""
    try:
        yield
    except RegistryError as error:
        if error.status != 404:
            raise
        raise NotFound(f"{before}manifest unknown: {error.reason}") from None


def _all_tags(engine: Engine, name: str) -> list[str]:
    """The names to push where a request says no tag: all of that repository (``docker push --all-tags``), or the one
    that ``name`` is already. Raises ``NotFound``."""
    check_name(name)
    asked = Reference.parse(name)
    if name.rpartition("/")[2].partition(":")[1]:
        return [find(engine, name).name]
    tags = [tag for one in engine.store.summaries({}) for tag in one.repo_tags]
    names = sorted(tag for tag in tags if tag.rpartition(":")[0] == asked.familiar_name)
    if not names:
        raise NotFound(f"An image does not exist locally with the tag: {asked.familiar_name}")
    return names


def _platform(one: Platform) -> dict[str, str]:
    found = {"architecture": one.architecture, "os": one.os, "os.version": one.os_version, "variant": one.variant}
    return {key: value for key, value in found.items() if value}


async def _import(engine: Engine, call: Call) -> Streamed:
    """``docker import``: a root file system's archive becomes an image of one layer."""
    source = call.query["fromSrc"]
    if source != "-":
        raise BadParameter("import from a URL is not done by the engine: fetch it, and import from standard input")
    archive = await received(engine, call)
    repository, tag = call.query.get("repo", ""), call.query.get("tag", "")
    name = f"{repository}:{tag}" if repository and tag else repository
    changes = call.all("changes")
    message = call.query.get("message") or "Imported from -"

    def import_it(_progress: Any, _cancellation: Cancellation) -> str:
        from rung.image import parse_changes

        with archive:
            image = engine.store.import_(
                archive, name, platform=call.query.get("platform") or None, comment=message, **parse_changes(changes)
            )
        engine.tell_later("image", "import", str(image.id), {"name": name or str(image.id)})
        return str(image.id)

    return await follow(engine, "imports of images", import_it)
