"""The plan of ``runc spec``, whole."""

from __future__ import annotations

from kernel.init import plans
from rung.runtime.plan import wire


def test_runs_true(run, rootfs):
    outcome = run(plans.default(rootfs, "/bin/true"))
    assert outcome.ledger.error == ""
    assert outcome.status == 0
    assert outcome.messages == [b"screated", b"r"]
    assert outcome.ledger.state == wire.EXECUTING


def test_waits_for_start(run, rootfs):
    outcome = run(plans.default(rootfs, "sh", "-c", "exit 3", gate=True), gate=True)
    assert (outcome.ledger.error, outcome.status) == ("", 3)
