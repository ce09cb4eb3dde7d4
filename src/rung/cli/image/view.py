"""What ``rung images`` and ``rung image inspect`` show: docker's fields of an image.

Pure but for the clock: images in, rows and JSON values out.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from rung.cli.output import age
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from rung.image import Image

COLUMNS = {
    "REPOSITORY": "Repository",
    "TAG": "Tag",
    "IMAGE ID": "ID",
    "CREATED": "CreatedSince",
    "SIZE": "Size",
}
_DIGEST_COLUMNS = {
    "REPOSITORY": "Repository",
    "TAG": "Tag",
    "DIGEST": "Digest",
    "IMAGE ID": "ID",
    "CREATED": "CreatedSince",
    "SIZE": "Size",
}
_PATH = re.compile(r"\{\{\s*(json\s+)?\.([\w.]*)\s*\}\}")


def columns(*, digests: bool) -> dict[str, str]:
    """The table's headings and the fields below them."""
    return _DIGEST_COLUMNS if digests else COLUMNS


def image_rows(images: Iterable[Image], *, truncate: bool = True) -> list[dict[str, str]]:
    """A row for each name."""
    return [_row(image, truncate) for image in images]


def _row(image: Image, truncate: bool) -> dict[str, str]:
    moment = seconds_of(image.created)
    return {
        "Repository": image.reference.familiar_name,
        "Tag": image.reference.tag or "<none>",
        "ID": image.id.short if truncate else str(image.id),
        "Digest": str(image.digest),
        "CreatedSince": f"{age(moment)} ago" if moment is not None else "N/A",
        "CreatedAt": image.created,
        "Size": human_size(image.size_bytes),
        "Platform": str(image.platform),
    }


def seconds_of(text: str) -> float | None:
    """A time of RFC 3339 (up to nanoseconds) in seconds since 1970; None where it is none."""
    plain = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def human_size(size_bytes: int) -> str:
    """Three digits and a decimal unit, as docker prints them: ``124MB``."""
    value, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    text = f"{value:.3g}"
    return f"{float(text):g}{units[0]}"


def inspected(image: Image, names: Sequence[str]) -> dict[str, Any]:
    """What docker's ``image inspect`` says. ``names``: all names of the image."""
    config = image.config
    return {
        "Id": str(image.id),
        "RepoTags": list(names),
        "RepoDigests": [f"{image.reference.familiar_name}@{image.digest}"],
        "Comment": config.history[-1].comment if config.history else "",
        "Created": config.created,
        "Author": config.author,
        "Config": image.run_config,
        "Architecture": config.platform.architecture,
        "Variant": config.platform.variant,
        "Os": config.platform.os,
        "Size": image.size_bytes,
        "RootFS": {"Type": "layers", "Layers": [str(diff_id) for diff_id in config.diff_ids]},
        "Descriptor": image.descriptor.to_json(),
    }


def expand(template: str, value: dict[str, Any]) -> str:
    """``{{.Config.Env}}`` and ``{{json .Config}}`` of an inspected image."""

    def found(match: re.Match[str]) -> str:
        here: Any = value
        for name in filter(None, match[2].split(".")):
            if not isinstance(here, dict) or name not in here:
                raise RungError("--format", f'"{template}"', f"there is no field {match[2]}")
            here = here[name]
        return json.dumps(here) if match[1] or isinstance(here, dict | list) else str(here)

    return _PATH.sub(found, template.replace("\\t", "\t").replace("\\n", "\n"))
