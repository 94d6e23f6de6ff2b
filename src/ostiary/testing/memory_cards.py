"""Cards of responses in memory, for tests and demos; the same port that storage implements on disk."""

import threading
from collections.abc import Sequence

import msgspec

from ostiary.response.ports import Card


class MemoryCards:
    """Keeps cards in a dictionary; implements ``response.ports.Cards``."""

    def __init__(self) -> None:
        """Begin empty."""
        self._cards: dict[tuple[str, str, str], Card] = {}
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._lock = threading.RLock()

    def add(self, cards: Sequence[Card]) -> bool:
        """Add all of them, or none; return false when the first one's name is taken."""
        with self._lock:
            if not cards or _name(cards[0]) in self._cards:
                return False
            for card in cards:
                self._cards.setdefault(_name(card), card)
            return True

    def add_free(self, cards: Sequence[Card]) -> None:
        """Add those whose names are free; the others stay as they were."""
        with self._lock:
            for card in cards:
                self._cards.setdefault(_name(card), card)

    def add_numbered(self, card: Card) -> Card:
        """Add one with the next number of its tenant, drawer and topic; a name that is taken keeps its card."""
        with self._lock:
            there = self._cards.get(_name(card))
            if there is not None:
                return there
            series = (card.tenant, card.drawer, card.topic)
            self._numbers[series] = self._numbers.get(series, 0) + 1
            numbered = msgspec.structs.replace(card, number=self._numbers[series])
            self._cards[_name(card)] = numbered
            return numbered

    def replace(self, before: Card, after: Card) -> Card | None:
        """Put ``after`` where ``before`` is; ``None`` when somebody else changed it meanwhile."""
        with self._lock:
            there = self._cards.get(_name(before))
            if there is None or there.version != before.version:
                return None
            changed = msgspec.structs.replace(
                there,
                state=after.state,
                data=after.data,
                topic=after.topic,
                subject=after.subject,
                due_ns=after.due_ns,
                version=before.version + 1,
            )
            self._cards[_name(before)] = changed
            return changed

    def find(self, tenant: str, drawer: str, name: str) -> Card | None:
        """Return one card."""
        return self._cards.get((tenant, drawer, name))

    def due(self, drawer: str, states: Sequence[str], now_ns: int, limit: int) -> list[Card]:
        """Return cards of any tenant whose time has come, the longest due first."""
        found = [card for card in self._of(drawer, states) if 0 < card.due_ns <= now_ns]
        return sorted(found, key=lambda card: (card.due_ns, card.number, card.name))[:limit]

    def listed(self, tenant: str, drawer: str, states: Sequence[str], limit: int) -> list[Card]:
        """Return the newest cards of a tenant, newest first."""
        with self._lock:
            mine = [card for card in self._cards.values() if (card.tenant, card.drawer) == (tenant, drawer)]
        found = [card for card in mine if not states or card.state in states]
        return sorted(found, key=lambda card: (card.made_ns, card.number, card.name), reverse=True)[:limit]

    def about(self, tenant: str, drawer: str, topic: str, state: str, limit: int) -> list[Card]:
        """Return a tenant's cards of one topic and state, by number and then oldest first."""
        found = [card for card in self._of(drawer, (state,)) if (card.tenant, card.topic) == (tenant, topic)]
        return sorted(found, key=lambda card: (card.number, card.made_ns, card.name))[:limit]

    def count(self, drawer: str, states: Sequence[str]) -> int:
        """Return how many cards of all tenants are in these states."""
        return len(self._of(drawer, states))

    def waiting(self, tenant: str, drawer: str, topic: str, states: Sequence[str]) -> int:
        """Return how many of a topic's cards are in these states."""
        return len([card for card in self._of(drawer, states) if (card.tenant, card.topic) == (tenant, topic)])

    def prune(self, drawer: str, states: Sequence[str], before_ns: int) -> int:
        """Remove cards of these states that were made before; return how many."""
        return self._remove([card for card in self._of(drawer, states) if card.made_ns < before_ns])

    def erase_subject(self, tenant: str, subject: str) -> int:
        """Remove every card about a subject; return how many."""
        with self._lock:
            found = [card for card in self._cards.values() if (card.tenant, card.subject) == (tenant, subject)]
        return self._remove(found) if subject else 0

    def _of(self, drawer: str, states: Sequence[str]) -> list[Card]:
        with self._lock:
            return [card for card in self._cards.values() if card.drawer == drawer and card.state in states]

    def _remove(self, cards: Sequence[Card]) -> int:
        with self._lock:
            return sum(self._cards.pop(_name(card), None) is not None for card in cards)


def _name(card: Card) -> tuple[str, str, str]:
    return card.tenant, card.drawer, card.name
