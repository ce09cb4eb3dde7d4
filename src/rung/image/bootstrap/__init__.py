"""Base images without a registry: from a distribution's own signed package archive.

``bootstrap("debian:trixie")`` runs mmdebstrap and unpacks its tar while it is written;
``bootstrap("busybox")`` takes the static program of Debian's busybox-static package.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.spec.image import Platform, Reference

__all__ = ["bootstrap"]


def bootstrap(
    content: Content, name: str, reference: Reference, platform: Platform, progress: Progress, *, mirror: str = ""
) -> None:
    """Build the image that ``name`` means and store it as ``reference``."""
    if name.partition(":")[0] == "busybox":
        from rung.image.bootstrap.busybox import bootstrap_busybox

        bootstrap_busybox(content, reference, platform, progress)
    else:
        from rung.image.bootstrap.distribution import bootstrap_distribution

        bootstrap_distribution(content, name, reference, platform, progress, mirror)
