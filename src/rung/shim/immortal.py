"""Objects whose references are not counted, so that forks which only use them go on sharing their memory.

CPython 3.12 and 3.13 have immortal objects (PEP 683): a reference count that is never changed. They have no function
that makes one, so what the zygote has imported is given ``None``'s count. Whether that works is tried out before on an
object of no use; where it does not (another layout, another version), nothing is done, and shims have 0.6 MB more.

Rule: for what stays until the process ends, and in processes that fork only.
"""

from __future__ import annotations

import gc
import sys
from types import CodeType, FrameType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_VERSIONS = ((3, 12), (3, 13))
_MANY = 1 << 29


def make_immortal() -> int:
    """All objects that are there: how many. 0 where this interpreter does not have it in the way that is known here."""
    if sys.implementation.name != "cpython" or sys.version_info[:2] not in _VERSIONS:
        return 0
    from ctypes import c_ssize_t

    count_at = c_ssize_t.from_address
    never = count_at(id(None)).value
    if never < _MANY or not _is_counted_there(count_at) or not _is_immortal_with(count_at, never):
        return 0
    return _spread(gc.get_objects(), count_at, never)


def _is_counted_there(count_at: Any) -> bool:
    probe = object()
    more = [probe] * 5
    return bool(count_at(id(probe)).value == 1 + len(more))


def _is_immortal_with(count_at: Any, never: int) -> bool:
    """Of an object that is lost by it: a few bytes."""
    probe = object()
    count_at(id(probe)).value = never
    before = sys.getrefcount(probe)
    more = [probe] * 5
    return sys.getrefcount(probe) == before and count_at(id(probe)).value == never and len(more) == 5


def _spread(tracked: list[Any], count_at: Any, never: int) -> int:
    """To these objects and to what they refer to, without what runs just now. An object's own count says that it has
    been here, so that nothing large is left behind in the memory that is to be small."""
    made, at_once = 0, 256
    pending = [tracked[at : at + at_once] for at in range(0, len(tracked), at_once)]
    while pending:
        fresh = []
        for one in pending.pop():
            count = count_at(id(one))
            if count.value != never and not isinstance(one, FrameType) and one is not tracked:
                count.value = never
                made += 1
                fresh.append(one)
                if isinstance(one, CodeType):  # which the collector does not look into
                    pending.append(list(_parts(one)))
        if fresh:
            pending.append(gc.get_referents(*fresh))
    return made


def _parts(code: CodeType) -> Iterable[Any]:
    return code.co_consts, code.co_names, code.co_filename, code.co_name, code.co_qualname, code.co_linetable
