"""Checkpoint and restore: a container's processes saved as files, and made again from them.

CRIU does it, as a program of its own (https://criu.org). What is here tells it what it cannot
know: what of the container belongs to the host, where its cgroups are, who its parent is.

    rpc.py      CRIU's messages; pure
    request.py  what CRIU is asked for; pure
    outside.py  what of a container's mounts belongs to the host; pure but for one look-up
    criu.py     the program started, the talk with it, what it says when it fails
    dump.py     checkpoint        restore.py   restore        loopback.py   what an empty network lacks

Nothing here is imported by another command.
"""
