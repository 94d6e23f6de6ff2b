"""Law of order: how other subjects' accesses fall between a subject's own changes nothing that is its own."""

import math

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import FEATURES
from ostiary.vocabulary.events import AccessEvent

BASE = AccessEvent("e", "default", 1_700_000_000 * 10**9, "ann", "read", "database", "db/orders", ip="10.0.0.1")
OWN = [place for place, spec in enumerate(FEATURES) if spec.needs == ("subject",)]
others = st.lists(st.tuples(st.sampled_from(["bob", "eve"]), st.sampled_from(["db/orders", "logs"])), max_size=12)


def own_rows(mine: list[AccessEvent], theirs: list[AccessEvent], order: list[int]) -> list[list[float]]:
    """Return the subject's own features at each of its accesses; ``order`` says who comes next."""
    book, rows, waiting = ProfileBook("default"), [], [list(reversed(mine)), list(reversed(theirs))]
    for who in [*order, *[0] * len(mine), *[1] * len(theirs)]:
        if not waiting[who]:
            continue
        event = waiting[who].pop()
        if who == 0:
            row = features.extract(event, book.view(event))
            rows.append([-1.0 if math.isnan(row[place]) else row[place] for place in OWN])
        book.learn(event)
    return rows


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["db/orders", "db/customers", "logs"]), min_size=1, max_size=12),
    others,
    st.lists(st.integers(0, 1), max_size=24),
    st.lists(st.integers(0, 1), max_size=24),
)
def test_the_order_of_unrelated_subjects_changes_nothing(
    mine: list[str], theirs: list[tuple[str, str]], one: list[int], other: list[int]
) -> None:
    ann = [
        msgspec.structs.replace(BASE, time_ns=BASE.time_ns + number * 10**13, resource_id=what)
        for number, what in enumerate(mine)
    ]
    strangers = [
        msgspec.structs.replace(BASE, time_ns=BASE.time_ns + number * 10**12, subject_id=who, resource_id=what)
        for number, (who, what) in enumerate(theirs)
    ]
    assert len(OWN) > 60
    assert own_rows(ann, strangers, one) == own_rows(ann, strangers, other)
