"""Images: committed, tagged, saved, loaded, exported, imported, pulled, removed, pruned."""

from __future__ import annotations

from contextlib import suppress

from engineparts import IMAGE
from rung.client import ApiError, Client, NotFound
from soak.kills import kill_client
from soak.session import Away, Refused, Session
from soak.volumes import clear_containers

KILLED_WITHIN_S = 0.5


def change(session: Session) -> None:
    """A container's changes as an image, through an archive and back; run from it."""
    name = session.new_name()
    tags = [f"{name}:one", f"{name}:two", f"{name}:imported"]
    archive, files = session.subject.tmp / f"{name}.tar", session.subject.tmp / f"{name}-files.tar"
    labelled = ["--network", "none", "--label", f"soak={session.name}"]
    try:
        with suppress(Refused, Away):
            session.command("run", "run", *labelled, "--name", name, IMAGE, "sh", "-c", f"echo {name} > /tmp/mark")
            session.record.live()
            session.command("commit", "commit", name, tags[0])
            session.do("tag", lambda: session.client.images.get(tags[0]).tag(name, "two"))
            session.command("save", "save", "-o", str(archive), tags[0], tags[1])
            session.command("rmi", "rmi", tags[0], tags[1])
            if session.chance.random() < 0.5:
                _kill_load(session, str(archive))
            session.command("load", "load", "-i", str(archive))
            _run_from(session, tags[1], name)
            session.command("export", "export", "-o", str(files), name)
            session.command("import", "import", str(files), tags[2])
            _run_from(session, tags[2], name)
            session.do("history", lambda: session.client.images.get(tags[1]).history())
            session.command("images", "images")
            session.do("system df", session.client.df)
    finally:
        archive.unlink(missing_ok=True)
        files.unlink(missing_ok=True)
    clear_containers(session)
    _remove(session, tags)
    with suppress(Refused, Away):
        session.do("image prune", lambda: session.client.images.prune({"dangling": ["true"]}))


def _run_from(session: Session, tag: str, name: str) -> None:
    life, _, out = session.run_rm(["--network", "none"], tag, "cat", "/tmp/mark")
    if out != f"{name}\n" and not session.record.disturbed(session.began, life.id):
        session.record.fault(f"image {tag} has {out!r}")


def _kill_load(session: Session, archive: str) -> None:
    """A client that is killed while it loads."""
    session.record.count("killed rung load")
    with session.spawn("load", "-i", archive) as process:
        session.over.wait(session.chance.random() * KILLED_WITHIN_S)
        kill_client(session.record, process.pid)
        process.communicate()


def _remove(session: Session, tags: list[str]) -> None:
    def remove(client: Client) -> None:
        for tag in tags:
            with suppress(NotFound):
                client.images.remove(tag, force=True)

    session.record.count("rmi")
    try:
        session.subject.persist(remove)
    except ApiError as error:
        session.record.fault(f"images {tags} cannot be removed: {error}")
