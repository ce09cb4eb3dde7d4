"""What a container may not: capabilities, hidden paths, system calls, new privileges."""

from __future__ import annotations

from rung import jsonc
from rung.engine import defaults
from rung.engine.errors import BadParameter, EngineError
from rung.spec.runtime.names import CAPABILITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


def capabilities(host: Mapping[str, Any]) -> list[str]:
    """Docker's set, with what was added and dropped; ``ALL`` means all that the kernel may have."""
    if host.get("Privileged"):
        return list(CAPABILITIES)
    add, drop = (_names(host.get(field) or (), field) for field in ("CapAdd", "CapDrop"))
    if "ALL" in add:
        kept = set(CAPABILITIES) - drop
    elif "ALL" in drop:
        kept = add
    else:
        kept = (set(defaults.CAPABILITIES) | add) - drop
    return [name for name in CAPABILITIES if name in kept]


def _names(given: Sequence[str], field: str) -> set[str]:
    found = set()
    for name in given:
        upper = name.upper()
        full = upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"
        if full != "ALL" and full not in CAPABILITIES:
            raise BadParameter(f'invalid {field}: unknown capability: "{full}"')
        found.add(full)
    return found


def capability_sets(host: Mapping[str, Any], uid: int) -> dict[str, list[str]]:
    """The five sets. None is inheritable (CVE-2022-24769); a user other than root begins with none."""
    names = capabilities(host)
    own = names if uid == 0 else []
    return {"bounding": names, "effective": own, "permitted": own}


def options(host: Mapping[str, Any]) -> dict[str, list[str]]:
    """``SecurityOpt`` by name: ``seccomp=unconfined``, ``no-new-privileges``, with ``:`` as well as ``=``."""
    found: dict[str, list[str]] = {}
    for word in host.get("SecurityOpt") or ():
        name, given, value = word.partition("=")
        if not given:
            name, given, value = word.partition(":")
        if name not in (
            "seccomp",
            "no-new-privileges",
            "apparmor",
            "label",
            "systempaths",
            "writable-cgroups",
            "mask",
        ):
            # As Docker counts: 1 for a word that is no pair, 2 for a pair that it does not know.
            raise EngineError(f'invalid --security-opt {2 if given else 1}: "{word}"')
        found.setdefault(name, []).append(value)
    return found


def no_new_privileges(host: Mapping[str, Any]) -> bool:
    """Whether executing a file never adds any."""
    given = options(host).get("no-new-privileges")
    return given is not None and given[-1] in ("", "true")


def paths(host: Mapping[str, Any]) -> dict[str, list[str]]:
    """Masked and read-only paths: none where privileged, or as given (null: Docker's)."""
    if host.get("Privileged") or "unconfined" in options(host).get("systempaths", ()):
        return {"maskedPaths": [], "readonlyPaths": []}
    masked, readonly = host.get("MaskedPaths"), host.get("ReadonlyPaths")
    return {
        "maskedPaths": list(defaults.MASKED_PATHS if masked is None else masked),
        "readonlyPaths": list(defaults.READONLY_PATHS if readonly is None else readonly),
    }


def seccomp(host: Mapping[str, Any]) -> dict[str, Any]:
    """The filter: Docker's default, a profile that came with the request, or none."""
    given = options(host).get("seccomp", [""])[-1]
    if given == "unconfined" or (host.get("Privileged") and given in ("", "builtin")):
        return {}
    from rung.engine.document.filter import default_filter, from_profile

    if given in ("", "builtin"):
        return {"seccomp": default_filter(capabilities(host))}
    try:
        profile = jsonc.loads(given)
    except ValueError as error:
        raise BadParameter(f"Decoding seccomp profile failed: {error}") from None
    return {"seccomp": from_profile(profile, capabilities(host))}
