"""Names of the worlds that versions belong to: ``debian:12``, ``alpine:3.18``, ``pypi``.

Rule: a feed's name for a world and an image's os-release meet in the same text, made here and
nowhere else.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.scan.packages import OsRelease

#: Code name -> VERSION_ID.
DEBIAN = {
    "wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12",
    "trixie": "13", "forky": "14", "duke": "15", "sid": "sid", "unstable": "sid",
}  # fmt: skip
UBUNTU = {
    "trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04",
    "kinetic": "22.10", "lunar": "23.04", "mantic": "23.10", "noble": "24.04", "oracular": "24.10",
    "plucky": "25.04", "questing": "25.10", "resolute": "26.04",
}  # fmt: skip
#: What this operating system's package manager installs.
_KINDS = {"debian": "deb", "ubuntu": "deb", "alpine": "apk", "wolfi": "apk", "chainguard": "apk"}
_LANGUAGES = {"pypi": "pypi", "npm": "npm", "go": "golang"}
_OSV_OS = {
    "debian": "debian", "ubuntu": "ubuntu", "alpine": "alpine", "wolfi": "wolfi", "chainguard": "chainguard",
    "rocky linux": "rocky", "almalinux": "almalinux", "red hat": "rhel", "opensuse": "opensuse", "suse": "sles",
    "azure linux": "azurelinux", "openeuler": "openeuler", "mageia": "mageia",
}  # fmt: skip
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_ROLLING = ("wolfi", "chainguard")


def kind_of(ecosystem: str) -> str:
    """The kind of its packages."""
    name = ecosystem.partition(":")[0]
    return name if name in _LANGUAGES.values() else _KINDS.get(name, "rpm")


def of_package(kind: str) -> str:
    """The world of a language's packages."""
    return kind


def of_osv(text: str) -> str:
    """OSV's ``Debian:12``, ``Ubuntu:22.04:LTS``, ``PyPI``; empty for what is not matched here."""
    name, _, rest = text.partition(":")
    if name.lower() in _LANGUAGES:
        return _LANGUAGES[name.lower()]
    system = _OSV_OS.get(name.lower(), "")
    if not system or rest.startswith("Pro:"):  # fixes that only subscribers get
        return ""
    number = _NUMBER.search(rest)
    return system if system in _ROLLING else f"{system}:{_cut(system, number[0])}" if number else ""


def of_os(system: OsRelease) -> str:
    """The world of an image's system packages."""
    name = system.id
    if name in ("debian", "raspbian"):
        return f"debian:{system.version or DEBIAN.get(system.codename, 'sid')}"
    if name in ("sles", "sled", "sle-micro"):
        name = "sles"
    elif name.startswith("opensuse"):
        name = "opensuse"
    elif name not in _OSV_OS.values():
        known = [like for like in system.like if like in ("debian", "ubuntu", "rhel")]
        name = known[0] if known and known[0] == "rhel" else name
    if name in _ROLLING:
        return name
    if name == "alpine" and ("_" in system.version or not system.version):
        return "alpine:edge"
    return f"{name}:{_cut(name, system.version)}"


def of_suite(suite: str) -> str:
    """``bookworm-security``, ``jammy-updates``; empty for others."""
    codename = suite.strip().lower().partition("-")[0].partition("/")[0]
    if codename in DEBIAN:
        return f"debian:{DEBIAN[codename]}"
    return f"ubuntu:{UBUNTU[codename]}" if codename in UBUNTU else ""


def of_version(version: str) -> str:
    """What a Debian version's own end tells: ``3.0.15-1~deb12u1``, ``1.2-3+deb11u4``; else empty."""
    match = re.search(r"[~+]deb(\d+)u\d+", version)
    return f"debian:{match[1]}" if match else ""


def of_secdb(version: str) -> str:
    """secdb's ``distroversion``: ``v3.18``, ``edge``; Wolfi's has none."""
    number = _NUMBER.search(version)
    return f"alpine:{_cut('alpine', number[0])}" if number else "alpine:edge" if version == "edge" else ""


def _cut(system: str, version: str) -> str:
    """As much of a version as its advisories go by."""
    parts = version.split(".")
    return ".".join(parts[: 1 if system in ("rocky", "almalinux", "rhel", "debian", "centos", "fedora") else 2])


def package_name(ecosystem: str, name: str) -> str:
    """A package's name as it is looked up (PEP 503 for Python's)."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "pypi" else name
