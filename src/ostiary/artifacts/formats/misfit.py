"""What a parser of this room says of a file that is not what it claims.

Every parser raises ``Misfit`` and nothing else, whatever the bytes; ``check_format`` makes the refusal of it.
"""

from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from ostiary.artifacts.formats.limits import FormatLimits

Bytes: TypeAlias = memoryview
_SHOWN: Final = 60


class Misfit(Exception):  # noqa: N818 - it is a verdict, and never leaves the room
    """The bytes are not what they claim.

    Attributes:
        reason: stable code, ``format_…``.
        text: one sentence for a person; what comes of the file is in backticks and shortened.
    """

    def __init__(self, reason: str, text: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(text)
        self.reason = reason
        self.text = text


class Parser(Protocol):
    """Checks one format; returns nothing when all is well."""

    def __call__(self, data: Bytes, limits: FormatLimits, /) -> None:
        """Check ``data``."""
        ...


def shown(value: object) -> str:
    """Return a value of the file for a message: short, on one line, nothing that a terminal obeys."""
    text = value if isinstance(value, str) else str(value)
    cut = text[:_SHOWN]
    return "`" + "".join(c if c.isprintable() and c != "`" else "\ufffd" for c in cut) + "`"


def within(name: str, have: int, most: int) -> None:
    """Refuse more than ``most`` of something.

    Raises:
        Misfit: ``format_too_large``.
    """
    if have > most:
        raise Misfit("format_too_large", f"it has {have} {name}, {most} are allowed")


def product(numbers: Sequence[int], most: int) -> int:
    """Return the product of numbers that are not negative, never larger than ``most`` by more than one factor.

    Raises:
        Misfit: ``format_overflow``.
    """
    if 0 in numbers:
        return 0
    total = 1
    for number in numbers:
        total *= number
        if total > most:
            raise Misfit("format_overflow", "a tensor claims more elements than any file can hold")
    return total
