"""Messages for a person on stderr, and for the manager in its log file."""

import json
import re

import pytest

from rung.errors import RungError
from rung.runtime.cli.log import Log, entry


def test_text_entries_are_logruses():
    line = entry("error", 'a "b"\n', "2026-01-02T03:04:05Z", False)
    assert line == 'time="2026-01-02T03:04:05Z" level=error msg="a \\"b\\"\\n"\n'
    assert entry("warning", "plain-word", "T", False).endswith(" level=warning msg=plain-word\n")


def test_json_entries_are_logruses():
    line = entry("error", 'a "b"', "2026-01-02T03:04:05Z", True)
    assert line == '{"level":"error","msg":"a \\"b\\"","time":"2026-01-02T03:04:05Z"}\n'


def test_without_a_file_a_person_reads_a_sentence(capfd):
    log = Log()
    log.error("no such thing")
    log.warning("passed over")
    log.debug("not asked for")
    assert capfd.readouterr().err == "rung-runtime: no such thing\nrung-runtime: warning: passed over\n"


def test_with_a_file_errors_go_to_both_and_the_rest_to_the_file(tmp_path, capfd):
    path = tmp_path / "log"
    path.write_text('{"level":"error","msg":"earlier","time":"x"}\n')
    log = Log(str(path), "json", debugging=True)
    log.debug("detail")
    log.warning("passed over")
    log.error("no such thing")
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(e["level"], e["msg"]) for e in entries] == [
        ("error", "earlier"),
        ("debug", "detail"),
        ("warning", "passed over"),
        ("error", "no such thing"),
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entries[-1]["time"])
    assert capfd.readouterr().err == "rung-runtime: no such thing\n"


def test_json_without_a_file_goes_to_stderr_alone(capfd):
    Log("", "json").error("no such thing")
    assert json.loads(capfd.readouterr().err)["msg"] == "no such thing"


def test_a_file_that_cannot_be_opened_and_an_unknown_format_are_errors(tmp_path):
    with pytest.raises(RungError, match="open log .*: No such file or directory"):
        Log(str(tmp_path / "none" / "log"))
    with pytest.raises(RungError, match="read --log-format xml"):
        Log("", "xml")
