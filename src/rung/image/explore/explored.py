"""``explore_image``: an image's analysis, and the forms it is shown in.

    explored = explore_image(store, "debian:trixie")
    explored.analysis.wasted_bytes
    print(explored.text())

Rule: each form is a pure function of the analysis in a module of its own, loaded when asked for.
"""

from __future__ import annotations

from rung.image.explore.analysis import analyse
from rung.image.layer.listing import layers_of, list_layers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.explore.analysis import Analysis
    from rung.image.explore.rules import Rules, Verdict
    from rung.image.images.image import Image
    from rung.image.images.store import Store


class Explored:
    """One image, looked into."""

    def __init__(self, image: Image, analysis: Analysis) -> None:
        self.name = image.name
        self.id = str(image.id)
        self.analysis = analysis

    def text(self, *, rows: int = 20) -> str:
        """For people, in a pipe: layers, then the ``rows`` largest wastes."""
        from rung.image.explore.text import text

        return text(self.name, self.id, self.analysis, rows)

    def document(self) -> dict[str, Any]:
        """dive's JSON export, with what Rung knows besides."""
        from rung.image.explore.document import document

        return document(self.name, self.id, self.analysis)

    def html(self) -> str:
        """One page that needs nothing else, with a picture of the files as a treemap."""
        from rung.image.explore.html import html

        return html(self.name, self.id, self.analysis)

    def judge(self, rules: Rules) -> Verdict:
        """Whether the image keeps dive's rules."""
        return rules.judge(self.analysis)

    def browse(self) -> None:
        """A browser on the terminal; returns when its user leaves it."""
        from rung.image.explore.browser.terminal import browse

        browse(self.name, self.analysis)


def explore_image(store: Store, name: str) -> Explored:
    """Read the layers of an image in the store. Raises ``ImageNotFound``, ``LayerError``."""
    image = store.get(name)
    with store.content.metadata.lease(f"explore {image.id.short}") as lease:
        lease.hold([image.row.manifest])
        layers = layers_of(image.manifest, image.config)
        return Explored(image, analyse(layers, list_layers(store.content, layers)))
