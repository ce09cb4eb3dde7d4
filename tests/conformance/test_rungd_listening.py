"""Where the engine listens and who may come in: docker's client over TLS, by a group, through systemd's socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from rung.engine.daemon import METRICS_CLIENTS

from . import daemons, outcome
from .bed import until
from .outcome import Outcome

IMAGE = "busybox:test"
NOBODY, GROUP = 65534, 54321

pytestmark = pytest.mark.skipif(
    daemons.needed("docker", "openssl", "setpriv") is not None, reason=str(daemons.needed("docker", "openssl", "setpriv"))
)

#: Becomes the daemon with socket 3, as systemd starts one.
ACTIVATED = """
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="rungd.socket", NOTIFY_SOCKET=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


def certificates(folder: Path) -> None:
    """An authority; a server and a client that it signed; a client that signed itself."""
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
    openssl(*new, "-subj", "/CN=authority", "-keyout", "ca-key.pem", "-out", "ca.pem")
    openssl(*new, "-subj", "/CN=stranger", "-keyout", "stranger-key.pem", "-out", "stranger.pem")
    for name, more in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        signed = ("-CA", "ca.pem", "-CAkey", "ca-key.pem", "-addext", more)
        openssl(*new, *signed, "-subj", f"/CN={name}", "-keyout", f"{name}-key.pem", "-out", f"{name}.pem")


def free_ports(count: int) -> list[int]:
    """That were free a moment ago, in this lane's own network."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


class Engine:
    """A rungd with a configuration file, a unix socket and a TLS port, and docker's client for it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        certificates(folder)
        self.port, self.metrics = free_ports(2)
        self.file = folder / "daemon.json"
        self.document = {
            "data-root": f"{folder}/data", "exec-root": f"{folder}/run", "cgroup-parent": f"/{folder.name}",
            "hosts": [f"unix://{folder}/api.sock", f"tcp://127.0.0.1:{self.port}"], "group": str(GROUP), "tlsverify": True,
            "tlscacert": f"{folder}/ca.pem", "tlscert": f"{folder}/server.pem", "tlskey": f"{folder}/server-key.pem",
            "metrics-addr": f"127.0.0.1:{self.metrics}", "labels": ["place=here"], "pidfile": f"{folder}/pid", "log-opts": {"max-size": "1m"}, "live-restore": True,
        }  # fmt: skip
        self.say()
        with (folder / "log").open("ab") as log:
            words = [f"{daemons.PROGRAMS}/rungd", "--config-file", str(self.file)]
            self.daemon = outcome.start(words, log, env={"TMPDIR": str(folder)})
        until(lambda: self.daemon.poll() is not None or self.call("version").code == 0, "the engine answers")
        assert self.daemon.poll() is None, self.log()

    def say(self, **more: object) -> None:
        self.file.write_text(json.dumps({**self.document, **more}))

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def call(self, *words: str, before: tuple[str, ...] = (), input: bytes | None = None) -> Outcome:
        docker = ("docker", "--host", f"unix://{self.folder}/api.sock", *words)
        return outcome.call([*before, *docker], self.home / "output", input=input, env={"HOME": str(self.folder)})

    def over_tls(self, *words: str, who: str = "client", input: bytes | None = None) -> Outcome:
        keys = ("--tlscacert", "ca.pem", "--tlscert", f"{who}.pem", "--tlskey", f"{who}-key.pem")
        docker = ["docker", "--host", f"tcp://127.0.0.1:{self.port}", "--tlsverify", *keys, *words]
        return outcome.call(docker, self.home / "output", input=input, cwd=self.folder, env={"HOME": str(self.folder)})


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    archive = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    with daemons.folder_of_its_own() as folder:
        made = Engine(folder, home)
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            outcome.end(made.daemon, grace_s=30)
        assert not (folder / "api.sock").exists() and not (folder / "pid").exists()


def run(*words: str) -> tuple[str, ...]:
    return ("run", "--rm", "--network", "none", *words)


def test_a_client_with_a_certificate(engine: Engine) -> None:
    assert engine.over_tls("version", "--format", "{{.Server.Platform.Name}}").ok().out == "Rung\n"
    assert engine.over_tls(*run(IMAGE, "echo", "said")).ok().out == "said\n"


