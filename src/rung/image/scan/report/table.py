"""A scan for people: a line a vulnerability, or a line a package where none were looked for."""

from __future__ import annotations

from rung.image.layer.names import show
from rung.image.scan.severity import SEVERITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.scan.match import Finding
    from rung.image.scan.scanned import Scanned

_TITLE = 60


def render(scanned: Scanned, format: str) -> str:
    """Lines."""
    system = scanned.os.name if scanned.os else "no operating system"
    lines = [f"{scanned.name} ({system}): {len(scanned.packages)} packages"]
    if scanned.findings is None:
        heads: tuple[str, ...] = ("PACKAGE", "VERSION", "TYPE", "LAYER", "PATH")
        rows = [_printable(p.name, p.version, p.kind, p.layer, "/" + show(p.path)) for p in scanned.packages]
    else:
        heads = ("PACKAGE", "INSTALLED", "FIXED IN", "TYPE", "VULNERABILITY", "SEVERITY", "LAYER", "TITLE")
        rows = [_row(finding) for finding in scanned.findings]
        counts = {word: sum(one.severity == word for one in scanned.findings) for word in SEVERITIES}
        tally = ", ".join(f"{word}: {count}" for word, count in counts.items())
        lines.append(f"Total: {len(scanned.findings)} ({tally})")
    if rows:
        widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
        lines.append("")
        lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in (heads, *rows)]
    return "\n".join(lines) + "\n"


def _row(finding: Finding) -> tuple[str, ...]:
    package = finding.package
    title = finding.title if len(finding.title) <= _TITLE else finding.title[: _TITLE - 3] + "..."
    fixed = finding.fixed or f"({finding.status})"
    return _printable(package.name, package.version, fixed, package.kind, finding.id,
                      finding.severity, package.layer, title)  # fmt: skip


# What packages and feeds say is not trusted with a terminal.
def _printable(*cells: object) -> tuple[str, ...]:
    return tuple(show(str(cell).encode("utf-8", "replace")) for cell in cells)
