"""An alarm that comes while somebody closes its case, or while many write in it, is not lost."""

import pytest
from typing_extensions import override

from ostiary.errors import UnavailableError
from ostiary.response.cases import DRAWER, CaseBook, Verdict
from ostiary.response.ports import Card
from ostiary.testing.memory_cards import MemoryCards


class Hasty(MemoryCards):
    """Cards of which somebody closes the open case right after it was found; or which always change meanwhile."""

    closing = True
    busy = False

    @override
    def about(self, tenant: str, drawer: str, topic: str, state: str, limit: int) -> list[Card]:
        found = super().about(tenant, drawer, topic, state, limit)
        if self.closing and drawer == DRAWER:
            self.closing = False
            for card in found:
                CaseBook(self).close(tenant, card.name, "adm_1", 2, Verdict.BENIGN)
        return found

    @override
    def replace(self, before: Card, after: Card) -> Card | None:
        return None if self.busy else super().replace(before, after)


def open_case(book: CaseBook, key: str) -> str:
    return book.open("acme", "look", topic="t", key=key, by="playbook:x", now_ns=1, links=(f"decision:{key}",)).case_id


def test_an_alarm_that_finds_its_case_closed_opens_another() -> None:
    cards = Hasty()
    cards.closing = False
    book = CaseBook(cards)
    first = open_case(book, "1")
    cards.closing = True
    second = open_case(book, "2")
    assert first != second
    assert [case.case_id for case in book.listed("acme", "open")] == [second]


def test_a_case_in_which_many_write_is_tried_again_later() -> None:
    cards = Hasty()
    cards.closing = False
    book = CaseBook(cards)
    open_case(book, "1")
    cards.busy = True
    with pytest.raises(UnavailableError):  # a step that is refused would have failed for good
        open_case(book, "2")
