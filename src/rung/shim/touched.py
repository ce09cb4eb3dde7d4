"""Pages that a shim writes to, copied before anybody waits for it.

A fork shares the zygote's memory until it writes. Each first write to a page costs two microseconds, a container's life
writes to a thousand pages, and they are nearly the same in every life. So a shim whose container runs notes
which ones it was given copies of, and those that are forked later are given them at once, while they wait to be needed.

Sources: the kernel's admin-guide/mm/pagemap.rst (one 64-bit word a page: bit 63 present, 61 of a file or shared, 56
mapped by this process alone); process_vm_writev(2), which here writes a byte of every page onto itself.
"""

from __future__ import annotations

from mmap import PAGESIZE, mmap

from rung import posix

#: process_vm_writev takes so many areas (UIO_MAXIOV).
MOST = 1024
_WORD = 8
_IOVEC = 2 * _WORD
_PRESENT, _SHARED, _ALONE = 1 << 63, 1 << 61, 1 << 56


class Touched:
    """What a zygote and its forks know of it; to be made when everything is imported."""

    def __init__(self) -> None:
        #: How many, then an ``iovec`` of one byte for each page.
        self._note = mmap(-1, _WORD + MOST * _IOVEC)
        self._areas = [*_private_areas()]

    def note(self) -> None:
        """In a shim whose container runs: write down the pages that are its own by now, unless another has done so."""
        if int.from_bytes(self._note[:_WORD], "little"):
            return
        one = (1).to_bytes(_WORD, "little")
        found = [address.to_bytes(_WORD, "little") + one for address in self._own()][:MOST]
        self._note[_WORD : _WORD + len(found) * _IOVEC] = b"".join(found)
        self._note[:_WORD] = len(found).to_bytes(_WORD, "little")

    def copy(self) -> None:
        """In a shim-to-be: be given what was noted. What cannot be copied ahead is copied when it is written to."""
        from ctypes import c_char, c_long, c_ulong, c_void_p

        from rung.kernel.libc import library

        count = int.from_bytes(self._note[:_WORD], "little")
        if count:
            write = library()["process_vm_writev"]
            write.argtypes = [c_long, c_void_p, c_ulong, c_void_p, c_ulong, c_ulong]
            areas = (c_char * (count * _IOVEC)).from_buffer(self._note, _WORD)
            write(posix.getpid(), areas, count, areas, count, 0)

    def _own(self) -> list[int]:
        found = []
        pagemap = posix.open("/proc/self/pagemap", posix.O_RDONLY | posix.O_CLOEXEC)
        try:
            for begin, end in self._areas:
                words = posix.pread(pagemap, (end - begin) // PAGESIZE * _WORD, begin // PAGESIZE * _WORD)
                for at in range(0, len(words), _WORD):
                    word = int.from_bytes(words[at : at + _WORD], "little")
                    if word & _PRESENT and word & _ALONE and not word & _SHARED:
                        found.append(begin + at // _WORD * PAGESIZE)
        finally:
            posix.close(pagemap)
        return found


def _private_areas() -> list[tuple[int, int]]:
    """What a fork gets copies of: where each begins and ends."""
    found = []
    with open("/proc/self/maps", "rb") as maps:
        for line in maps:
            where, access = line.split()[:2]
            if access == b"rw-p":
                begin, _, end = where.partition(b"-")
                found.append((int(begin, 16), int(end, 16)))
    return found
