"""How far a stream came, kept as a card that one process at a time may move.

Rules:

- A number belongs to a record for ever: the cursor says which record of the log comes next and which number the last
  one had, both in one write. Whoever counts on from there counts alike, after a crash too.
- Whoever works holds the card until ``due_ns``; a process that died holds it no longer than that, and one that comes
  back late cannot move it any more (compare and set).
- Other contents make another stream of the same name: it counts from 1 on, under a source of its own.
"""

from typing import Final

import msgspec

from ostiary.response.ports import NEVER, Card, Cards

DRAWER: Final = "stream"
STATE: Final = "kept"


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a stream came.

    Attributes:
        index: the log's next entry to look at.
        sequence: the number of the last event that arrived or was given up.
        stream: the stream's own number, from 1 on.
        previous: the last number of the stream before this one.
        fault: why nothing arrives now; empty when it does.
        since_ns: since when nothing arrives.
    """

    index: int
    sequence: int = 0
    stream: int = 1
    contents: tuple[str, ...] = ()
    previous: int = 0
    fault: str = ""
    since_ns: int = 0


class CursorBook:
    """The cursors of all streams."""

    def __init__(self, cards: Cards) -> None:
        """Keep them among ``cards``."""
        self._cards = cards

    def read(self, tenant: str, name: str) -> Cursor | None:
        """Return how far a stream came, ``None`` when it never began."""
        card = self._cards.find(tenant, DRAWER, name)
        return None if card is None else msgspec.json.decode(card.data, type=Cursor)

    def begin(self, tenant: str, name: str, cursor: Cursor, now_ns: int) -> None:
        """Keep a first cursor, unless there is one."""
        data = msgspec.json.encode(cursor)
        self._cards.add_free([Card(tenant, DRAWER, name, STATE, data, topic=name, made_ns=now_ns)])

    def hold(self, tenant: str, name: str, now_ns: int, lease_ns: int) -> Card | None:
        """Take a stream's card for a time; ``None`` while another one holds it."""
        card = self._cards.find(tenant, DRAWER, name)
        # A holder's moment that lies further ahead than any lease is a clock that went back, and holds nobody off.
        if card is None or now_ns < card.due_ns <= now_ns + lease_ns:
            return None
        return self._cards.replace(card, msgspec.structs.replace(card, due_ns=now_ns + lease_ns))

    def move(self, card: Card, cursor: Cursor, due_ns: int = NEVER) -> Card | None:
        """Keep a new cursor; ``None`` when another one holds the card by now."""
        return self._cards.replace(card, msgspec.structs.replace(card, data=msgspec.json.encode(cursor), due_ns=due_ns))
