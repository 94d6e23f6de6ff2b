"""Ids of events that only the connection which got them can resume by.

A server may keep the events of all its streams in one place, and hand out whatever an id names. So each id goes to the
client with a proof of whose it is (HMAC under a key of this process), and comes back without it.

>>> marks = Marks(b"k" * 32)
>>> given = marks.give("ada|c1", "7")
>>> marks.take("ada|c1", given), marks.take("bob|c2", given), marks.take("ada|c1", "7")
('7', None, None)
"""

import hashlib
import hmac
from typing import Final

MAX_ID: Final = 1024
_DOT: Final = "."
_DIGITS: Final = 32


class Marks:
    """Gives and takes ids."""

    def __init__(self, key: bytes) -> None:
        """Prove with ``key``."""
        self._key = key

    def give(self, owner: str, event_id: str) -> str:
        """Return the id as its owner sees it; an empty text for one that cannot be resumed by."""
        if not event_id or len(event_id) > MAX_ID or not event_id.isprintable() or not event_id.isascii():
            return ""
        return f"{self._proof(owner, event_id)}{_DOT}{event_id}"

    def take(self, owner: str, given: str) -> str | None:
        """Return the server's id; ``None`` when it is not this owner's."""
        proof, dot, event_id = given.partition(_DOT)
        expected = self._proof(owner, event_id)
        return event_id if dot and hmac.compare_digest(proof.encode(), expected.encode()) else None

    def _proof(self, owner: str, event_id: str) -> str:
        return hmac.new(self._key, f"{owner}\n{event_id}".encode(), hashlib.sha256).hexdigest()[:_DIGITS]
