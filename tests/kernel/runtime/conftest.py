"""The bed: see tests/kernel/runtime/bed.py."""

from kernel.runtime.fixture import _sealed, bed

__all__ = ["_sealed", "bed"]
