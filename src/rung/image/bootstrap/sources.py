"""Which package archives an image of a distribution is built from. Pure: text in, lines out.

Rule: an archive is always one that its distribution's own keyring signs. Where the
machine runs the same distribution its mirrors are taken (they are what it can reach),
else the distribution's public one.
sources.list(5).
"""

from __future__ import annotations

from rung.image.errors import BootstrapError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Distribution(Record):
    """A distribution that can be bootstrapped. ``suites`` maps what people say to codenames."""

    name: str
    mirror: str
    security_mirror: str
    components: str
    keyrings: tuple[str, ...]
    keyring_package: str
    suites: dict[str, str]
    #: Suites that have neither updates nor security archives.
    rolling: frozenset[str]


_KEYRINGS = "/usr/share/keyrings"

DEBIAN = Distribution(
    name="debian",
    mirror="http://deb.debian.org/debian",
    security_mirror="http://deb.debian.org/debian-security",
    components="main",
    keyrings=(f"{_KEYRINGS}/debian-archive-keyring.pgp", f"{_KEYRINGS}/debian-archive-keyring.gpg"),
    keyring_package="debian-archive-keyring",
    suites={
        "latest": "trixie", "stable": "trixie", "oldstable": "bookworm", "testing": "forky", "unstable": "sid",
        "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky",
        "bullseye": "bullseye", "bookworm": "bookworm", "trixie": "trixie", "forky": "forky", "sid": "sid",
    },
    rolling=frozenset({"sid"}),
)  # fmt: skip
UBUNTU = Distribution(
    name="ubuntu",
    mirror="http://archive.ubuntu.com/ubuntu",
    security_mirror="http://security.ubuntu.com/ubuntu",
    components="main universe",
    keyrings=(f"{_KEYRINGS}/ubuntu-archive-keyring.gpg",),
    keyring_package="ubuntu-keyring",
    suites={
        "latest": "noble", "rolling": "questing",
        "22.04": "jammy", "24.04": "noble", "25.10": "questing", "26.04": "resolute",
        "jammy": "jammy", "noble": "noble", "questing": "questing", "resolute": "resolute",
    },
    rolling=frozenset(),
)  # fmt: skip
DISTRIBUTIONS = {one.name: one for one in (DEBIAN, UBUNTU)}


def parse_name(name: str) -> tuple[Distribution, str, bool]:
    """``debian:trixie-slim`` as ``(distribution, suite, slim)``."""
    word, _, tag = name.partition(":")
    distribution = DISTRIBUTIONS.get(word)
    if distribution is None:
        known = ", ".join([*DISTRIBUTIONS, "busybox"])
        raise BootstrapError("bootstrap", name, "is not one that can be bootstrapped", f"known are {known}")
    slim = tag.endswith("-slim")
    wanted = tag.removesuffix("-slim") or "latest"
    suite = distribution.suites.get(wanted)
    if suite is None:
        known = ", ".join(sorted(set(distribution.suites)))
        raise BootstrapError("bootstrap", name, f"{word} has no {wanted} here", f"known are {known}")
    return distribution, suite, slim


def archives(distribution: Distribution, suite: str, mirrors: Iterable[tuple[str, str]], own: str) -> list[str]:
    """One ``URI SUITE COMPONENTS`` for each archive. ``mirrors`` are the machine's ``(URI, suite)``;
    ``own`` is the mirror that the caller names, which wins over both."""
    main, security = distribution.mirror, distribution.security_mirror
    if own:
        main, security = own, own if distribution is UBUNTU else security
    else:
        for uri, found in mirrors:
            base, _, pocket = found.partition("-")
            if base not in distribution.suites.values() or not uri.startswith(("http:", "https:")):
                continue
            if pocket.startswith("security"):
                security = uri
            elif not pocket:
                main = uri
    lines = [f"{main} {suite} {distribution.components}"]
    if suite not in distribution.rolling:
        lines.append(f"{main} {suite}-updates {distribution.components}")
        lines.append(f"{security} {suite}-security {distribution.components}")
    return lines


def mirrors_of(text: str, *, deb822: bool) -> list[tuple[str, str]]:
    """``(URI, suite)`` of what a sources file of the machine names."""
    return list(_deb822(text) if deb822 else _one_line(text))


def _one_line(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words[:1] != ["deb"]:
            continue
        words = words[1:]
        if words and words[0].startswith("["):
            while words and not words.pop(0).endswith("]"):
                pass
        if len(words) >= 2:
            yield words[0].rstrip("/"), words[1].rstrip("/")


def _deb822(text: str) -> Iterable[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for paragraph in "\n".join(lines).split("\n\n"):
        fields: dict[str, str] = {}
        key = ""
        for line in paragraph.splitlines():
            if line[:1].isspace():
                fields[key] = f"{fields.get(key, '')} {line.strip()}"
            else:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield uri.rstrip("/"), suite.rstrip("/")
