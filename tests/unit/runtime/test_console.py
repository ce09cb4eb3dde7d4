"""The cable between a container's terminal and the caller's, with real pseudoterminals and pipes."""

import ctypes
import fcntl
import os
import select
import socket
import struct
import termios
import threading
import tty
from contextlib import closing

import pytest

from rung.errors import RungError
from rung.runtime.console import HIGH_WATER_BYTES, Terminal, keep_line_ends, pair, raw, receive, relay

DEADLINE_S = 60


class Bed:
    """A console with a tty behind it, and pipes for the caller's stdin and stdout."""

    def __init__(self):
        self.console, self.tty = os.openpty()
        tty.setraw(self.tty)
        self.stdin, self.type_into = os.pipe()
        self.read_from, self.stdout = os.pipe()
        self.until, self.end = os.pipe()  # readable once the "process" has ended
        self.thread = threading.Thread(target=relay, args=(self.console, self.until, self.stdin, self.stdout))

    def finish(self):
        os.write(self.end, b"x")
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()

    def close(self, *fds):
        for fd in fds:
            os.close(fd)
        self.closed = getattr(self, "closed", set()) | set(fds)

    def tear_down(self):
        names = (
            self.console,
            self.tty,
            self.stdin,
            self.type_into,
            self.read_from,
            self.stdout,
            self.until,
            self.end,
        )
        for fd in set(names) - getattr(self, "closed", set()):
            os.close(fd)


@pytest.fixture
def bed():
    found = Bed()
    yield found
    if found.thread.is_alive():
        os.write(found.end, b"x")
        found.thread.join(DEADLINE_S)
    found.tear_down()


def read_exactly(fd, count):
    data = b""
    while len(data) < count:
        assert select.select([fd], [], [], DEADLINE_S)[0], f"only {data!r} came"
        data += os.read(fd, count - len(data))
    return data


def test_both_ways(bed):
    bed.thread.start()
    os.write(bed.type_into, b"typed")
    assert read_exactly(bed.tty, 5) == b"typed"
    os.write(bed.tty, b"shown")
    assert read_exactly(bed.read_from, 5) == b"shown"
    bed.finish()


def test_last_words_are_not_lost(bed):
    words = bytes(range(32, 127)) * 30
    os.write(bed.tty, words)
    os.write(bed.end, b"x")
    bed.thread.start()
    assert read_exactly(bed.read_from, len(words)) == words
    bed.thread.join(DEADLINE_S)
    assert not bed.thread.is_alive()


def test_it_ends_with_the_process_though_another_keeps_the_terminal(bed):
    bed.thread.start()
    bed.finish()  # bed.tty is still open


def test_it_goes_on_when_stdin_ends(bed):
    bed.thread.start()
    bed.close(bed.type_into)
    os.write(bed.tty, b"still here")
    assert read_exactly(bed.read_from, 10) == b"still here"
    bed.finish()


def test_it_waits_for_the_process_when_the_terminal_is_closed(bed):
    bed.thread.start()
    os.write(bed.tty, b"bye")
    bed.close(bed.tty)
    assert read_exactly(bed.read_from, 3) == b"bye"
    assert bed.thread.is_alive()
    bed.finish()


def test_output_that_nobody_reads_is_thrown_away(bed):
    bed.thread.start()
    bed.close(bed.read_from)
    for _ in range(20):
        os.write(bed.tty, bytes(4000))  # blocks for ever if nobody takes it
    bed.finish()


def test_a_slow_reader_makes_the_writer_wait_and_input_still_passes(bed):
    bed.thread.start()
    os.set_blocking(bed.tty, False)
    written = 0
    while select.select([], [bed.tty], [], 0.3)[1]:
        written += os.write(bed.tty, bytes(4096))
    assert HIGH_WATER_BYTES < written < 10 * HIGH_WATER_BYTES
    os.write(bed.type_into, b"\x03")
    assert read_exactly(bed.tty, 1) == b"\x03"
    assert len(read_exactly(bed.read_from, written)) == written
    bed.finish()


def test_much_input_arrives_whole(bed):
    bed.thread.start()
    sent = os.urandom(200_000)
    writer = threading.Thread(
        target=lambda: [os.write(bed.type_into, sent[i : i + 4096]) for i in range(0, len(sent), 4096)]
    )
    writer.start()
    assert read_exactly(bed.tty, len(sent)) == sent
    writer.join(DEADLINE_S)
    bed.finish()


def test_one_descriptor_for_both_directions(bed):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(
            target=relay, args=(bed.console, bed.until, theirs.fileno(), theirs.fileno())
        )
        thread.start()
        ours.sendall(b"typed")
        assert read_exactly(bed.tty, 5) == b"typed"
        os.write(bed.tty, b"shown")
        assert read_exactly(ours.fileno(), 5) == b"shown"
        os.write(bed.end, b"x")
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def test_the_callers_descriptors_stay_blocking(bed):
    bed.thread.start()
    bed.finish()
    assert os.get_blocking(bed.stdin)
    assert os.get_blocking(bed.stdout)


def test_a_terminal_is_raw_within_the_block_only():
    console, terminal = os.openpty()
    before = termios.tcgetattr(terminal)
    with Terminal(terminal):
        during = termios.tcgetattr(terminal)
        assert not during[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert during[1] == before[1]
    assert termios.tcgetattr(terminal) == before
    with Terminal(terminal, raw_output=True):
        assert not termios.tcgetattr(terminal)[1] & termios.OPOST
    assert termios.tcgetattr(terminal) == before
    os.close(terminal)
    os.close(console)


def test_raw_is_what_cfmakeraw_of_the_c_library_makes():
    console, slave = os.openpty()
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = ctypes.create_string_buffer(256)  # more than a struct termios
    assert libc.tcgetattr(slave, attributes) == 0
    expected_of = raw(termios.tcgetattr(slave), True)
    libc.cfmakeraw(attributes)
    assert libc.tcsetattr(slave, termios.TCSANOW, attributes) == 0
    assert termios.tcgetattr(slave) == expected_of
    os.close(console)
    os.close(slave)


def test_no_terminal_is_fine(bed):
    with Terminal(-1) as none:
        none.copy_size_to(bed.console)


def test_the_size_is_copied(bed):
    console, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 33, 99, 0, 0))
    Terminal(terminal).copy_size_to(bed.console)
    size = struct.unpack("4H", fcntl.ioctl(bed.tty, termios.TIOCGWINSZ, bytes(8)))
    assert size[:2] == (33, 99)
    os.close(terminal)
    os.close(console)


def test_line_ends_can_be_left_alone(bed):
    attributes = termios.tcgetattr(bed.tty)
    attributes[1] |= termios.OPOST | termios.ONLCR
    termios.tcsetattr(bed.tty, termios.TCSANOW, attributes)
    keep_line_ends(bed.console)
    os.write(bed.tty, b"a\nb")
    assert read_exactly(bed.console, 3) == b"a\nb"


def test_a_console_comes_over_its_socket(bed):
    ours, theirs = pair()
    with closing(ours), closing(theirs):
        theirs.sendmsg([b"pty"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", bed.console))])
        console = receive(ours)
    assert os.ttyname(bed.tty)  # it is the same terminal
    os.write(console, b"x")
    assert read_exactly(bed.tty, 1) == b"x"
    assert not os.get_inheritable(console)
    os.close(console)


def test_a_socket_that_closes_without_a_console_is_an_error():
    ours, theirs = pair()
    theirs.close()
    with closing(ours), pytest.raises(RungError, match="without sending it"):
        receive(ours)
