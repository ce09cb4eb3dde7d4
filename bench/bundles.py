"""The bundles that are measured: the default ``spec`` without a terminal, a busybox root file system.

On a tmpfs, so that nobody's disk is measured.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import measure

APPLETS = ("true", "sh", "sleep", "cat", "echo")


class Ground:
    """A tmpfs with one root file system; bundles are made on it. ``close`` takes it away."""

    def __init__(self, spec_command: list[str], busybox: Path) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="rung-bench-"))
        subprocess.run(["mount", "-t", "tmpfs", "rung-bench", self.place], check=True)
        self.rootfs = self.place / "rootfs"
        (self.rootfs / "bin").mkdir(parents=True)
        shutil.copy2(busybox, self.rootfs / "bin/busybox")
        for applet in APPLETS:
            (self.rootfs / "bin" / applet).symlink_to("busybox")
        for name in ("proc", "dev", "sys"):
            (self.rootfs / name).mkdir()
        spec = self.place / "spec"
        spec.mkdir()
        subprocess.run(spec_command, cwd=spec, check=True)
        self.template: dict[str, Any] = json.loads((spec / "config.json").read_text())

    def bundle(self, name: str, args: list[str], namespaces: tuple[str, ...] = (), *, cgroup: bool = True) -> Path:
        """A bundle that runs ``args``, in the namespaces of the template or in those given; its
        cgroup lies below the bench's, or is one for each container."""
        config = json.loads(json.dumps(self.template))
        config["process"].update(terminal=False, args=args)
        config["root"]["path"] = str(self.rootfs)
        if cgroup:
            config["linux"]["cgroupsPath"] = f"/{measure.CGROUP}/{name}"
        if namespaces:
            config["linux"]["namespaces"] = [{"type": each} for each in namespaces]
            config.pop("hostname", None)
        bundle = self.place / name
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(config, indent=2))
        return bundle

    def close(self) -> None:
        """Unmount and remove."""
        subprocess.run(["umount", self.place], check=True)
        self.place.rmdir()
