"""What responses keep; ``CardTable`` implements ``response.ports.Cards``."""

from collections.abc import Sequence

import msgspec

from ostiary.response.ports import Card
from ostiary.storage.tables.database import Database, Row


class CardTable:
    """Cards by tenant, drawer and name."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def add(self, cards: Sequence[Card]) -> bool:
        """Add all of them in one transaction, or none; return false when the first one's name is taken."""
        with self._database.transaction() as database:
            if not cards or database.write("add_card", *_row(cards[0])) == 0:
                return False
            database.write_many("add_card", [_row(card) for card in cards[1:]])
            return True

    def add_free(self, cards: Sequence[Card]) -> None:
        """Add those whose names are free, in one transaction; the others stay as they were."""
        self._database.write_many("add_card", [_row(card) for card in cards])

    def add_numbered(self, card: Card) -> Card:
        """Add one with the next number of its tenant, drawer and topic; a name that is taken keeps its card."""
        with self._database.transaction() as database:
            there = database.read_inside("find_card", card.tenant, card.drawer, card.name)
            if there:
                return _card(there[0])
            ((number,),) = database.read_inside("next_number", card.tenant, card.drawer, card.topic)
            numbered = msgspec.structs.replace(card, number=number)
            database.write("add_card", *_row(numbered))
            return numbered

    def replace(self, before: Card, after: Card) -> Card | None:
        """Put ``after`` where ``before`` is; ``None`` when somebody else changed it meanwhile."""
        values = (after.state, after.data, after.topic, after.subject, after.due_ns)
        place = (before.tenant, before.drawer, before.name, before.version)
        if self._database.write("replace_card", *values, *place) == 0:
            return None
        return msgspec.structs.replace(after, version=before.version + 1)

    def find(self, tenant: str, drawer: str, name: str) -> Card | None:
        """Return one card."""
        rows = self._database.read("find_card", tenant, drawer, name)
        return _card(rows[0]) if rows else None

    def due(self, drawer: str, states: Sequence[str], now_ns: int, limit: int) -> list[Card]:
        """Return cards of any tenant whose time has come, the longest due first."""
        return [_card(row) for row in self._database.read("due_cards", drawer, _list(states), now_ns, limit)]

    def listed(self, tenant: str, drawer: str, states: Sequence[str], limit: int) -> list[Card]:
        """Return the newest cards of a tenant, newest first."""
        return [_card(row) for row in self._database.read("listed_cards", tenant, drawer, _list(states), limit)]

    def about(self, tenant: str, drawer: str, topic: str, state: str, limit: int) -> list[Card]:
        """Return a tenant's cards of one topic and state, by number and then oldest first."""
        return [_card(row) for row in self._database.read("cards_about", tenant, drawer, topic, state, limit)]

    def count(self, drawer: str, states: Sequence[str]) -> int:
        """Return how many cards of all tenants are in these states."""
        return int(self._database.read("count_cards", drawer, _list(states))[0][0])

    def waiting(self, tenant: str, drawer: str, topic: str, states: Sequence[str]) -> int:
        """Return how many of a topic's cards are in these states."""
        return int(self._database.read("count_topic_cards", tenant, drawer, topic, _list(states))[0][0])

    def prune(self, drawer: str, states: Sequence[str], before_ns: int) -> int:
        """Remove cards of these states that were made before; return how many."""
        return self._database.write("prune_cards", drawer, _list(states), before_ns)

    def erase_subject(self, tenant: str, subject: str) -> int:
        """Overwrite and remove every card about a subject; return how many."""
        return self._database.erase("erase_cards_of_subject", [(tenant, subject)]) if subject else 0


def _row(card: Card) -> tuple[object, ...]:
    # The columns stand in the order of the members.
    return msgspec.structs.astuple(card)


def _card(row: Row) -> Card:
    return Card(*row)


def _list(states: Sequence[str]) -> str:
    return msgspec.json.encode(list(states)).decode()
