"""Somebody else's shim as a runtime: one that is none, whose answers a test decides."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.shim.errors import ShimError
from rung.shim.runtimes import Settings
from rung.shim.runtimes.foreign import Foreign
from rung.shim.stdio.streams import Ends
from rung.spec.shim import task as messages
from rung.spec.shim import ttrpc


class FakeShim:
    """Refuses to create, and ends at Shutdown without an answer, as runc's may when it is to end ``now``."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(["sleep", "1000"])
        self.asked: list[str] = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(folder / "s"))
        self.server.listen()
        self.program = folder / "containerd-shim-fake-v1"
        self.program.write_text(
            f'#!/bin/sh\nfor action; do :; done\necho $action >>{folder}/actions\n[ $action = delete ] || echo unix://{folder}/s\n'
        )
        self.program.chmod(0o755)
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self.server.accept()
            with connection:
                frames = list(ttrpc.Frames().feed(connection.recv(1 << 16)))
                if not frames:
                    return
                method = ttrpc.Request.decode(frames[0][2]).method
                self.asked.append(method)
                if method == "Shutdown":
                    self.process.kill()
                elif method == "Connect":
                    connection.send(ttrpc.answer(1, messages.ConnectResponse(shim_pid=self.process.pid).encode()))
                else:
                    connection.send(ttrpc.answer(1, code=ttrpc.UNKNOWN, message=f"{method}: /no/such"))

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self.server.getsockname())
        self.thread.join()
        self.server.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeShim]:
    made = FakeShim(tmp_path)
    yield made
    made.close()


def test_a_create_that_fails_has_its_own_words_whatever_the_shim_does_then(fake: FakeShim, tmp_path: Path) -> None:
    settings = Settings(root="/none", program=str(fake.program), bundle=str(tmp_path), listens=str(tmp_path / "events"))
    with pytest.raises(ShimError, match="Create: /no/such"):
        Foreign("one", settings).create(str(tmp_path), Ends())
    assert fake.asked == ["Create", "Kill", "Delete", "Connect", "Shutdown"]
    assert (tmp_path / "actions").read_text() == "start\ndelete\n"
