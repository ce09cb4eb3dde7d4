"""Why an engine that a command has started did not come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.cli.link.begin import _failure


@pytest.mark.parametrize(
    ("log", "said"),
    [
        pytest.param("old\nrungd: network: no (do this)\n", "start the engine: network: no (do this)", id="a sentence"),
        pytest.param("Traceback\nTypeError: x\n", "start the engine: TypeError: x (see {log})", id="a bug"),
        pytest.param("", "start the engine: it has ended at once (see {log})", id="nothing"),
    ],
)
def test_the_log_is_named_only_where_the_daemon_gave_no_sentence(tmp_path: Path, log: str, said: str) -> None:
    path = tmp_path / "rungd.log"
    path.write_text(log)
    assert str(_failure(str(path))) == said.format(log=path)
