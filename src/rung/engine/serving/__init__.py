"""The engine as a daemon: what it is told, where it listens, who may come in.

    options.py   every option's name, as a flag and in daemon.json     pure
    settings.py  flags and file as one value                          pure
    sockets.py   the sockets of unix://, tcp:// and fd://
    peers.py     who may speak at a unix socket
    tls.py       mutual TLS in front of the API
    systemd.py   socket activation, readiness
"""
