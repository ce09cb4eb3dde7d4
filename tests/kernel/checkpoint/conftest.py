"""The bed (see tests/kernel/runtime/bed.py), and on it a container that counts."""

from __future__ import annotations

import shutil

import pytest

from kernel.checkpoint.counter import Saved
from kernel.runtime.bed import Bed
from kernel.runtime.fixture import _sealed, bed

__all__ = ["_sealed", "bed", "saved"]


@pytest.fixture
def saved(bed: Bed) -> Saved:
    """Containers to be saved and restored."""
    if shutil.which("criu") is None:
        pytest.skip("no criu: apt-get install criu")
    return Saved(bed)
