"""Pulling images with Rung and its peers, from one loopback registry into stores on one file system.

    make bench-images ARGS="--cases debian,python --rounds 5"

Every round pulls each case with each contestant once, in another order each time; figures are medians. CPU is that of
all processes that take part but the registry: the contestants' daemons live in the bench's cgroup. The limit is what
the same bytes cost without any container software: curl, sha256sum, igzip into GNU tar. Stores lie on an
ext4 of their own on a loop device, because what is measured is not the machine's disk. The floor is what an EROFS
pull's bytes cost in one program that does nothing else with them.

A guest that gives its free memory back to its host (free page reporting) waits for the host at every page it then takes
again, and that counts as the CPU of who takes it. So memory is taken and freed before each pull.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import imagecases
import measure

ROOT = Path(__file__).resolve().parents[1]
#: The images and the registry that serves them; made once, so they may be kept elsewhere.
KEPT = Path(os.environ.get("RUNG_BENCH_IMAGES") or ROOT / "build/bench-images")
ENVIRONMENT = {**measure.ENVIRONMENT, "HOME": "/root", "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}
PEERS = ("containerd", "docker", "podman", "skopeo+umoci")
OURS = ("rung overlay", "rung erofs")
MANY_FILES = ("debian", "python", "many")
SPIN_UP_S = 30.0


class Contestant:
    """A way to get an image: command lines to pull it and to forget it again."""

    def __init__(self, pull: Callable[[str], list[str]], forget: Callable[[str], list[str]]) -> None:
        self.pull = pull
        self.forget = forget


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-ec", script]


def limit(place: Path, registry: str) -> Contestant:
    """The bytes alone, a layer after the other."""
    into = place / "limit"
    tar = "tar -xp --numeric-owner --xattrs --xattrs-include='*'"

    def pull(case: str) -> list[str]:
        lines = [f"mkdir -p {into}/root"]
        for digest in layers(case):
            lines.append(f"curl -sSf -o {into}/blob http://{registry}/v2/{case}/blobs/{digest}")
            lines.append(f"sha256sum {into}/blob >{into}/sum")
            lines.append(f"igzip -dc {into}/blob | {tar} -C {into}/root")
        return shell("\n".join(lines))

    return Contestant(pull, lambda case: shell(f"rm -rf {into}"))


def floor(place: Path, registry: str) -> Contestant:
    into = place / "floor"
    program = f"{sys.executable} -I {ROOT}/bench/imagefloor.py {registry}"
    return Contestant(
        lambda case: shell(f"mkdir {into}\nexec {program} {case} {into} {' '.join(layers(case))}"),
        lambda case: shell(f"rm -rf {into}"),
    )


def rung(place: Path, registry: str, snapshotter: str) -> Contestant:
    program = shutil.which("rung", path=f"{Path(sys.executable).parent}") or "rung"
    words = [program, "--data-root", f"{place}/rung-{snapshotter}", "--snapshotter", snapshotter]
    return Contestant(
        lambda case: [*words, "pull", "-q", f"{registry}/{case}:1"],
        lambda case: [*words, "rmi", f"{registry}/{case}:1"],
    )


def containerd(place: Path, registry: str, stack: ExitStack) -> Contestant:
    folder = place / "containerd"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
        f'[grpc]\naddress = "{folder}/sock"\n[ttrpc]\naddress = "{folder}/sock.ttrpc"\n'
    )
    words = [found("ctr"), "--address", f"{folder}/sock"]
    stack.enter_context(daemon([found("containerd"), "--config", f"{folder}/config.toml"], folder, [*words, "version"]))
    return Contestant(
        lambda case: [*words, "images", "pull", "--plain-http", "--snapshotter", "overlayfs", f"{registry}/{case}:1"],
        lambda case: [*words, "images", "rm", "--sync", f"{registry}/{case}:1"],
    )


def docker(place: Path, registry: str, stack: ExitStack) -> Contestant:
    folder = place / "docker"
    folder.mkdir()
    words = [found("docker"), "--host", f"unix://{folder}/sock"]
    command = f"""{found("dockerd")} --data-root {folder}/data --exec-root {folder}/exec --pidfile {folder}/pid
        --host unix://{folder}/sock --bridge=none --iptables=false --ip6tables=false --ip-masq=false
        --ip-forward=false --storage-driver overlay2""".split()
    stack.enter_context(daemon(command, folder, [*words, "version"]))
    return Contestant(
        lambda case: [*words, "pull", "-q", f"{registry}/{case}:1"],
        lambda case: [*words, "rmi", f"{registry}/{case}:1"],
    )


def podman(place: Path, registry: str) -> Contestant:
    words = f"""{found("podman")} --root {place}/podman --runroot {place}/podman-run --storage-driver overlay
        --events-backend none --cgroup-manager cgroupfs""".split()
    return Contestant(
        lambda case: [*words, "pull", "-q", "--tls-verify=false", f"{registry}/{case}:1"],
        lambda case: [*words, "rmi", "--all", "--force"],
    )


def skopeo(place: Path, registry: str) -> Contestant:
    into = place / "skopeo"
    return Contestant(
        lambda case: shell(
            f"mkdir {into}\nskopeo copy -q --src-tls-verify=false docker://{registry}/{case}:1 oci:{into}/layout:1\n"
            f"umoci raw unpack --image {into}/layout:1 {into}/rootfs"
        ),
        lambda case: shell(f"rm -rf {into}"),
    )


def contestants(place: Path, registry: str, wanted: Sequence[str], stack: ExitStack) -> dict[str, Contestant]:
    """Those that are wanted and installed, started."""
    made: dict[str, tuple[tuple[str, ...], Callable[[], Contestant]]] = {
        "limit": (("curl", "igzip", "tar"), lambda: limit(place, registry)),
        "floor": ((), lambda: floor(place, registry)),
        "rung overlay": ((), lambda: rung(place, registry, "overlay")),
        "rung erofs": ((), lambda: rung(place, registry, "erofs")),
        "containerd": (("containerd", "ctr"), lambda: containerd(place, registry, stack)),
        "docker": (("docker", "dockerd"), lambda: docker(place, registry, stack)),
        "podman": (("podman",), lambda: podman(place, registry)),
        "skopeo+umoci": (("skopeo", "umoci"), lambda: skopeo(place, registry)),
    }
    chosen = {}
    for name, (programs, make) in made.items():
        missing = [each for each in programs if shutil.which(each) is None]
        if missing:
            print(f"{name}: not installed: {', '.join(missing)}", file=sys.stderr)
        elif not wanted or name in wanted:
            chosen[name] = make()
    return chosen


# --- what all of them need ------------------------------------------------------------------


def found(program: str) -> str:
    return shutil.which(program) or program


def layers(case: str) -> list[str]:
    """The digests of a case's layers."""
    index = json.loads((KEPT / case / "index.json").read_text())
    manifest = KEPT / case / "blobs/sha256" / index["manifests"][0]["digest"][7:]
    return [str(layer["digest"]) for layer in json.loads(manifest.read_text())["layers"]]


