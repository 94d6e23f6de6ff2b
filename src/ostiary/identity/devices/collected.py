"""What a device manager collected, before it is signed as a report: the posture, the system, and when that was."""

from typing import Any

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.dates import SECOND_NS


class Collected(msgspec.Struct, frozen=True):
    """One device's state as a manager knows it; ``posture`` holds only what was told, ``at_ns`` is 0 when untold."""

    posture: dict[str, Any]
    os: str = ""
    at_ns: int = 0

    def claims(self) -> dict[str, Any]:
        """Return what a report tells beside the posture."""
        return {"collected": self.at_ns // SECOND_NS} if self.at_ns else {}


def faulty(code: str, text: str, line: int) -> FaultyInputError:
    """Return the error of one line of input."""
    return FaultyInputError(code, f"line {line}: {text}", f"line {line}")
