"""Staying with a process, played by plain child processes."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import textwrap

import pytest

from rung.errors import RungError
from rung.runtime import signals
from rung.runtime.foreground import Foreground


class Child:
    """What ``stay`` is given: a pid, and ``wait`` for the status."""

    def __init__(self, *words, **options):
        self._process = subprocess.Popen(words, **options)
        self.pid = self._process.pid
        self.stdout = self._process.stdout

    def wait(self):
        code = self._process.wait()
        if self.stdout:
            self.stdout.close()
        return code if code >= 0 else 128 - code


def handlers():
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def test_the_exit_status_is_the_processs():
    with Foreground(terminal=False) as foreground:
        assert foreground.console_fd == -1
        assert foreground.stay(Child("sh", "-c", "exit 7")) == 7
    with Foreground(terminal=False) as foreground:
        assert foreground.stay(Child("sh", "-c", "kill -9 $$")) == 137


def test_signals_that_come_before_the_process_are_delivered_to_it():
    with Foreground(terminal=False) as foreground:
        os.kill(os.getpid(), signal.SIGUSR1)
        child = Child(
            "sh", "-c", "trap 'exit 9' USR1; echo; while :; do sleep 0.01; done", stdout=subprocess.PIPE
        )
        child.stdout.readline()
        assert foreground.stay(child) == 9


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR2", "CONT", "RTMIN"])
def test_signals_are_passed_on_while_it_runs(name):
    """The child sends the signal to us, and then waits for it to come back."""
    number = signal.Signals[f"SIG{name}"].value
    script = f"trap 'exit 9' {number}; kill -{number} {os.getpid()}; while :; do sleep 0.01; done"
    with Foreground(terminal=False) as foreground:
        assert foreground.stay(Child("sh", "-c", script)) == 9


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        script = f"trap 'exit 9' HUP; kill -HUP {os.getpid()}; exit 0"
        with Foreground(terminal=False) as foreground:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            # a shell cannot trap what it was started with ignored: it would tell by exiting with 9 only
            assert foreground.stay(Child("sh", "-c", script)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_and_descriptors_are_as_before():
    before, descriptors = handlers(), sorted(os.listdir("/proc/self/fd"))
    with Foreground(terminal=True):
        assert handlers() != before
    assert handlers() == before
    Foreground(terminal=False).stay(Child("true"))
    assert handlers() == before
    assert sorted(os.listdir("/proc/self/fd")) == descriptors


def test_signals_of_our_own_are_not_passed_on():
    for number in (
        signal.SIGCHLD,
        signal.SIGPIPE,
        signal.SIGURG,
        signal.SIGWINCH,
        signal.SIGKILL,
        signal.SIGSEGV,
    ):
        assert number in signals.OURS


#: Plays rung-init: makes a terminal, sends its console, becomes a shell in a session of its own.
INIT = """
    import os, socket, struct, sys
    console, tty = os.openpty()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        connection.sendmsg([b"pty"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", console))])
    os.close(console)
    os.setsid()
    import fcntl, termios
    fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(tty, fd)
    os.execvp("sh", ["sh", "-c", sys.argv[2]])
"""


def in_a_terminal(foreground, script):
    number = foreground.console_fd
    return Child(sys.executable, "-c", textwrap.dedent(INIT), str(number), script, pass_fds=[number])


@pytest.mark.parametrize(("raw_output", "expected"), [(False, b"hello\n"), (True, b"hello\r\n")])
def test_a_terminals_output_goes_to_stdout(capfdbinary, raw_output, expected):
    with Foreground(terminal=True, raw_output=raw_output) as foreground:
        # line ends change when the console has arrived: the script waits for that
        wanted = "onlcr" if raw_output else "-onlcr"
        script = f"until stty -a | grep -q -e '[; ]{wanted}'; do :; done; echo hello; exit 4"
        assert foreground.stay(in_a_terminal(foreground, script)) == 4
    assert capfdbinary.readouterr().out == expected


def test_the_callers_terminal_is_joined_and_resized():
    """Foreground in a process of its own, at a pseudoterminal that the test holds."""
    console, tty = os.openpty()
    code = f"""
        import os, sys
        os.setsid()
        import fcntl, termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        from rung.runtime.foreground import Foreground
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import test_foreground as t
        script = '''
            trap 'stty size; exit 5' WINCH
            printf "ready "; stty size
            read line; echo "got $line"
            while :; do sleep 0.01; done
        '''
        with Foreground(terminal=True) as foreground:
            status = foreground.stay(t.in_a_terminal(foreground, script))
        print("status", status)
    """
    resize(console, 30, 90)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=tty,
        stdout=tty,
        stderr=tty,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    os.close(tty)
    with open(console, "r+b", buffering=0) as screen:
        shown = until(screen, b"ready 30 90\r\n")
        screen.write(b"typed\r")
        shown = until(screen, b"got typed\r\n")
        assert b"typed\r\n" in shown  # the container's terminal echoes, and only that one
        assert shown.count(b"typed") == 2
        resize(console, 40, 100)
        assert b"40 100" in until(screen, b"status 5\r\n")
        assert child.wait(60) == 0


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))


def until(screen, text):
    shown = b""
    while text not in shown:
        assert select.select([screen], [], [], 20)[0], f"only {shown!r} came"
        shown += screen.read(4096)
    return shown


def test_a_terminal_that_never_comes_is_an_error():
    with Foreground(terminal=True) as foreground:
        child = Child("true")
        with pytest.raises(RungError, match="without sending it"):
            foreground.stay(child)
        assert child.wait() == 0
