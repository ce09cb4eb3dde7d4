"""nftables in the kernel, through its own library (libnftables, nft(8)): a transaction a call, no program started."""

from __future__ import annotations

import threading

from rung.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIBRARY = "libnftables.so.1"
_turn = threading.Lock()
_library: Any = None


def _load() -> Any:
    global _library
    if _library is None:
        from ctypes import CDLL, c_char_p, c_int, c_uint32, c_void_p

        try:
            found = CDLL(_LIBRARY)
        except OSError:
            raise EngineError(f"{_LIBRARY} is missing: bridge networks need it: apt-get install nftables") from None
        found.nft_ctx_new.restype, found.nft_ctx_new.argtypes = c_void_p, [c_uint32]
        found.nft_ctx_free.argtypes = [c_void_p]
        found.nft_ctx_buffer_error.argtypes = [c_void_p]
        found.nft_ctx_buffer_output.argtypes = [c_void_p]
        found.nft_ctx_get_error_buffer.restype, found.nft_ctx_get_error_buffer.argtypes = c_char_p, [c_void_p]
        found.nft_run_cmd_from_buffer.restype = c_int
        found.nft_run_cmd_from_buffer.argtypes = [c_void_p, c_char_p]
        _library = found
    return _library


def apply(commands: str) -> None:
    """All of the commands, or none. Raises ``EngineError`` with nft's own words."""
    library = _load()
    with _turn:
        context = library.nft_ctx_new(0)
        try:
            library.nft_ctx_buffer_error(context)
            library.nft_ctx_buffer_output(context)
            if library.nft_run_cmd_from_buffer(context, commands.encode()):
                said = library.nft_ctx_get_error_buffer(context).decode("utf-8", "replace").strip()
                raise EngineError(f"nftables: {said.splitlines()[0] if said else 'refused'}")
        finally:
            library.nft_ctx_free(context)
