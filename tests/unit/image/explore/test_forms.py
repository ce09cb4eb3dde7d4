"""Text, JSON and the page: what they show, and that names of strangers cannot write into them."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from imageparts import archive, directory, entry, symlink
from rung.image.explore.analysis import Analysis, analyse
from rung.image.explore.document import document
from rung.image.explore.html import html
from rung.image.explore.text import short_command, text
from rung.image.explore.tree import stacked
from rung.image.explore.treemap import cells, squarify
from rung.image.layer.listing import Layer, list_files
from rung.spec.image import Digest

ANY = Digest.of(b"")
NASTY = '<script>"&\udcff\x1b'
BASE = archive(
    directory("bin", mode=0o1777), entry("bin/big", b"b" * 9000, mode=0o4755), symlink("bin/l", "big"), entry(NASTY, b"n" * 800)
)
UPPER = archive(entry("bin/big", b"c" * 100), entry(f".wh.{NASTY}"), entry("bin/.wh..wh..opq"))


def analysed(*tars: bytes) -> Analysis:
    layers = [Layer(i, ANY, ANY, len(tar), f"/bin/sh -c step  {i}", "") for i, tar in enumerate(tars)]
    return analyse(layers, [list_files(io.BytesIO(tar).read) for tar in tars])


def test_text() -> None:
    lines = text("some:1", "sha256:" + "ab" * 32, analysed(BASE, UPPER), 1).splitlines()
    assert lines[0] == "Image:      some:1 (abababababab)"
    assert lines[1] == "Size:       9.9 kB in 2 layers"
    assert lines[3] == "Wasted:     9.8 kB in 2 paths"
    assert lines[7].split() == ["1", "100", "B", "1", "0", "3", "9.8", "kB", "step", "1"]
    assert lines[-2].split() == ["9.0", "kB", "1", "1", "/bin/big", "(removed)"]
    assert lines[-1].strip() == "800 B  in 1 more paths (--json has all)"
    assert "".join(lines).isprintable()


def test_a_long_command_is_cut() -> None:
    assert short_command("/bin/sh -c #(nop)  CMD [\n\t'x']") == "CMD [ 'x']"
    assert short_command("y" * 100, 10) == "yyyyyyy..."


def test_json_has_dives_keys() -> None:
    value = json.loads(json.dumps(document("some:1", "sha256:1", analysed(BASE, UPPER))))
    assert set(value["image"]) >= {"sizeBytes", "inefficientBytes", "efficiencyScore", "fileReference"}
    layer = value["layer"][0]
    assert set(layer) >= {"index", "id", "digestId", "sizeBytes", "command", "fileList"}
    files = {file["path"]: file for file in layer["fileList"]}
    assert files["bin"] == {
        "path": "bin", "typeFlag": 53, "linkName": "", "size": 0, "fileMode": 1 << 31 | 1 << 20 | 0o777,
        "uid": 0, "gid": 0, "isDir": True,
    }  # fmt: skip
    assert files["bin/big"]["fileMode"] == 1 << 23 | 0o755
    assert files["bin/l"]["linkName"] == "big"
    assert [file["path"] for file in value["layer"][1]["fileList"]] == [
        "bin/big", '.wh.<script>"&\\udcff\x1b', "bin/.wh..wh..opq",
    ]  # fmt: skip
    assert value["image"]["wastedBytes"] == 9800


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    page = html("some:1", "sha256:1", analysed(BASE, UPPER))
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.tags
    assert not {"link", "img", "iframe"} & set(tags.tags)
    assert "http" not in page
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    rects = ElementTree.fromstring(svg).findall("rect")
    assert [rect[0].text for rect in rects] == ["/bin: 100 B", "/bin/big: 100 B, layer 1"]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60), st.floats(1, 2000), st.floats(1, 2000))
@settings(max_examples=60, deadline=None)
def test_rectangles_fill_the_box_in_proportion(sizes: list[int], width: float, height: float) -> None:
    sizes.sort(reverse=True)
    boxes = squarify(sizes, (3.0, 4.0, width, height))
    area = width * height
    for size, (x, y, w, h) in zip(sizes, boxes):
        assert abs(w * h - size * area / sum(sizes)) <= area * 1e-6
        assert x >= 3 - 1e-6 * width and y >= 4 - 1e-6 * height
        assert x + w <= 3 + width * (1 + 1e-6) and y + h <= 4 + height * (1 + 1e-6)


def test_what_is_too_small_is_drawn_together() -> None:
    members = [entry("d/large", b"x" * 100_000), *(entry(f"d/small{i}", b"x") for i in range(50))]
    root = stacked([list_files(io.BytesIO(archive(*members)).read)])
    found = {(cell.path, cell.layer): cell for cell in cells(root, 300, 300)}
    assert found[b"d", -2].count == 50
    assert found[b"d", -2].size_bytes == 50
    assert found[b"d", -1].size_bytes == 100_050
    assert (b"d/small1", 0) not in found


def test_a_deep_tree_is_drawn() -> None:
    root = stacked([list_files(io.BytesIO(archive(entry("d/" * 1500 + "f", b"x" * 1000))).read)])
    assert sum(1 for _ in cells(root, 1200, 700)) > 50
