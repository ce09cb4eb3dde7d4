"""An exploration as a JSON value: dive's export (``layer``, ``image``), and more keys of our own.

dive's keys keep dive's meaning (``inefficientBytes``, ``fileReference``); ours beside them say
what could be saved (``wastedBytes``, ``wastedFiles``) and what each layer did.
"""

from __future__ import annotations

from os import fsdecode

from rung.image.layer.listing import OPAQUE, PLAIN, WHITEOUT, File
from rung.image.layer.tar import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.explore.analysis import Analysis, LayerReport

#: Go's os.FileMode: the bits above the permissions.
_GO_MODE = {b"5": 1 << 31, b"2": 1 << 27, b"4": 1 << 26, b"3": 1 << 26 | 1 << 21, b"6": 1 << 25}
_GO_SPECIAL = {0o4000: 1 << 23, 0o2000: 1 << 22, 0o1000: 1 << 20}


def document(name: str, id: str, analysis: Analysis) -> dict[str, Any]:
    """The whole analysis."""
    return {
        "layer": [_layer(report, files) for report, files in zip(analysis.layers, analysis.listings)],
        "image": {
            "name": name,
            "id": id,
            "sizeBytes": analysis.size_bytes,
            "inefficientBytes": analysis.inefficient_bytes,
            "efficiencyScore": analysis.efficiency,
            "userWastedPercent": analysis.user_wasted_percent,
            "wastedBytes": analysis.wasted_bytes,
            "fileReference": [
                {"count": one.count, "sizeBytes": one.size_bytes, "file": "/" + printable(one.path)}
                for one in analysis.inefficient
            ],
            "wastedFiles": [
                {
                    "file": "/" + printable(one.path),
                    "sizeBytes": one.size_bytes,
                    "layers": list(one.layers),
                    "removed": one.removed,
                }
                for one in analysis.wasted
            ],
        },
    }


def printable(path: bytes) -> str:
    """A path as text that JSON can carry; what is no UTF-8 is escaped."""
    return fsdecode(path).encode("utf-8", "backslashreplace").decode()


def _layer(report: LayerReport, files: Any) -> dict[str, Any]:
    layer = report.layer
    return {
        "index": layer.index,
        "id": layer.diff_id.hex,
        "digestId": str(layer.diff_id),
        "digest": str(layer.digest),
        "sizeBytes": report.size_bytes,
        "compressedBytes": layer.compressed_bytes,
        "command": layer.command,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "hiddenBytes": report.hidden_bytes,
        "fileList": [_file(file) for file in files],
    }


def _file(file: File) -> dict[str, Any]:
    mode = file.mode & 0o777 | _GO_MODE.get(file.type, 0)
    for bit, go_bit in _GO_SPECIAL.items():
        mode |= go_bit if file.mode & bit else 0
    return {
        "path": _archive_name(file),
        "typeFlag": file.type[0],
        "linkName": printable(file.link),
        "size": file.size,
        "fileMode": mode,
        "uid": file.uid,
        "gid": file.gid,
        "isDir": file.kind == PLAIN and file.type == DIRECTORY,
    }


def _archive_name(file: File) -> str:
    if file.kind == OPAQUE:
        return printable(file.path + b"/.wh..wh..opq").lstrip("/")
    if file.kind == WHITEOUT:
        directory, slash, name = file.path.rpartition(b"/")
        return printable(directory + slash + b".wh." + name)
    return printable(file.path)
