"""The way to the engine: its address, requests and answers on its socket, its start where it does not run.

Rule: what a command does before its request is on the wire is what it costs; nothing here imports ``socket``,
``os``, ``re`` or ``urllib``, each of which costs more than the request (``remote.py`` does: TLS costs more than they).
"""
