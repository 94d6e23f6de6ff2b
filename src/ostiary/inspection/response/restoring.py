"""Pseudonyms in an answer, turned back for the user whose they are, however the stream is cut.

- What is held back is a tail that may still become a pseudonym, and nothing else.
- It stands behind the scan: what it puts back is the user's own, and is not looked for again.

>>> from ostiary.inspection.response.pseudonyms import Pseudonyms
>>> names = Pseudonyms(b"s" * 32, "default", "ada")
>>> name = names.name("pii.email", "ada@lovelace.org")
>>> restoring = Restoring(names)
>>> restoring.feed("wrote to " + name[:20]), restoring.feed(name[20:] + " [x"), restoring.close()
('wrote to ', 'ada@lovelace.org ', '[x')
"""

import re
from typing import Final

from ostiary.inspection.response.pseudonyms import MAX_NAME, Pseudonyms

_TAIL: Final = re.compile(r"\[(?:[a-z][a-z0-9.-]{0,60}(?:~[a-z2-7]{0,900})?)?\Z")


class Restoring:
    """One stream; from one thread at a time."""

    def __init__(self, names: Pseudonyms) -> None:
        """Turn back the names of one user."""
        self._names = names
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what is sure by now."""
        said = self._held + text
        bracket = said.rfind("[", max(len(said) - MAX_NAME, 0))
        cut = bracket if bracket >= 0 and _TAIL.match(said, bracket) else len(said)
        self._held = said[cut:]
        return self._names.restored(said[:cut])

    def close(self) -> str:
        """Return the rest: no pseudonym became of it."""
        held, self._held = self._held, ""
        return held
