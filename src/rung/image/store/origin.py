"""What a container's root file system is, kept beside its files: the database may be lost, these not."""

from __future__ import annotations

import os

from rung import jsonc
from rung.image.store.metadata import RootfsRow

_NAME = "origin.json"


def write_origin(directory: str, row: RootfsRow) -> None:
    """Leave word in a root file system's new directory."""
    value = {"driver": row.driver, "chain": row.chain, "manifest": row.manifest}
    with open(os.path.join(directory, _NAME), "x") as file:
        file.write(jsonc.dumps(value))


def read_origins(directory: str) -> list[RootfsRow]:
    """All root file systems below a directory, as far as they left word; where they are mounted is not known."""
    rows = []
    for name in sorted(os.listdir(directory)):
        try:
            with open(os.path.join(directory, name, _NAME), "rb") as file:
                value = jsonc.loads(file.read())
            rows.append(RootfsRow(name, str(value["driver"]), str(value["chain"]), str(value["manifest"]), ""))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # one that was being made, or from before this was written
    return [row for row in rows if not row.id.startswith(".")]
