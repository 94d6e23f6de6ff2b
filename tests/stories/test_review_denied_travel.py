"""A refused try from afar does not make the next one look at home."""

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.vocabulary.events import AccessEvent, EventOutcome

HOUR_NS = 3_600_000_000_000
BEGIN_NS = 497_000 * HOUR_NS
TRAVEL = ("country_changed", "country_settled", "zone_shift_last")


def access(number, *, country, offset, outcome):
    return AccessEvent(
        f"e{number}",
        "default",
        BEGIN_NS + number * HOUR_NS,
        "ann",
        "read",
        "repository",
        "billing",
        outcome=outcome,
        country=country,
        ip="8.8.8.8" if country == "US" else "200.147.3.157",
        tz_offset_min=offset,
        device_id="laptop" if country == "US" else "unknown",
        mfa=True,
    )


def seen(book, event):
    row = features.extract(event, book.view(event))
    return [row[features.INDEX[name]] for name in TRAVEL]


def test_denied_tries_teach_nothing_of_place_and_device():
    book = ProfileBook("default")
    for number in range(60):
        book.learn(access(number, country="US", offset=-300, outcome=EventOutcome.SUCCESS))
    first = access(61, country="BR", offset=-180, outcome=EventOutcome.UNKNOWN)
    before = seen(book, first)
    for number in (61, 62, 63):
        book.learn(access(number, country="BR", offset=-180, outcome=EventOutcome.DENIED))
    again = access(64, country="BR", offset=-180, outcome=EventOutcome.UNKNOWN)
    after = seen(book, again)
    assert before[0] == after[0] == 1.0
    assert after[1] >= before[1]
    assert after[2] == before[2] > 0
