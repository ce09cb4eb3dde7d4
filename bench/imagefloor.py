"""What an EROFS pull cannot do without, and nothing else: each byte received, hashed, kept, inflated, hashed and kept.

    imagefloor.py HOST:PORT REPOSITORY DIRECTORY DIGEST...

One thread, one layer after the other, pieces that stay in the processor's cache; no store, no tree, no sync, no index.
What Rung takes beyond this is what its care costs; what this takes is the machine's.
"""

from __future__ import annotations

import hashlib
import socket
import sys

from isal import igzip_lib

PIECE = 1 << 18


def body(host: str, path: str) -> tuple[socket.socket, bytes]:
    """A connection whose answer's head has been read, and what of the body came with it."""
    name, _, port = host.partition(":")
    wire = socket.create_connection((name, int(port)))
    wire.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    come = b""
    while b"\r\n\r\n" not in come:
        come += wire.recv(4096)
    head, _, rest = come.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise SystemExit(f"{path}: {head.decode(errors='replace')}")
    return wire, rest


def layer(host: str, repository: str, directory: str, digest: str) -> str:
    """Fetch and keep one, and its archive; the archive's digest."""
    wire, rest = body(host, f"/v2/{repository}/blobs/{digest}")
    came, plain = hashlib.sha256(), hashlib.sha256()
    inflate = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP)
    buffer = bytearray(PIECE)
    view, size = memoryview(buffer), len(rest)
    view[:size] = rest
    kept = f"{directory}/{digest[7:]}"
    with wire, open(kept, "wb", 0) as blob, open(f"{kept}.tar", "wb", 0) as tar:
        while size:
            piece = view[:size]
            came.update(piece)
            blob.write(piece)
            data: bytes | memoryview = piece
            while not inflate.eof and (data or not inflate.needs_input):
                out = inflate.decompress(data, PIECE)
                plain.update(out)
                tar.write(out)
                data = b""
            size = wire.recv_into(view, PIECE, socket.MSG_WAITALL)
    if f"sha256:{came.hexdigest()}" != digest or not inflate.eof:
        raise SystemExit(f"{digest}: other bytes came")
    return plain.hexdigest()


if __name__ == "__main__":
    _, place, name, into, *digests = sys.argv
    for each in digests:
        layer(place, name, into, each)