@contextmanager
def daemon(command: list[str], folder: Path, ready: list[str]) -> Iterator[int]:
    """A daemon until the context ends, when it answers."""
    with open(folder / "log", "wb") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + SPIN_UP_S
        while subprocess.run(ready, capture_output=True, env=ENVIRONMENT, check=False).returncode:
            if child.poll() is not None or time.monotonic() > deadline:
                raise measure.Failed(f"{command[0]} does not answer:\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def file_system(on: Path, size_gib: int) -> Iterator[Path]:
    """An ext4 of its own on a loop device."""
    folder = Path(tempfile.mkdtemp(prefix="rung-bench-", dir=on))
    place = folder / "mnt"
    place.mkdir()
    try:
        with open(folder / "disk", "wb") as disk:
            disk.truncate(size_gib << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", folder / "disk"], check=True)
        subprocess.run(["mount", "-o", "loop", folder / "disk", place], check=True)
        try:
            yield place
        finally:
            for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
                mounted = line.split()[4]
                if mounted.startswith(f"{place}/") or mounted == str(place):
                    subprocess.run(["umount", "--lazy", mounted], check=False)
    finally:
        shutil.rmtree(folder)


@contextmanager
def docker_registry(cases: Sequence[str]) -> Iterator[str]:
    """``host:port`` of a registry that has the cases."""
    for case in cases:
        imagecases.layout(case, KEPT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    (KEPT / "registry.yml").write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {KEPT}/registry}}}}\nhttp: {{addr: {host}}}\n"
    )
    with daemon([found("docker-registry"), "serve", f"{KEPT}/registry.yml"], KEPT, ["curl", "-sf", f"http://{host}/v2/"]):
        for case in cases:
            pushed = KEPT / "registry/docker/registry/v2/repositories" / case / "_manifests/tags/1"
            if not pushed.exists():
                source, target = f"oci:{KEPT}/{case}:1", f"docker://{host}/{case}:1"
                subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", source, target], check=True)
            urllib.request.urlopen(f"http://{host}/v2/{case}/tags/list", timeout=10).close()
        yield host


