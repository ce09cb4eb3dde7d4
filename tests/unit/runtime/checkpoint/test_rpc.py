"""CRIU's messages: bytes that a protobuf compiler's code makes and reads alike."""

import pytest

from rung.runtime.checkpoint import rpc


def test_a_request_in_bytes():
    """criu_req { type: DUMP, opts: { images_dir_fd: 5, leave_running: true, log_file: "a" } }."""
    made = rpc.request(type=rpc.DUMP, opts={"images_dir_fd": 5, "leave_running": True, "log_file": "a"})
    assert made == bytes.fromhex("0801" "1207" "0805" "1801" "520161")


def test_repeated_fields_and_messages_within():
    """cg_root (25) twice: its key is 25 << 3 | 2 = 202, which takes two bytes."""
    made = rpc.request(type=2, opts={"cg_root": [{"ctrl": "", "path": "/a"}, {"ctrl": "b", "path": "/"}]})
    assert made == bytes.fromhex("0802" "1212" "ca0106" "0a00" "12022f61" "ca0106" "0a0162" "12012f")


def test_numbers_beyond_a_byte_and_below_zero():
    assert rpc.request(type=1, opts={"empty_ns": 0x40000000}) == bytes.fromhex("0801" "1207" "b002" "8080808004")
    assert rpc.request(type=-1) == b"\x08" + b"\xff" * 9 + b"\x01"


def test_a_path_that_is_no_utf_8_goes_as_it_is():
    assert rpc.request(type=1, opts={"root": "/\udcff"}) == b"\x08\x01\x12\x04\x6a\x02/\xff"


def test_a_field_that_criu_does_not_know_is_refused_here():
    with pytest.raises(TypeError):
        rpc.request(type=1, opts={"no_such_option": 1})


def test_a_notification():
    message = b"\x08\x06\x10\x01\x2a\x06\x0a\x01A\x10\xb9\x60"
    found = rpc.Response.decode(message)
    assert found == rpc.Response(type=rpc.NOTIFY, success=True, notify=rpc.Notice(script="A", pid=12345))


def test_an_answer_with_an_error_and_fields_of_later_versions():
    message = b"\x08\x01\x10\x00\x38\x0b\x4a\x02no" + b"\xc2\x3e\x01x" + b"\xcd\x3e....\xc9\x3e........"
    assert rpc.Response.decode(message) == rpc.Response(type=1, success=False, cr_errno=11, cr_errmsg="no")


def test_a_negative_number_comes_back():
    assert rpc.Response.decode(b"\x38" + b"\xff" * 9 + b"\x01").cr_errno == -1


@pytest.mark.parametrize(
    "message",
    [b"\x08", b"\x08\x80", b"\x4a\x05no", b"\x0b", b"\xff" * 11, b"\x2a\x02\x0a\x05"],
    ids=["no value", "half a number", "too short", "a group", "endless", "too short within"],
)
def test_what_is_no_message_is_refused(message):
    with pytest.raises(rpc.BadMessage):
        rpc.Response.decode(message)
