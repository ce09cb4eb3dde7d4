"""Compile Rung's three C programs: the one place that knows how.

``rung-init`` becomes the container; ``rung-untar`` unpacks images' layers; the launcher
(``rung-runtime``) starts Python. Used by the wheel's build hook, by the tests and by hand (``python
tools/native.py`` refreshes ``src/rung/_bin``). Standard library only. What is compiled is
keyed by the content of sources and flags, so that a second call costs nothing.

Linked with musl where the machine has it: a program of glibc's is 0.7 MB, which is copied for
each container, and looks the processor over before it begins (docs/decisions/start-up.md).
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INIT_SOURCES = ROOT / "src/rung/runtime/init"
LAUNCHER_SOURCES = ROOT / "src/rung/runtime/launcher"
#: What the launcher is installed as; its own name decides what it starts.
PROGRAMS = ("rung-runtime", "rung", "rungd", "containerd-shim-rung-v2")
UNTAR_SOURCES = ROOT / "src/rung/image/layer/untar"
INSTALLED_INIT = ROOT / "src/rung/_bin/rung-init"
INSTALLED_UNTAR = ROOT / "src/rung/_bin/rung-untar"

#: Warnings are errors; the program is static, hardened, without what it does not use.
FLAGS = (
    "-std=gnu17 -static -O2 -Wall -Wextra -Werror -fstack-protector-strong "
    "-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections "
    "-Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack -s"
).split()
#: musl-gcc knows musl's headers only; the kernel's come after them.
MUSL = "musl-gcc"
KERNEL_HEADERS = ["/usr/include", f"/usr/include/{sysconfig.get_config_var('MULTIARCH')}"]


class CompileError(Exception):
    """The compiler refused; its own words are in the message."""


def compile_init(out: Path = INSTALLED_INIT) -> Path:
    """``rung-init`` at ``out``."""
    return _compile(INIT_SOURCES, out, [])


def compile_untar(out: Path = INSTALLED_UNTAR) -> Path:
    """``rung-untar`` at ``out``."""
    return _compile(UNTAR_SOURCES, out, [])


def compile_launcher(out: Path, *, home: Path | None = None, python: str = "") -> Path:
    """The launcher at ``out``. ``home``: the directory that holds ``rung/`` where it is not
    installed beside the launcher (editable). ``python``: the interpreter of last resort."""
    defines = [f"-DRUNG_PYTHON={_c_string(python)}"]
    if home is not None:
        defines += [f"-DRUNG_HOME={_c_string(str(home))}", f"-DRUNG_MINOR={sys.version_info[1]}"]
    return _compile(LAUNCHER_SOURCES, out, defines)


def real_interpreter() -> str:
    """The running interpreter's own file: no virtual environment's link, no shim."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return os.path.realpath(base)


def compiler() -> list[str]:
    """``CC`` where it is set, else musl's where there is one, else ``cc``."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    if shutil.which(MUSL) is None:
        return ["cc"]
    return [MUSL, *(word for folder in KERNEL_HEADERS for word in ("-idirafter", folder))]


def _compile(folder: Path, out: Path, defines: list[str]) -> Path:
    sources = sorted(folder.glob("*.c"))
    if not sources:
        raise CompileError(f"no C files in {folder}: is this a whole checkout or source archive?")
    command = [*compiler(), *FLAGS, *defines]
    key = _key(command, [*sources, *sorted(folder.glob("*.h"))])
    stamp = out.with_name(f".{out.name}.key")
    if out.exists() and stamp.exists() and stamp.read_text() == key:
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f".{out.name}.{os.getpid()}")  # renamed: the old one may be running
    try:
        run = subprocess.run([*command, "-o", fresh, *sources], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CompileError(f"no C compiler ({command[0]}): apt-get install gcc libc6-dev") from error
    if run.returncode:
        raise CompileError(f"{shlex.join(map(str, run.args))}\n{run.stderr}")
    fresh.replace(out)
    stamp.write_text(key)
    return out


def _key(command: list[str], files: list[Path]) -> str:
    digest = hashlib.sha256("\0".join(command).encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _c_string(text: str) -> str:
    """A C string literal, every byte an octal escape: no name can end it."""
    return '"' + "".join(f"\\{byte:03o}" for byte in os.fsencode(text)) + '"'


if __name__ == "__main__":
    try:
        print(compile_init(), compile_untar(), sep="\n")
    except CompileError as error:
        sys.exit(str(error))
