"""Putting right what can be put right from what is on the disk.

Rule: nothing that may be good is deleted. A damaged database is set aside and made anew from
``index.json`` (names), the manifests (what needs what), the directories of layers and of root
file systems; a blob with other bytes than its name says goes, and is fetched again by a pull.
"""

from __future__ import annotations

import os

from rung.errors import RungError
from rung.image.snapshot.chain import chain_ids
from rung.image.snapshot.tree import remove_tree
from rung.image.snapshot.usage import bytes_of
from rung.image.store.layout import REF_NAME, TARGET
from rung.image.store.origin import read_origins
from rung.image.store.salvage import salvage
from rung.image.store.verify import BLOB, DATABASE, INDEX, LAYER, ROOTFS, STRAY, Problem
from rung.spec.image import Descriptor, Digest, Index, Reference, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.image.content import Content
    from rung.image.store.transaction import Transaction
    from rung.spec.image import ImageConfig


def repair(content: Content, problems: Iterable[Problem]) -> None:
    """Do what can be done about what ``verify`` found; it is worth verifying again."""
    found = list(problems)
    if any(one.kind == DATABASE for one in found):
        _rebuild(content)
        return
    for one in found:
        if one.kind == BLOB and not one.image:
            content.blobs.remove(Digest.parse(one.object))
        elif one.kind == STRAY:
            os.unlink(os.path.join(content.blobs.directory, *one.object.split(":", 1)))
    doomed = []
    with content.metadata.transaction() as change:
        for one in found:
            if one.kind == LAYER:
                change.execute("DELETE FROM snapshot WHERE chain = ?", one.object)
                doomed.append(content.layers.discard(Digest.parse(one.object)))
            elif one.kind == ROOTFS:
                change.execute("DELETE FROM rootfs WHERE id = ?", one.object)
        if any(one.kind == INDEX for one in found):
            content.write_index()
    for path in filter(None, doomed):
        remove_tree(path)


def _rebuild(content: Content) -> None:
    content.metadata.close()
    path = content.metadata.path
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.rename(path + suffix, f"{path}.damaged{suffix}")
    with content.metadata.transaction() as change:
        for entry in _named(content):
            _take(content, change, entry)
        salvage(f"{path}.damaged", change)
        known = {str(row[0]) for row in change.execute("SELECT id FROM rootfs")}
        for row in read_origins(content.rootfs_directory):
            if row.id not in known:
                change.add_rootfs(row)
        content.write_index()


def _named(content: Content) -> list[Descriptor]:
    """What ``index.json`` names; nothing where it is lost as well."""
    try:
        with open(os.path.join(content.directory, "index.json"), "rb") as file:
            index = parse_manifest(file.read(), media.OCI_INDEX, "index.json")
    except (OSError, RungError):
        return []
    return list(index.manifests) if isinstance(index, Index) else []


def _take(content: Content, change: Transaction, entry: Descriptor) -> None:
    """One name, as far as its documents are whole."""
    annotations = dict(entry.annotations)
    try:
        manifest = content.manifest(entry.digest, entry.media_type)
        config = content.config(manifest)
        target = _target(content, annotations.get(TARGET, ""), entry)
        name = str(Reference.parse(annotations[REF_NAME])) if REF_NAME in annotations else ""
    except RungError:
        return
    size = _layers(content, change, config)
    content.record(change, target, entry, manifest, config, size)
    if name:
        change.set_image(name, str(target.digest), target.media_type, str(entry.digest))
    else:
        change.set_dangling(str(entry.digest), entry.media_type)


def _target(content: Content, text: str, entry: Descriptor) -> Descriptor:
    if not text or not content.blobs.has(Digest.parse(text)):
        return entry
    digest = Digest.parse(text)
    data = content.blobs.read(digest)
    return Descriptor(parse_manifest(data, "", text).media_type, digest, len(data))


def _layers(content: Content, change: Transaction, config: ImageConfig) -> int:
    """The unpacked layers of an image that are there, and their size together."""
    total, parent = 0, ""
    for chain, diff_id in zip(chain_ids(config.diff_ids), config.diff_ids):
        if not content.layers.form(chain):
            break
        known = change.execute("SELECT size FROM snapshot WHERE chain = ?", str(chain)).fetchone()
        size = int(known[0]) if known else bytes_of(content.layers.show(chain))
        if not known:
            change.add_snapshot(str(chain), parent, str(diff_id), size)
            change.layers_are_synced([str(chain)])  # nothing better is known of it
        total, parent = total + size, str(chain)
    return total
