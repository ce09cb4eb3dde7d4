"""Starting somebody else's program with the descriptors it is to have."""

from __future__ import annotations

from fcntl import F_DUPFD_CLOEXEC, fcntl

from rung import posix
from rung.undo import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HIGH = 64


def spawn(argv: Sequence[str], environment: Mapping[str, str], fds: Mapping[int, int]) -> int:
    """Its pid. ``fds``: the number that it sees -> a descriptor of ours; of these it gets copies, of others none
    that close at exec. Raises ``OSError``."""
    with Closing() as closing:
        # Copies with high numbers first, so that no number on one side is overwritten before it is used.
        moved = {number: closing.add(fcntl(fd, F_DUPFD_CLOEXEC, _HIGH)) for number, fd in fds.items()}
        actions = [(posix.POSIX_SPAWN_DUP2, fd, number) for number, fd in moved.items()]
        return posix.posix_spawn(
            argv[0], list(argv), dict(environment), file_actions=actions, setsigdef=range(1, 32), setsigmask=()
        )