def test_streams_go_through_tls_whole_and_to_their_end(engine: Engine) -> None:
    """Input that ends while output is still to come: a close_notify closes one direction."""
    sent = b"0123456789abcdef" * 60_000
    got = engine.over_tls(*run("-i", IMAGE, "sh", "-c", "cat; echo end >&2; exit 5"), input=sent)
    assert (got.code, got.err) == (5, "end\n")
    assert got.out_file.read_bytes() == sent


def test_exec_and_logs_over_tls(engine: Engine) -> None:
    name = engine.over_tls("run", "-d", "--network", "none", IMAGE, "sh", "-c", "echo line; exec sleep 1000").ok().out.strip()
    try:
        assert engine.over_tls("exec", "-i", name, "tr", "a-z", "A-Z", input=b"loud").ok().out == "LOUD"
        until(lambda: engine.over_tls("logs", name).ok().out == "line\n", "the line is there")
    finally:
        engine.over_tls("rm", "-f", name).ok()


def test_the_rung_command_over_tls(engine: Engine) -> None:
    """Flags or the environment, as docker has them; streams, their ends, and who is not known."""
    folder = engine.folder
    for name, to in (("client.pem", "cert.pem"), ("client-key.pem", "key.pem")):
        (folder / to).write_bytes((folder / name).read_bytes())
    host = f"tcp://127.0.0.1:{engine.port}"
    told = {"HOME": str(folder), "DOCKER_HOST": host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(folder)}

    def rung(*words: str, input: bytes | None = None, env: dict[str, str] = told) -> Outcome:
        return outcome.call([f"{daemons.PROGRAMS}/rung", *words], engine.home / "output", input=input, cwd=folder, env=env)

    sent = b"0123456789abcdef" * 600_000
    got = rung(*run("-i", IMAGE, "sh", "-c", "cat; echo end >&2; exit 5"), input=sent)
    assert (got.code, got.err) == (5, "end\n")
    assert got.out_file.read_bytes() == sent
    name = rung("run", "-d", "--network", "none", IMAGE, "sleep", "1000").ok().out.strip()
    try:
        assert rung("exec", "-i", name, "tr", "a-z", "A-Z", input=b"loud").ok().out == "LOUD"
        rung("cp", str(folder / "ca.pem"), f"{name}:/ca").ok()
        assert rung("exec", name, "cat", "/ca").ok().out == (folder / "ca.pem").read_text()
        assert rung("explain", name).ok().out.startswith("container ")
    finally:
        rung("rm", "-f", name).ok()

    bare = {"HOME": str(folder)}
    keys = ("--tlscacert", "ca.pem", "--tlscert", "client.pem", "--tlskey", "client-key.pem")
    said = ("version", "--format", "{{.Server.Platform.Name}}")
    assert rung("-H", host, "--tlsverify", *keys, *said, env=bare).ok().out == "Rung\n"
    assert rung("-H", host, "--tls", *keys[2:], *said, env=bare).ok().out == "Rung\n"
    stranger = ("--tlscacert", "ca.pem", "--tlscert", "stranger.pem", "--tlskey", "stranger-key.pem")
    unknown = ("--tlscacert", "stranger.pem", *keys[2:])
    for given, wanted in ((("--tlsverify", *stranger), host), (("--tlsverify", *unknown), "certificate verify failed"), ((), host)):
        refused = rung("-H", host, *given, "ps", env=bare)
        assert refused.code == 1 and len(refused.err.splitlines()) == 1, refused.err
        assert wanted in refused.err, refused.err
    refused = rung("-H", host, "--tlsverify", *keys, "system", "stop", env=bare)
    assert refused.code == 1 and "only an engine of this machine" in refused.err


def test_clients_without_one_are_refused(engine: Engine) -> None:
    assert engine.over_tls("version", who="stranger").code != 0
    with socket.create_connection(("127.0.0.1", engine.port), timeout=60) as plain:
        plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"OK" not in plain.recv(1024)


