"""How much of a head anybody may make us keep."""

from __future__ import annotations

#: RFC 9112 section 3: at least 8000 octets of request line should be supported.
REQUEST_LINE = 8 << 10
#: All header lines together, and how many there may be.
HEADERS = 64 << 10
HEADER_COUNT = 128
#: Responses that only announce one (RFC 9110 section 15.2).
INTERIM = 20
#: RFC 9112 section 7.1.1: a size line of a chunk, its extensions included.
CHUNK_LINE = 4 << 10
#: RFC 9112 section 7.1.2: trailer fields are read and dropped.
TRAILERS = 16 << 10
