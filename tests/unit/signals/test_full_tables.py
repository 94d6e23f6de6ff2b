"""Learning goes on when a bounded table is full, even when it drops what was just learned."""

import pytest

from ostiary.signals.book import ProfileBook
from ostiary.vocabulary.events import AccessEvent, EventOutcome

NS = 1_000_000_000
BEGIN_S = 1_772_000_000


def event(number: int, resource_type: str, resource_id: str, **changes: str) -> AccessEvent:
    told = {"subject_id": "ann", "ip": "203.0.113.7", "device_id": "laptop", **changes}
    return AccessEvent(
        event_id=str(number),
        tenant="default",
        time_ns=(BEGIN_S + number) * NS,
        action="read",
        resource_type=resource_type,
        resource_id=resource_id,
        outcome=EventOutcome.SUCCESS,
        **told,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("often", [1, 2, 5])
def test_one_subject_touches_more_than_a_table_holds(often: int) -> None:
    book = ProfileBook("default")
    for number in range(3_000):
        for again in range(often if number < 1_500 else 1):
            book.learn(event(10 * number + again, f"kind{number % 700}", f"thing-{number}/part-{number}"))
    assert book.view(event(40_000, "kind1", "thing-1/part-1")).known


def test_many_subjects_fill_the_shared_tables() -> None:
    book = ProfileBook("default")
    for number in range(6_000):
        book.learn(
            event(
                number,
                "kind",
                f"thing-{number}",
                subject_id=f"s{number % 50}",
                ip=f"10.{number % 250}.{number // 250}.1",
            )
        )
    assert len(book) == 50
