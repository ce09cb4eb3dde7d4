"""What is said to an agent, and not more than once."""

from __future__ import annotations

import json

from rung.runtime.seccomp import agent

CONFIG = {"linux": {"seccomp": {"listenerPath": "/run/agent", "listenerMetadata": "m"}}}
STATE = {"ociVersion": "1.2.0", "id": "x", "status": "creating"}


class Closing:
    """An agent that closes as soon as it has what it wants: whatever is sent then is a broken pipe."""

    def __init__(self, *_: object) -> None:
        self.taken = b""
        Closing.last = self

    def sendmsg(self, parts, beside):
        self.taken = b"".join(parts)
        return len(self.taken)

    def sendall(self, data):
        raise BrokenPipeError(32, "Broken pipe")

    def setsockopt(self, *_: object) -> None: ...

    def connect(self, path: str) -> None:
        self.path = path

    def close(self) -> None: ...


def test_an_agent_may_close_once_it_has_the_descriptor(monkeypatch):
    monkeypatch.setattr(agent, "socket", Closing)
    agent.inform(CONFIG, 7, 42, STATE)
    said = json.loads(Closing.last.taken)
    assert (said["pid"], said["metadata"], said["fds"], said["state"]["id"]) == (42, "m", ["seccompFd"], "x")
