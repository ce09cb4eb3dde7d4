"""Configurations to start from."""

from __future__ import annotations

from typing import Any

from rung.runtime.plan.compile import compile_container
from rung.runtime.plan.request import Plan, Request
from rung.runtime.plan.steps import Step

NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")


def config(**linux: Any) -> dict[str, Any]:
    """As ``runc spec`` writes it, in short."""
    return {
        "ociVersion": "1.2.0",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["true"],
            "env": ["PATH=/bin", "A=1", "A=2"],
            "cwd": "/",
            "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]},
            "noNewPrivileges": True,
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1024}],
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "box",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in NAMESPACES],
            "maskedPaths": ["/proc/kcore"],
            "readonlyPaths": ["/proc/sys"],
            **linux,
        },
    }


def plan(document: dict[str, Any], **request: Any) -> Plan:
    return compile_container(Request("box", "/bundle", document, **request))  # type: ignore[arg-type]


def of(kind: type[Step], made: Plan) -> list[Any]:
    return [step for step in made.steps if type(step) is kind]


def order(made: Plan, *kinds: type[Step]) -> list[str]:
    """The names of those steps in the order they come."""
    return [type(step).__name__ for step in made.steps if type(step) in kinds]
