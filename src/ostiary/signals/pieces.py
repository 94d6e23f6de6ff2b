"""One record on its way: its bytes as they stood in the stream, and what became of it."""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.vocabulary.events import AccessEvent

MAX_RECORD: Final = 1 << 20


class Shape(StrEnum):
    """How records lie in a file: JSON lines or one JSON document, plain lines, or a table with a header."""

    JSON = "json"
    LINES = "lines"
    TABLE = "table"


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One record's bytes and its first line; ``fault`` is a reason code and says why there are none."""

    line: int
    data: bytes
    fault: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """An access event and the line on which its record begins."""

    line: int
    event: AccessEvent


class Rejected(msgspec.Struct, frozen=True):
    """A record that became no event: its line, a reason code, and one sentence."""

    line: int
    code: str
    text: str


class EventCounts(msgspec.Struct):
    """How many records were read and what became of them: ``read = accepted + rejected``."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    codes: dict[str, int] = {}

    def count(self, outcome: Accepted | Rejected) -> None:
        """Count one record."""
        self.read += 1
        if isinstance(outcome, Accepted):
            self.accepted += 1
        else:
            self.rejected += 1
            self.codes[outcome.code] = self.codes.get(outcome.code, 0) + 1
