"""The terminal: made inside, its other end sent out."""

from __future__ import annotations

import array
import fcntl
import os
import socket
import struct
import termios

import pytest

from kernel.init import driver, plans
from rung.runtime.plan import steps as s


def with_console(rootfs, *argv: str, bind: int = 1, extra: tuple[s.Step, ...] = ()) -> list[s.Step]:
    return [
        plans.clone(plans.CLONE_NEWNS | plans.CLONE_NEWPID),
        *plans.root(rootfs),
        plans.fs("/proc", "proc"),
        plans.fs("/dev", "tmpfs", "mode=755", attrs=plans.NOSUID),
        plans.fs("/dev/pts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620", attrs=plans.NOSUID),
        *extra,
        s.PivotRoot(0, 0),
        s.OpenConsole(101, 37, bind, 1000, 5),
        s.Chdir("/", 0),
        *plans.user(1000, 1000),
        *plans.execute(*argv),
    ]


def read_all(master: int) -> str:
    text = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # the last process of the terminal is gone
            return text.decode()
        if not part:
            return text.decode()
        text += part


@pytest.fixture
def console(rung_init):
    def go(plan: list[s.Step]):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        running = driver.start(str(rung_init), plan, slots={s.SLOT_CONSOLE_SOCKET: theirs.fileno()})
        theirs.close()
        while running.receive() not in (b"r", b"e", b""):
            pass
        if running.ledger.error:
            ours.close()
            running.reap()
            return running.ledger.error
        name, control, _, _ = ours.recvmsg(4096, socket.CMSG_SPACE(4))
        ours.close()
        master = array.array("i", control[0][2])[0]
        size = struct.unpack("HHHH", fcntl.ioctl(master, termios.TIOCGWINSZ, bytes(8)))[:2]
        text = read_all(master)
        os.close(master)
        return name, size, text, running.reap()

    return go


def test_a_terminal(console, rootfs):
    script = "tty; ls -ln /dev/console; stat -c %u:%g:%a /dev/pts/0; readlink /proc/self/fd/1; echo x >/dev/tty; exit 9"
    name, size, text, status = console(
        with_console(rootfs, "sh", "-c", script, extra=(s.MakeNode("/dev/tty", 0o20666, 5, 0, 0, 0, ""),))
    )
    assert name == b"/dev/pts/0"
    assert size == (37, 101)
    lines = text.split("\r\n")
    assert lines[0] == "/dev/pts/0"
    assert lines[1].startswith("crw--w----") and "136,   0" in lines[1]
    assert lines[2:5] == ["1000:5:620", "/dev/pts/0", "x"]
    assert status == 9


def test_without_a_console_file(console, rootfs):
    *_, text, status = console(with_console(rootfs, "ls", "/dev", bind=0))
    assert (text.split(), status) == (["pts"], 0)


def test_a_console_that_is_a_link(console, rootfs):
    plan = with_console(rootfs, "true", extra=(s.MakeSymlink("/dev/console", "/etc/passwd"),))
    assert console(plan) == "/dev/console: is a link"


def test_no_devpts(console, rootfs):
    plan = [step for step in with_console(rootfs, "true") if getattr(step, "fstype", "") != "devpts"]
    assert console(plan) == "/dev/pts"


def test_stdio_belongs_to_the_user(rung_init, rootfs):
    plan = [
        plans.clone(plans.CLONE_NEWNS | plans.CLONE_NEWPID),
        *plans.root(rootfs),
        s.PivotRoot(0, 0),
        s.OwnStdio(1000),
        *plans.execute("true"),
    ]
    null_before = os.stat("/dev/null").st_uid
    null = os.open("/dev/null", os.O_RDONLY)
    read_end, write_end = os.pipe()
    running = driver.start(str(rung_init), plan, stdio=(null, write_end, write_end))
    assert running.receive() == b"r"
    assert running.reap() == 0
    assert os.fstat(read_end).st_uid == 1000
    assert os.stat("/dev/null").st_uid == null_before
    for fd in (null, read_end, write_end):
        os.close(fd)
