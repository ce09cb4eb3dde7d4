"""Frozen typed records that cost nothing to import.

``dataclasses`` takes 19 ms of CPU to import, which is twice what starting the
interpreter takes, and ``rung-runtime`` is started five times for each container.
A record here is what a frozen, slotted dataclass would be: fields are the class's
annotations in order (base classes first), defaults are class attributes, equality
and ``repr`` go by value. Type checkers see a dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, dataclass_transform
else:

    def dataclass_transform(**_options: bool) -> Any:
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """A value: immutable, compared by its fields."""

    fields: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        own = [name for name, kind in cls.__annotations__.items() if kind[:8] != "ClassVar"]
        cls.fields = (*cls.fields, *own)
        given = {name: cls.__dict__[name] for name in own if name in cls.__dict__}
        if given:
            cls.defaults = {**cls.defaults, **given}

    def __init__(self, *args: Any, **named: Any) -> None:
        cls = type(self)
        values = self.__dict__
        if not named and len(args) == len(cls.fields):
            values.update(zip(cls.fields, args))
            return
        if len(args) > len(cls.fields):
            raise TypeError(f"{cls.__name__} takes {len(cls.fields)} fields, got {len(args)}")
        values.update(cls.defaults)
        values.update(zip(cls.fields, args))
        values.update(named)
        if len(values) != len(cls.fields) or named.keys() - set(cls.fields):
            missing = [n for n in cls.fields if n not in values]
            unknown = [n for n in named if n not in cls.fields]
            raise TypeError(f"{cls.__name__}: missing {missing}, unknown {unknown}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot set {name}")

    def replace(self, **named: Any) -> Any:
        """The same record with some fields changed."""
        return type(self)(**{**self.__dict__, **named})

    def values(self) -> tuple[Any, ...]:
        """The field values in order."""
        return tuple(map(self.__dict__.__getitem__, type(self).fields))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self.values()))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={self.__dict__[name]!r}" for name in type(self).fields)
        return f"{type(self).__name__}({inside})"