def everything_below(pid: int) -> list[int]:
    """A process and its descendants."""
    below = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            below += everything_below(int(child))
    return below


def daemons_of(place: Path) -> list[int]:
    """The processes whose command lines name the bench's file system."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(place).encode() in words and int(folder.name) != os.getpid():
            found += everything_below(int(folder.name))
    return sorted(set(found))


# --- the run -----------------------------------------------------------------------------------


def run(options: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """The medians: ``{case: {contestant: figures}}``."""
    cases = [case for case in imagecases.CASES if not options.cases or case in options.cases.split(",")]
    wanted = options.contestants.split(",") if options.contestants else []
    with ExitStack() as stack:
        registry = stack.enter_context(docker_registry(cases))
        place = stack.enter_context(file_system(Path(options.on), options.size))
        chosen = contestants(place, registry, wanted, stack)
        meter = measure.CpuMeter()
        stack.callback(meter.close)
        meter.adopt(daemons_of(place))
        samples = measure.Samples(meter)
        for round_ in range(options.rounds):
            for case in cases:
                names = list(chosen)
                for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
                    one(samples, case, name, chosen[name])
        table = samples.medians()
        for case in cases:
            for name in chosen if options.memory else ():
                if name in OURS:
                    table[case][name]["rss_mib"] = resident(chosen[name], case)
    return table


def one(samples: measure.Samples, case: str, name: str, contestant: Contestant) -> None:
    measure.take_memory(4 << 30)
    samples.time(case, name, lambda: measure.call(contestant.pull(case), ENVIRONMENT))
    measure.call(contestant.forget(case), ENVIRONMENT)
    os.sync()  # what one has left to be written is not the next one's


def resident(contestant: Contestant, case: str) -> float:
    kib = measure.most_resident_kib(contestant.pull(case), ENVIRONMENT, found("busybox"))
    measure.call(contestant.forget(case), ENVIRONMENT)
    return kib / 1024


# --- the table ------------------------------------------------------------------------------------


def judged(table: dict[str, dict[str, dict[str, float]]]) -> Iterator[tuple[str, float, float]]:
    """``(what, figure, bound)`` of all that the issue promises."""
    for case, row in table.items():
        peers = [row[name]["wall_ms"] for name in PEERS if name in row]
        for name, cpu, wall in (("rung overlay", 1.3, 0.5), ("rung erofs", 0.7, 0.3)):
            if name not in row:
                continue
            ours = row[name]
            if "limit" in row and (name == "rung overlay" or case in MANY_FILES):
                yield f"{case}: {name}, CPU to the limit's", ours["cpu_ms"] / row["limit"]["cpu_ms"], cpu
            if "containerd" in row and case in ("debian", "python"):
                yield f"{case}: {name}, wall to containerd's", ours["wall_ms"] / row["containerd"]["wall_ms"], wall
            if peers and name == "rung overlay":
                yield f"{case}: {name}, wall to the fastest peer's", ours["wall_ms"] / min(peers), 1.0
            if "rss_mib" in ours:
                yield f"{case}: {name}, MiB resident", ours["rss_mib"], 150.0


def report(table: dict[str, dict[str, dict[str, float]]]) -> None:
    """The figures, then the bounds."""
    names = [name for name in ("limit", "floor", *OURS, *PEERS) if any(name in row for row in table.values())]
    print(f"{'ms: wall / CPU':<10}" + "".join(f"{name:>16}" for name in names))
    for case, row in table.items():
        cells = [f"{row[n]['wall_ms']:.0f} / {row[n]['cpu_ms']:.0f}" if n in row else "" for n in names]
        print(f"{case:<14}" + "".join(f"{cell:>16}" for cell in cells))
    print()
    for what, figure, bound in judged(table):
        print(f"{'holds' if figure <= bound else 'BROKEN':<8}{figure:7.2f} (at most {bound:g})  {what}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="", help=",".join(imagecases.CASES))
    parser.add_argument("--contestants", default="", help=",".join(("limit", "floor", *OURS, *PEERS)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--on", default="/dev/shm", help="where the loop device's file lies (%(default)s)")
    parser.add_argument("--size", type=int, default=12, help="of the file system, GiB")
    parser.add_argument("--memory", action="store_true", help="one more pull of ours each, for its resident memory")
    parser.add_argument("--json", default="", help="write the medians there")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its daemons and its file system go with it
    table = run(options)
    report(table)
    if options.json:
        Path(options.json).write_text(json.dumps(table, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
