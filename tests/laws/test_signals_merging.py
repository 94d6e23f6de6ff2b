"""Laws of shards: what two books learned apart is put together in any order and any grouping, and nothing is lost."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.signals import features, merging
from ostiary.signals.book import ProfileBook
from ostiary.signals.profiles import Group, Subject, Thing
from ostiary.signals.shelf import unpacked
from ostiary.vocabulary.events import AccessEvent, EventOutcome

BASE = AccessEvent("e", "default", 1_700_000_000 * 10**9, "ann", "read", "database", "db/orders")
steps = st.lists(
    st.tuples(
        st.sampled_from(["db/orders", "db/customers", "nova/api", "logs"]),
        st.integers(0, 2 * 86_400),
        st.sampled_from(["ann", "bob", "eve", "kim", "max", "zoe"]),
        st.sampled_from([EventOutcome.SUCCESS, EventOutcome.DENIED]),
        st.sampled_from([None, "s1", "s2"]),
        st.sampled_from([(), ("dba",)]),
    ),
    max_size=24,
)
Plan = list[tuple[str, int, str, EventOutcome, str | None, tuple[str, ...]]]


def story(plan: Plan) -> list[AccessEvent]:
    events, now = [], BASE.time_ns
    for number, (what, gap, who, outcome, session, groups) in enumerate(plan):
        now += gap * 10**9
        events.append(
            msgspec.structs.replace(
                BASE, event_id=str(number), time_ns=now, subject_id=who, resource_id=what, outcome=outcome, count=1.0,
                session_id=session, groups=groups, ip=f"10.0.{number % 3}.1", device_id=f"d{number % 2}", bytes=number,
            )
        )  # fmt: skip
    return events


def learned(events: list[AccessEvent]) -> ProfileBook:
    book = ProfileBook("default")
    for event in events:
        book.learn(event)
    return book


def content(book: ProfileBook) -> Any:
    """Return everything in a book without its order; fading numbers to seven decimals."""
    kept = msgspec.msgpack.decode(book.snapshot())
    kept[2] = {who: msgspec.to_builtins(unpacked(data)) for who, data in kept[2].items()}
    return _rounded(kept)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 7) + 0.0
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


def joined(*books: ProfileBook) -> ProfileBook:
    whole = ProfileBook("default")
    for book in books:
        whole.absorb(book.snapshot())
    return whole


def by_subject(events: list[AccessEvent], shards: int) -> list[list[AccessEvent]]:
    return [[event for event in events if ord(event.subject_id[0]) % shards == shard] for shard in range(shards)]


@settings(max_examples=40, deadline=None)
@given(steps, st.booleans())
def test_shards_are_joined_in_any_order_and_any_grouping(plan: Plan, by_name: bool) -> None:  # noqa: FBT001 - drawn
    """Whether shards are cut by subject or share subjects."""
    events = story(plan)
    one, two, three = map(learned, by_subject(events, 3) if by_name else [events[place::3] for place in range(3)])
    whole = content(joined(one, two, three))
    assert content(joined(three, one, two)) == whole
    assert content(joined(joined(one, two), three)) == whole
    assert content(joined(one, joined(two, three))) == whole


@settings(max_examples=40, deadline=None)
@given(steps)
def test_what_shards_counted_is_what_one_book_counts(plan: Plan) -> None:
    """Shards cut by subject: every subject's own part to the bit, and every count of the tenant."""
    events = story(plan)
    shards, one = joined(*map(learned, by_subject(events, 3))), learned(events)
    for who in ("ann", "bob", "eve", "kim", "max", "zoe"):
        for name in ("events", "dims", "totals", "hours", "amount", "recent", "favourites", "timezone"):
            ours, whole = (book._tables.subjects.find(f"user:{who}") for book in (shards, one))
            assert getattr(ours, name, None) == getattr(whole, name, None), name
    mine, theirs = shards._tables, one._tables
    assert (mine.everyone.events, mine.everyone.members) == (theirs.everyone.events, theirs.everyone.members)
    assert mine.everyone.dims == theirs.everyone.dims
    assert mine.everyone.totals == theirs.everyone.totals
    for name in ("resources", "devices", "networks"):
        counts = [
            {
                key: (thing.events, thing.users, thing.first, thing.last, thing.users_mark)
                for key, thing in table.items()
            }
            for table in (getattr(mine, name), getattr(theirs, name))
        ]
        assert counts[0] == counts[1], name


@settings(max_examples=30, deadline=None)
@given(steps)
def test_nothing_joined_changes_nothing(plan: Plan) -> None:
    book = learned(story(plan))
    before = content(book)
    book.absorb(ProfileBook("default").snapshot())
    assert content(book) == before


@settings(max_examples=30, deadline=None)
@given(steps, steps)
def test_a_joined_book_learns_on(plan: Plan, more: Plan) -> None:
    events = story(plan)
    book = joined(learned(events[::2]), learned(events[1::2]))
    for event in story(more):
        later = msgspec.structs.replace(event, time_ns=event.time_ns + 10**15)
        assert len(features.extract(later, book.view(later))) == len(features.NAMES)
        book.learn(later)
    again = ProfileBook("default")
    again.restore(book.snapshot())
    assert content(again) == content(book)


def test_another_tenants_shard_is_refused() -> None:
    with pytest.raises(FaultyInputError) as caught:
        ProfileBook("default").absorb(ProfileBook("other").snapshot())
    assert caught.value.code == "profiles_wrong_tenant"


def test_every_part_of_a_profile_has_a_rule() -> None:
    """A field that is added to the profile and forgotten here would be lost when shards are joined."""
    source = (Path(merging.__file__)).read_text()
    missing = [name for kind in (Subject, Group, Thing) for name in kind.__struct_fields__ if name not in source]
    assert not missing
