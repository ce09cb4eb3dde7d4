"""Rung 2, the shim: one keeper per container or pod. It starts the runtime, holds streams and terminals, reaps, keeps
the exit status, and outlives whoever asked for the container.

It serves containerd's Task service over ttrpc on a unix socket. ``program`` is the shim as containerd starts it.
"""
