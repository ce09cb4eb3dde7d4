"""What CRIU says when it fails."""

from rung.runtime.checkpoint.criu import cause, failure
from rung.runtime.checkpoint.rpc import Response

LOG = b"""\
(00.000014) Version: 4.1.1 (gitid 0)
(00.028779) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.039831)     17: Error (criu/files-reg.c:1790): Can't lookup mount=24 for fd=0 path=/dev/null
(00.039837) Error (criu/cr-dump.c:1681): Dump files (pid: 17653) failed with -1
(00.114418) Error (criu/cr-dump.c:2111): Dumping FAILED.
"""


def test_the_first_error_that_matters_is_the_cause():
    assert cause(LOG) == "Can't lookup mount=24 for fd=0 path=/dev/null"
    assert cause(LOG.splitlines()[1]) == ""
    assert cause(b"") == ""


def test_a_sentence_names_container_cause_and_log(tmp_path):
    log = tmp_path / "dump.log"
    log.write_bytes(LOG)
    said = str(failure("dump", "web1", str(log), None))
    assert said == f'criu cannot dump container "web1": {cause(LOG)} (its log: {log})'


def test_without_a_log_it_is_the_answer_that_says_why(tmp_path):
    log = str(tmp_path / "dump.log")
    assert "No such process" in str(failure("dump", "web1", log, Response(cr_errno=3)))
    answer = Response(cr_errno=3, cr_errmsg="Error (criu/x.c:1): no memory")
    assert f"no memory (its log is in {tmp_path})" in str(failure("dump", "web1", log, answer))
    assert "does not say why" in str(failure("dump", "web1", log, None))
