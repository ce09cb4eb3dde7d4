"""The C library's heap of a process that stays for long and has threads.

By default glibc gives each thread an arena of its own, and lets the heap keep what was freed once something large has
been. Both are for programs whose threads allocate at the same time; Python's do so one after another.
"""

from __future__ import annotations

from rung.kernel.libc import library

# mallopt(3)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
#: More than is read at once where much is read: a mapping of its own for each block would be new memory each time.
_MMAP_THRESHOLD_BYTES = 256 << 10
_TRIM_THRESHOLD_BYTES = 64 << 10
_TOP_PAD_BYTES = 16 << 10


def keep_heap_small() -> None:
    """One arena for all threads, and free memory at the heap's end goes back. Nothing happens where the C library has
    no such setting (musl). Before the first thread."""
    try:
        set_option = library()["mallopt"]
    except AttributeError:
        return
    set_option(_M_ARENA_MAX, 1)
    set_option(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
    set_option(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
    set_option(_M_TOP_PAD, _TOP_PAD_BYTES)
