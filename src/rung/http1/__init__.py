"""HTTP/1.1 as bytes in, events out: RFC 9110 (semantics) and RFC 9112 (messages).

Rule: nothing here reads or writes a socket, a file or a clock. Servers and clients bring
the bytes and do what the events say. What is malformed, ambiguous (two ways to find a
body's end are how requests are smuggled past a proxy) or larger than ``limits`` is
``Malformed``, with the status that says so, and the connection is not to be used again.

    head.py        a message's first lines -> Request, Response
    framing.py     where a body ends, and its chunks taken apart
    connection.py  a server's view of one connection: Request, Data, EndOfBody in turn
    exchange.py    a client's view of one: Response, Data, EndOfBody
    ranges.py      Range, If-Range, If-None-Match
"""
