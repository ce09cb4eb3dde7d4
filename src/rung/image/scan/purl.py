"""Package URLs: ``pkg:deb/debian/openssl@3.0.15-1~deb12u1?arch=amd64&distro=debian-12``.

Package-URL specification (ECMA-427) and its types: names of pypi are lower case with ``-``, of golang
lower case; rpm's epoch is a qualifier; qualifiers are sorted by their keys.
"""

from __future__ import annotations

from urllib.parse import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.scan.packages import OsRelease, Package

_VENDORS = {"rhel": "redhat", "sles": "suse", "sled": "suse", "ol": "oracle"}


def purl(package: Package, system: OsRelease | None) -> str:
    """A package's URL; ``system`` is what its image runs."""
    namespace, name, version = "", package.name, package.version
    qualifiers: dict[str, str] = {}
    if package.system:
        vendor = system.id if system else ""
        namespace = _VENDORS.get(vendor, vendor)
        if package.architecture:
            qualifiers["arch"] = package.architecture
        if system:
            qualifiers["distro"] = f"{system.id}-{system.version or system.codename}".rstrip("-")
        if package.kind == "rpm" and ":" in version:
            qualifiers["epoch"], version = version.split(":", 1)
    elif package.kind == "pypi":
        name = name.lower().replace("_", "-")
    else:  # npm's scope, Go's path
        namespace, _, name = name.rpartition("/")
        if package.kind == "golang":
            namespace, name = namespace.lower(), name.lower()
    path = "/".join(_quoted(part) for part in (*namespace.split("/"), name) if part)
    query = "&".join(f"{key}={_quoted(value)}" for key, value in sorted(qualifiers.items()))
    return f"pkg:{package.kind}/{path}@{_quoted(version)}" + (f"?{query}" if query else "")


def _quoted(text: str) -> str:
    # "the ':' MUST NOT be percent-encoded"; '~' is unreserved.
    return quote(text, safe=":")
