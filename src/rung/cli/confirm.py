"""Asking before something is lost."""

from __future__ import annotations

import sys


def confirmed(warning: str) -> bool:
    """Whether the person says yes, in docker's words; anything else, and no answer, is no."""
    print(f"{warning}\nAre you sure you want to continue? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "y"
