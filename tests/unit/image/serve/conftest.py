from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serveparts import Served, folder_in_memory


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """pytest's, but in memory."""
    with folder_in_memory() as path:
        yield path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A registry that allows everything, empty."""
    with Served(tmp_path / "store") as made:
        yield made
