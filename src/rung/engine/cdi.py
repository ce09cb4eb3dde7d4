"""Devices by their CDI names: ``--device VENDOR/CLASS=NAME``, and ``--gpus``, which means those of ``nvidia.com/gpu``.

The specifications are read when a container starts, as dockerd does: a vendor's tool may have written them just now.
"""

from __future__ import annotations

import os
import stat

from rung import jsonc
from rung.engine.errors import BadParameter, EngineError
from rung.errors import RungError
from rung.spec import cdi, plain_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from rung.spec.cdi import Specification

GPU = "nvidia.com/gpu"
_LARGEST = 8 << 20


def devices(requests: Iterable[Mapping[str, Any]], known: Sequence[Specification]) -> list[str]:
    """The names of what is asked for (HostConfig's DeviceRequests). Raises ``EngineError`` in dockerd's words."""
    found: list[str] = []
    for one in requests:
        driver, ids = str(one.get("Driver") or ""), [str(word) for word in one.get("DeviceIDs") or ()]
        if driver == "cdi":
            found += ids
        elif _is_gpu(driver, one.get("Capabilities") or ()) and any(each.kind == GPU for each in known):
            found += _gpus(int(one.get("Count") or 0), ids, known)
        else:
            said = " ".join(f"[{' '.join(words)}]" for words in one.get("Capabilities") or ())
            raise EngineError(f'could not select device driver "{driver}" with capabilities: [{said}]')
    return found


def _is_gpu(driver: str, capabilities: Iterable[Iterable[str]]) -> bool:
    return driver in ("", "nvidia") and (driver == "nvidia" or any("gpu" in words for words in capabilities))


def _gpus(count: int, ids: list[str], known: Sequence[Specification]) -> list[str]:
    """So many of them (-1: all), or those that are named."""
    if ids and count:
        raise BadParameter("cannot set both Count and DeviceIDs on device request")
    if ids:
        return [one if cdi.is_qualified(one) else f"{GPU}={one}" for one in ids]
    names = list(dict.fromkeys(name for one in known if one.kind == GPU for name in one.devices))
    if count < 0:
        return [f"{GPU}=all"] if "all" in names else [f"{GPU}={name}" for name in names]
    numbered = sorted((name for name in names if name.isdecimal()), key=int)
    return [f"{GPU}={name}" for name in (numbered or [one for one in names if one != "all"])[: count or 1]]


def add(config: dict[str, Any], requests: Sequence[Mapping[str, Any]], directories: Iterable[str]) -> None:
    """Change a configuration as the devices want that were asked for. Raises ``EngineError``."""
    known, wrong = read(directories)
    lacking = cdi.inject(config, devices(requests, known), known, _look)
    if lacking:
        why = f" ({'; '.join(wrong)})" if wrong else ""
        raise EngineError(f"CDI device injection failed: unresolvable CDI devices {', '.join(lacking)}{why}")


def read(directories: Iterable[str]) -> tuple[list[Specification], list[str]]:
    """All specifications, those of later directories behind; and what is wrong with others."""
    found, wrong = [], []
    for directory in directories:
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        for name in names:
            if name.endswith((".json", ".yaml", ".yml")):
                try:
                    found.append(cdi.parse(_document(f"{directory}/{name}")))
                except (RungError, OSError, ValueError, RecursionError) as error:
                    wrong.append(f"{directory}/{name}: {error}")
    return found, wrong


def _document(path: str) -> object:
    with open(path, encoding="utf-8") as file:
        text = file.read(_LARGEST)
    return jsonc.loads(text) if path.endswith(".json") else plain_yaml.loads(text)


def _look(path: str) -> tuple[str, int, int]:
    """What a node of the host's is. Raises ``EngineError``."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise EngineError(f"CDI device injection failed: {path}: {error.strerror}") from None
    kinds = {stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFIFO: "p"}
    kind = kinds.get(stat.S_IFMT(found.st_mode))
    if kind is None:
        raise EngineError(f"CDI device injection failed: {path} is no device node")
    return kind, os.major(found.st_rdev), os.minor(found.st_rdev)