def test_metrics_are_for_anybody_and_nothing_else_is(engine: Engine) -> None:
    def ask(path: str) -> tuple[int, str]:
        asking = HTTPConnection("127.0.0.1", engine.metrics, timeout=60)
        try:
            asking.request("GET", path)
            answer = asking.getresponse()
            return answer.status, answer.read().decode()
        finally:
            asking.close()

    def started() -> int:
        status, text = ask("/metrics")
        assert status == 200
        name = 'engine_daemon_container_actions_seconds_count{action="start"} '
        return next(int(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))

    before = started()
    engine.call(*run(IMAGE, "true")).ok()
    assert started() == before + 1
    assert [ask(path)[0] for path in ("/_ping", "/containers/json", "/info", "/metrics/x")] == [404] * 4


def test_who_reads_metrics_takes_nobody_elses_room(engine: Engine) -> None:
    """Connections that say nothing, as many as there may be: one more is told so, and the API answers."""
    with ExitStack() as stack:
        address = ("127.0.0.1", engine.metrics)
        for _ in range(METRICS_CLIENTS):
            stack.enter_context(socket.create_connection(address, timeout=60))
        one_more = stack.enter_context(socket.create_connection(address, timeout=60))
        assert one_more.recv(64).startswith(b"HTTP/1.1 503 ")
        engine.call("version").ok()


def test_members_of_the_group_may_others_not(engine: Engine) -> None:
    nobody = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY))
    assert "permission denied" in engine.call("ps", before=(*nobody, "--clear-groups")).err
    engine.call("ps", before=(*nobody, "--groups", str(GROUP))).ok()
    path = Path(engine.folder, "api.sock")
    path.chmod(0o666)  # as somebody may do, who has read it somewhere
    try:
        refused = engine.call("ps", before=(*nobody, "--clear-groups"))
        assert "only root and members of the engine's group may use this socket" in refused.err
        engine.call("ps", before=("setpriv", "--reuid", str(NOBODY), "--regid", str(GROUP), "--clear-groups")).ok()
    finally:
        path.chmod(0o660)


def test_what_the_file_says_holds(engine: Engine) -> None:
    told = engine.call("info", "--format", "{{json .}}").ok().json()
    assert told["Labels"] == ["place=here"]
    assert told["DockerRootDir"] == f"{engine.folder}/data"
    assert Path(engine.folder, "pid").read_text() == str(engine.daemon.pid)
    name = engine.call("create", IMAGE, "true").ok().out.strip()
    assert engine.call("inspect", name).ok().json()[0]["HostConfig"]["LogConfig"]["Config"] == {"max-size": "1m"}
    engine.call("rm", name).ok()
    assert "live-restore changes nothing here" in engine.log()


def test_a_reload(engine: Engine) -> None:
    engine.say(labels=["place=there"], **{"insecure-registries": ["example.test:5000", "10.9.0.0/16"]})
    engine.daemon.send_signal(signal.SIGHUP)
    until(lambda: engine.call("info", "--format", "{{.Labels}}").ok().out == "[place=there]\n", "it is told anew")
    known = engine.call("info", "--format", "{{json .RegistryConfig}}").ok().json()
    assert "10.9.0.0/16" in known["InsecureRegistryCIDRs"] and not known["IndexConfigs"]["example.test:5000"]["Secure"]
    engine.file.write_text("{")
    engine.daemon.send_signal(signal.SIGHUP)
    until(lambda: "not reloaded" in engine.log(), "a wrong file is said")
    assert engine.call("info", "--format", "{{.Labels}}").ok().out == "[place=there]\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data-root", "{folder}/data", "--exec-root", "{folder}/run2"), "another engine runs on {folder}/data"),
        (("--data-root", "{folder}/data2", "--exec-root", "{folder}/run"), "another engine runs in {folder}/run"),
        (("--data-root", "{folder}/data2", "--exec-root", "{folder}/run2", "-H", "unix://{folder}/api.sock"), "another engine listens"),
        (("--config-file", "{folder}/daemon.json", "--debug=false", "--label", "x=y"), "said on the command line as well"),
        (("-H", "tcp://0.0.0.0:0", "--exec-root", "{folder}/run2", "--data-root", "{folder}/data2"), "plain TCP is not served"),
        (("--group", "no-such-group", "--exec-root", "{folder}/run2", "--data-root", "{folder}/data2"), "groupadd no-such-group"),
        (("--metrics-addr", "9323", "--exec-root", "{folder}/run2", "--data-root", "{folder}/data2"), "it must be ADDRESS:PORT"),
        (("-H", "fd://", "--exec-root", "{folder}/run2", "--data-root", "{folder}/data2"), "no socket was handed over"),
    ],
)  # fmt: skip
def test_a_second_engine_and_a_wrong_one_say_why_not(engine: Engine, words: tuple[str, ...], said: str) -> None:
    engine.say()
    given = [word.format(folder=engine.folder) for word in words]
    ended = outcome.call([f"{daemons.PROGRAMS}/rungd", *given], engine.home / "output", env={"TMPDIR": str(engine.folder)})
    assert ended.code == 1
    assert said.format(folder=engine.folder) in ended.err and len(ended.err.splitlines()) == 1
    engine.call("version").ok()


