"""Errors are one sentence, whatever the names in it are."""

from __future__ import annotations

from rung.errors import RungError


def test_the_parts_that_are_there():
    assert str(RungError("open", "/a", "ENOENT", "make it")) == "open /a: ENOENT (make it)"
    assert str(RungError("open", "", "", "")) == "open"


def test_nothing_in_it_is_for_a_terminal_to_obey():
    said = str(RungError("run", "/bin/\x1b[2J\n", "caf\u00e9 \udcff"))
    assert said == "run /bin/\\u001b[2J\\u000a: caf\u00e9 \\udcff"
    said.encode()
