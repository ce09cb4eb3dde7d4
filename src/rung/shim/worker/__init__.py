"""Workers: the runtime's part of a shim's work, done by a process that is warm.

A shim is resident beside its container for as long as that runs, and what it has executed stays in its memory: a fork
of the zygote that creates a container writes to a thousand pages, four megabytes, of which it needs none again. So the
engine's shims have *hands*, and a *brain* for all of them:

    shim     ``runtimes/apart.py`` asks (``hands.py``): an operation's name, its arguments, the process's streams
    worker   ``brain.py`` does it with ``runtimes/own.py``, in a thread where the shim is the parent of what is born
    zygote   ``pool.py`` listens, forks a worker when somebody asks and there is none

What is born is born to the shim, as in the warm way of the command line (``rung.runtime.warm``, whose words are spoken
here too): it alone reaps it, and a container does not notice when the worker ends.

Rule: a worker knows nothing that is not in the request or on disk. Where there is none, or it is of another version
of Rung than the shim, the shim does the work itself, which costs it the memory. Where one dies in the middle, the
operation has failed and the shim clears away what it had begun.

Sources: unix(7) for SOCK_SEQPACKET, SCM_RIGHTS and SO_PEERCRED.
"""

from rung import __version__

#: A worker's first word: it has the request, and from now on the shim must not do it as well.
BEGUN = b"b"
#: A worker's last word; the outcome follows as JSON, a terminal as a descriptor.
END = b"e"
#: Above this a request goes into no packet.
REQUEST_MAX = 96 * 1024
FDS_MAX = 16
#: What both must be of.
VERSION = __version__
