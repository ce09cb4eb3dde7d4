"""``/metrics``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from rung.engine.docker.metrics import family, text


def engine(*states: str) -> Any:
    return SimpleNamespace(containers=[SimpleNamespace(state=SimpleNamespace(status=one)) for one in states])


def test_containers_by_state() -> None:
    lines = text(engine("running", "restarting", "paused", "exited", "created", "dead")).splitlines()
    name = "engine_daemon_container_states_containers"
    assert [line for line in lines if line.startswith(name)] == [
        f'{name}{{state="paused"}} 1',
        f'{name}{{state="running"}} 2',
        f'{name}{{state="stopped"}} 3',
    ]


def test_every_line_is_a_comment_or_a_name_and_a_number() -> None:
    found = text(engine())
    assert found.endswith("\n")
    for line in found.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            assert float(line.rpartition(" ")[2]) >= 0, line


def test_labels_are_escaped() -> None:
    assert family("a", "b", [({"c": 'x"\\\n'}, 2)]) == '# HELP a b\n# TYPE a gauge\na{c="x\\"\\\\\\n"} 2\n'
