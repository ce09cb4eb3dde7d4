"""From words to ends: ``rung image copy FROM TO`` and ``rung push``."""

from __future__ import annotations

import os

from rung.image.errors import ImageNotFound
from rung.image.images.store import host_platform
from rung.image.sign.policy_file import find_policy
from rung.image.transfer import names
from rung.image.transfer.copy import copy
from rung.image.transfer.registry_end import RegistryDestination, RegistrySource
from rung.spec.image import Platform, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.image.images.store import Store
    from rung.image.progress import Progress
    from rung.image.transfer.ends import Destination, Source
    from rung.image.transfer.names import Place
    from rung.spec.image import Descriptor


def copy_image(
    source: str,
    destination: str,
    progress: Progress,
    *,
    open_store: Callable[[], Store],
    platform: str = "",
    everything: bool = False,
    referrers: bool = False,
    insecure: bool = False,
) -> Descriptor:
    """Copy from one place to another, both as ``transport:where``; what is there now.

    Of an index only the image for ``platform`` (this host's, where it is empty) is taken, or
    ``everything``. ``open_store`` is called where one of them is ``store:``."""
    wanted = Platform.parse(platform) if platform else host_platform()
    here, there = names.parse_place(source), names.parse_place(destination)
    begin = _source(here, open_store, insecure=insecure)
    try:
        _admit(here, begin)
        end = _destination(there, open_store, wanted, progress, insecure=insecure)
    except BaseException:
        begin.close()
        raise
    return copy(begin, end, progress, platform=None if everything else wanted, referrers=referrers)


def _admit(place: Place, source: Source) -> None:
    """Whether the policy of this machine lets the image out of where it is. Raises ``PolicyError``."""
    rules = find_policy()
    if rules is None or place.transport == names.STORE:
        return  # what is in the store was let in, and may not run against the policy
    from rung.image.sign.admission import Candidate, admit, no_signatures
    from rung.image.sign.attached import Repository

    if isinstance(source, RegistrySource):
        repository = Repository(source.reference, registry=source.registry)
        digests = (source.root()[0].digest,)
        candidate = Candidate(place.transport, place.where, digests, source.reference)
        admit(rules, candidate, repository.signatures)
        return
    path = os.path.realpath(place.where)
    admit(rules, Candidate(place.transport, place.where, (), path=path), no_signatures)


def _source(place: Place, open_store: Callable[[], Store], *, insecure: bool) -> Source:
    if place.transport == names.REGISTRY:
        return RegistrySource(Reference.parse(place.where), insecure=insecure)
    if place.transport == names.STORE:
        from rung.image.transfer.store_end import StoreSource

        store = open_store()
        image = store.find(place.where)
        if image is None:
            raise ImageNotFound(place.where)
        return StoreSource(store.content, image.row)
    if place.transport == names.LAYOUT:
        from rung.image.transfer.layout_end import LayoutSource

        return LayoutSource(place.where, place.ref)
    if place.transport == names.DIRECTORY:
        from rung.image.transfer.directory_end import DirectorySource

        return DirectorySource(place.where)
    from rung.image.transfer.archive_end import ArchiveSource

    return ArchiveSource(place.where, place.ref)


def _destination(
    place: Place, open_store: Callable[[], Store], platform: Platform, progress: Progress, *, insecure: bool
) -> Destination:
    if place.transport == names.REGISTRY:
        return RegistryDestination(Reference.parse(place.where), insecure=insecure)
    if place.transport == names.STORE:
        from rung.image.transfer.store_end import StoreDestination

        return StoreDestination(open_store().content, Reference.parse(place.where), platform, progress)
    if place.transport == names.LAYOUT:
        from rung.image.transfer.layout_end import LayoutDestination

        return LayoutDestination(place.where, place.ref)
    if place.transport == names.DIRECTORY:
        from rung.image.transfer.directory_end import DirectoryDestination

        return DirectoryDestination(place.where)
    from rung.image.transfer.archive_end import ArchiveDestination

    return ArchiveDestination(place.where, place.ref, docker=place.transport == names.DOCKER_ARCHIVE)
