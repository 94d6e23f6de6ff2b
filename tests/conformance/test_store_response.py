"""What every store of responses does: all or nothing, compare and set, no gaps; one tenant never sees another's."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from stores import EVERY, Stores

from ostiary.response.ports import Card, Cards
from ostiary.storage.sqlite import open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_cards import MemoryCards

CARD = Card("acme", "step", "s1", "ready", b"{}", topic="t", subject="user:ann", due_ns=5, made_ns=5)


@pytest.fixture(params=EVERY)
def cards(request: pytest.FixtureRequest, stores: Stores) -> Iterator[Cards]:
    if request.param == "memory":
        yield MemoryCards()
    else:
        yield stores(request.param).cards


def named(name: str, **more: object) -> Card:
    return msgspec.structs.replace(CARD, name=name, **more)


def test_cards_are_added_together_or_not_at_all(cards: Cards) -> None:
    assert cards.add([CARD, named("s2")])
    assert not cards.add([msgspec.structs.replace(CARD, state="other"), named("s3")])
    assert cards.find("acme", "step", "s1") == CARD
    assert cards.find("acme", "step", "s3") is None
    assert not cards.add([])


def test_free_names_are_added_and_the_others_stay(cards: Cards) -> None:
    cards.add([CARD])
    cards.add_free([msgspec.structs.replace(CARD, state="other"), named("s2"), named("s2", state="twin")])
    assert [(card.name, card.state) for card in cards.listed("acme", "step", [], 9)] == [
        ("s2", "ready"),
        ("s1", "ready"),
    ]


def test_only_who_saw_the_newest_version_changes_a_card(cards: Cards) -> None:
    cards.add([CARD])
    changed = cards.replace(CARD, msgspec.structs.replace(CARD, state="done", due_ns=0, data=b"[]"))
    assert changed is not None
    assert (changed.version, changed.state) == (1, "done")
    assert cards.find("acme", "step", "s1") == changed
    assert cards.replace(CARD, msgspec.structs.replace(CARD, state="lost")) is None
    assert cards.replace(changed, msgspec.structs.replace(changed, state="again")) is not None
    assert cards.replace(named("nobody"), CARD) is None


def test_of_many_who_race_one_wins(cards: Cards) -> None:
    cards.add([CARD])
    won: list[object] = []

    def race(number: int) -> None:
        if cards.replace(CARD, msgspec.structs.replace(CARD, state=f"by-{number}")):
            won.append(number)
        cards.add_numbered(named(f"n{number}", topic="race"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    numbers = [card.number for card in cards.listed("acme", "step", [], 99) if card.topic == "race"]
    assert sorted(numbers) == list(range(1, 9))


def test_numbers_have_no_gap_and_no_double(cards: Cards) -> None:
    assert [cards.add_numbered(named(f"n{i}")).number for i in range(3)] == [1, 2, 3]
    assert cards.add_numbered(named("n1", state="other")).number == 2
    assert cards.add_numbered(named("n3")).number == 4
    assert cards.add_numbered(named("n0", topic="other")).number == 1
    assert cards.add_numbered(named("o1", topic="other")).number == 1
    assert cards.add_numbered(named("n9", tenant="beta")).number == 1


def test_what_is_due_comes_in_order_from_all_tenants(cards: Cards) -> None:
    cards.add([CARD, named("late", due_ns=9), named("never", due_ns=0), named("done", state="done")])
    cards.add([named("theirs", tenant="beta", due_ns=3)])
    assert [card.name for card in cards.due("step", ["ready"], 8, 9)] == ["theirs", "s1"]
    assert [card.name for card in cards.due("step", ["ready", "done"], 9, 2)] == ["theirs", "done"]
    assert cards.due("case", ["ready"], 99, 9) == []


def test_lists_are_newest_first_and_the_tenants_own(cards: Cards) -> None:
    cards.add([CARD, named("s2", made_ns=7), named("s3", made_ns=6, state="done")])
    cards.add([named("theirs", tenant="beta")])
    assert [card.name for card in cards.listed("acme", "step", [], 9)] == ["s2", "s3", "s1"]
    assert [card.name for card in cards.listed("acme", "step", ["ready"], 1)] == ["s2"]
    assert [card.name for card in cards.about("acme", "step", "t", "ready", 9)] == ["s1", "s2"]
    assert [card.name for card in cards.about("acme", "step", "t", "ready", 1)] == ["s1"]
    assert (cards.count("step", ["ready"]), cards.count("step", ["done", "ready"])) == (3, 4)
    assert (cards.waiting("acme", "step", "t", ["ready"]), cards.waiting("beta", "step", "x", ["ready"])) == (2, 0)


def test_old_cards_and_forgotten_people_go(cards: Cards) -> None:
    cards.add([CARD, named("new", made_ns=8), named("open", state="open"), named("bob", subject="user:bob")])
    cards.add([named("theirs", tenant="beta")])
    assert cards.erase_subject("acme", "user:bob") == 1
    assert cards.erase_subject("acme", "") == 0
    assert cards.prune("step", ["ready"], 8) == 2
    assert [card.name for card in cards.listed("acme", "step", [], 9)] == ["new", "open"]


def test_a_tenant_is_forgotten_on_disk(tmp_path: Path) -> None:
    with open_store(tmp_path / "ostiary.db", FakeClock()) as store:
        store.cards.add([msgspec.structs.replace(CARD, data=b"a secret matter")])
        store.cards.add_numbered(named("n1"))
        store.forget_tenant("acme")
        assert store.cards.listed("acme", "step", [], 9) == []
        assert store.cards.add_numbered(named("n1")).number == 1
        files = b"".join(path.read_bytes() for path in tmp_path.glob("ostiary.db*"))
        assert b"a secret matter" not in files
