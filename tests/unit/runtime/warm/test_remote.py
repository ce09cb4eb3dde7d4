"""The launcher as a parent: what is asked, which answers count."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading

import pytest

from rung.runtime.warm.remote import CallerGone, RemoteParent

SPAWN = ("/bin/x", ["x"], {}, [])


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def say(theirs, question, value):
    theirs.send(struct.pack("=ii", question, value))


def test_a_process(ends):
    ours, theirs = ends
    remote = RemoteParent(ours)
    say(theirs, 1, 4711)
    assert remote.spawn(*SPAWN) == 4711
    assert theirs.recv(100)[:5] == struct.pack("=ci", b"s", 1)
    say(theirs, 2, 256)
    assert remote.wait(4711) == 256
    assert theirs.recv(100) == struct.pack("=cii", b"w", 2, 4711)


def test_a_failure_is_an_os_error(ends):
    ours, theirs = ends
    say(theirs, 1, -2)
    with pytest.raises(FileNotFoundError, match="/bin/x"):
        RemoteParent(ours).spawn(*SPAWN)


def test_an_answer_that_nobody_waits_for_is_passed_over(ends):
    """Ctrl-C came after the question."""
    ours, theirs = ends
    remote = RemoteParent(ours)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(KeyboardInterrupt):
            remote.wait(4711)
    finally:
        signal.signal(signal.SIGUSR1, before)
    say(theirs, 1, 9)
    say(theirs, 2, 0)
    assert remote.wait(4712) == 0


def test_a_process_of_which_nobody_would_hear_is_ended(ends):
    """Ctrl-C while the launcher starts it."""
    ours, theirs = ends
    child = os.fork()
    if child == 0:
        signal.pause()
    remote = RemoteParent(ours)

    def gone(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGIO, gone)
    try:

        def launcher():
            theirs.recv(100)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGIO)
            say(theirs, 1, child)
            theirs.recv(100)
            say(theirs, 2, os.waitpid(child, 0)[1])

        hands = threading.Thread(target=launcher)
        hands.start()
        with pytest.raises(KeyboardInterrupt):
            remote.spawn(*SPAWN)
        hands.join(60)
    finally:
        signal.signal(signal.SIGIO, before)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_launcher_that_died(ends):
    ours, theirs = ends
    remote = RemoteParent(ours)
    theirs.close()
    with pytest.raises(CallerGone):
        remote.spawn(*SPAWN)
    assert remote.wait(2**22 - 1) == 9, "one that is not there has ended"
