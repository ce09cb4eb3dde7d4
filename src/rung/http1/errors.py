"""What a peer sent that is not HTTP, or not in a form that is safe to act on."""

from __future__ import annotations

from rung.errors import RungError


class Malformed(RungError):
    """``status`` is what a server answers, if it answers at all."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__("request", "", reason)
        self.status = status
