"""The warm way: a resident server that does Python's part of a command, for the launcher.

A manager starts ``rung-runtime`` five times for each container, and an interpreter's start costs more
than all of runc's ``state``. So the launcher, a small static program, asks a server first, which
has the interpreter started and the runtime imported.

**Hands and brain.** Whatever is born is born to the launcher, whose limits, cgroup, session, keyring, security
context and place among processes the container therefore has, as when Python runs in its place:
``parent.RemoteParent`` sends it what to start, and hears of what ended. The server reads, decides, writes records
and cgroups. What it needs of the caller's own it takes over for the time being: stdio, working directory,
environment, umask. Where the caller is not in every respect one that the server may speak for
(``caller.py``), or where a command needs the caller's process itself (a terminal in the foreground), it
says so before it has done anything, and the launcher starts Python in its own place.

**A pool, not a fork for each command.** A fork of Python costs 1.3 ms, most of what a command may cost. Workers
(``server.py``) serve one command after another; there is always one that is idle, which is forked when the last
idle one is taken. A worker that met a bug ends.

**Life.** The first command that finds no server leaves one behind (``start.py``); it ends after ``IDLE_S`` without
work, or when a source file is not what it has imported. ``RUNG_WARM=off`` in the environment: neither used nor started.
Its socket lies in a directory of root's own; only root's launcher may ask.

When the launcher dies or is interrupted, the pipe it holds closes, and the worker stops as at Ctrl-C: what was
begun is undone. Nothing is left to a worker to remember between commands but code and the sealed copy of rung-init.
"""
