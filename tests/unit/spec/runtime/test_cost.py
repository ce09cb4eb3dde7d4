"""Validation is on the way of every ``create``: it stays small."""

import subprocess
import sys
import time

from rung.spec.runtime.default import default_config
from rung.spec.runtime.validate import validate


def test_the_default_document_takes_about_30_microseconds():
    document = default_config()
    best = 1.0
    for _ in range(50):
        began = time.thread_time()
        validate(document)
        best = min(best, time.thread_time() - began)
    assert best < 0.001, "of this processor's time, on a slow one too"


def test_nothing_slow_is_imported():
    code = (
        "import sys; sys.path[:0] = {path!r}\n"
        "from rung.spec.runtime.validate import validate\n"
        "from rung.spec.runtime.default import default_config\n"
        "validate(default_config())\n"
        "print(*[n for n in sys.modules if n.partition('.')[0] in {slow!r}])\n"
    ).format(
        path=[entry for entry in sys.path if entry.endswith("src")],
        slow={"json", "typing", "dataclasses", "enum", "re", "collections", "functools", "ctypes"},
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
