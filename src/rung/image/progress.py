"""What long work says about itself while it goes on: data, for bars, lines or an API.

Rule: whoever works calls ``progress(event)``; whoever watches decides what to show.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[["Event"], None]

#: States of a layer, in docker's words.
WAITING, DOWNLOADING, DOWNLOADED = "Waiting", "Downloading", "Download complete"
EXTRACTING, EXISTS, COMPLETE = "Extracting", "Already exists", "Pull complete"
#: And of one that is pushed.
PREPARING, PUSHING, PUSHED = "Preparing", "Pushing", "Pushed"
EXISTS_THERE, MOUNTED, SKIPPED = "Layer already exists", "Mounted from", "Skipped foreign layer"
COPYING, COPIED = "Copying", "Copied"


class Event(Record):
    """``id`` is what it is about (a layer's short digest), empty for the work as a whole.
    ``done`` of ``total`` are bytes; 0 of 0 where there is nothing to count."""

    id: str
    text: str
    done: int = 0
    total: int = 0


def silent(event: Event) -> None:
    """Watch nothing."""
