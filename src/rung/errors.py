"""The root of every error Rung raises on purpose.

    RungError                     operation, object, reason, hint
    +- spec.errors.SpecError      a document breaks its standard: names the field
    +- http1.errors.Malformed     a peer's bytes are not HTTP
    +- kernel.errors.KernelError  a system call failed: names call, arguments, errno
    +- runtime.errors.*           the life of a container
    +- image.errors.*             registries, stores, layers

A command line prints ``str(error)`` (one sentence) and exits with 1; ``--debug``
adds the traceback. Anything that is not a ``RungError`` is a bug of Rung's.
"""

from __future__ import annotations


class RungError(Exception):
    """What failed, on which object, why, and what to do about it.

    ``str()`` reads ``operation object: reason (hint)`` with the empty parts left out, and shows
    what cannot be printed by its number: names and words of others cannot write to a terminal.
    """

    def __init__(self, operation: str, object: str = "", reason: str = "", hint: str = "") -> None:
        super().__init__(operation, object, reason, hint)
        self.operation = operation
        self.object = object
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        subject = " ".join(part for part in (self.operation, self.object) if part)
        sentence = ": ".join(part for part in (subject, self.reason) if part)
        sentence = f"{sentence} ({self.hint})" if self.hint else sentence
        if sentence.isprintable():
            return sentence
        return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in sentence)