def test_systemd_hands_its_socket_over_and_is_told(engine: Engine) -> None:
    """A second engine beside the first, with roots of its own."""
    folder = engine.folder / "second"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear, (folder / "log").open("wb") as log:
        ear.settimeout(60)
        ear.bind(f"{folder}/notify")
        words = [f"{daemons.PROGRAMS}/rungd", "-H", "fd://", "--data-root", f"{folder}/data", "--run-root", f"{folder}/run"]
        daemon = outcome.start([sys.executable, "-c", ACTIVATED, f"{folder}/s", f"{folder}/notify", *words], log)
        try:
            assert ear.recv(64) == b"READY=1", (folder / "log").read_text()
            docker = ["docker", "--host", f"unix://{folder}/s", "info", "--format", "{{.DockerRootDir}}"]
            assert outcome.call(docker, engine.home / "output").ok().out == f"{folder}/data\n"
            daemon.terminate()
            assert ear.recv(64) == b"STOPPING=1"
        finally:
            outcome.end(daemon, grace_s=30)
    assert os.path.exists(f"{folder}/s"), "systemd's socket is systemd's"


@pytest.mark.parametrize("kind", ["silent", "half a greeting", "unread"])
def test_clients_of_tls_that_stall_cost_themselves_alone(engine: Engine, kind: str) -> None:
    """Sixty-four that never greet, that greet by half, or that ask for more than they read."""
    context = ssl.create_default_context(cafile=f"{engine.folder}/ca.pem")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the test's authority is a plain one
    context.load_cert_chain(f"{engine.folder}/client.pem", f"{engine.folder}/client-key.pem")
    made = engine.call("run", "-d", "--network", "none", IMAGE, "sh", "-c", "head -c 20000000 /dev/zero > /big").ok().out.strip()
    engine.call("wait", made).ok()
    before, memory = time_of(engine), private_bytes(engine)
    with ExitStack() as stack:
        for _ in range(64):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", engine.port)))
            if kind == "half a greeting":
                client.sendall(bytes.fromhex("1603010200010001fc0303"))
            if kind == "unread":
                client = stack.enter_context(context.wrap_socket(client, server_hostname="127.0.0.1"))
                client.sendall(f"GET /v1.47/containers/{made}/export HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert client.recv(8) == b"HTTP/1.1"
        after = time_of(engine)
        each = (private_bytes(engine) - memory) / 64
        print(kind, each)
    assert after < 2 * before + 0.1, f"docker ps over TLS takes {after:.3f} s, and {before:.3f} s without them"
    assert each < 1 << 20, f"{each / (1 << 20):.2f} MiB for each"
    until(lambda: len(os.listdir(f"/proc/{engine.daemon.pid}/fd")) < 64, "their descriptors are back")
    engine.call("rm", "-f", made).ok()


def time_of(engine: Engine) -> float:
    """Of docker's client over TLS: the median of five."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        engine.over_tls("ps").ok()
        times.append(time.monotonic() - began)
    return sorted(times)[2]


def private_bytes(engine: Engine) -> int:
    text = Path(f"/proc/{engine.daemon.pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Private_"))
