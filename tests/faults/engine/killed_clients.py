"""Clients that open sandboxes and are killed, one by SIGKILL after another: ``python killed_clients.py SOCKET IMAGE COUNT
AT_ONCE SEED``. Prints how many were killed before their sandbox was open, and how many after."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import rung

#: About twice what opening one takes on an idle machine.
LONGEST_S = 0.06


def main(socket: str, image: str, count: int, at_once: int, seed: int) -> None:
    chance = random.Random(seed)
    client = rung.Client(socket)
    client.ping()  # all is imported
    opened = 0
    for _ in range(0, count, at_once):
        delays = sorted(chance.random() * LONGEST_S * (1 + at_once / 3) for _ in range(at_once))
        children = [_child(client, image) for _ in range(at_once)]
        began = time.monotonic()
        for delay, (pid, said) in zip(delays, children):
            time.sleep(max(0.0, began + delay - time.monotonic()))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            opened += bool(os.read(said, 1))
            os.close(said)
    print(count - opened, opened)


def _child(client: rung.Client, image: str) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    try:
        with client.sandbox(image):
            os.write(writer, b"o")
            signal.pause()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
