"""The simulated organisation tells enough that most of the catalogue has something to say, and draws no dice for it."""

from typing import Final

import msgspec
import pytest

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.features import INDEX, NAMES
from ostiary.signals.replay import replay
from ostiary.testing.organisation import Organisation

GROUPS: Final = ("token", "place", "posture", "account", "data", "workload", "language", "behaviour")


def test_most_features_have_a_value_at_most_accesses() -> None:
    organisation = Organisation(people=20, days=10)
    enricher = Enricher(organisation.catalogue())
    told = [0] * len(NAMES)
    counts = []
    for _, row in replay(map(enricher.enrich, organisation.history()), ProfileBook("default")):
        known = [value == value for value in row]  # noqa: PLR0124 - NaN is not itself
        told = [total + one for total, one in zip(told, known, strict=True)]
        counts.append(sum(known))
    assert sum(total > 0 for total in told) >= 400
    assert sorted(counts)[len(counts) // 2] >= 340, "of a usual access"


def test_what_is_told_beside_the_access_changes_nothing_else() -> None:
    rich, bare = Organisation(people=12, days=3), Organisation(people=12, days=3, rich=False)
    nothing = dict.fromkeys(GROUPS)
    assert [msgspec.structs.replace(event, **nothing) for event in rich.history()] == bare.history()
    assert all(event.token is not None and event.place is not None for event in rich.history())


@pytest.mark.parametrize("story", ["2am-dba", "stolen-session"])
def test_a_thief_shows_in_token_hands_and_place(story: str) -> None:
    organisation = Organisation(people=20, days=10)
    enricher, book = Enricher(organisation.catalogue()), ProfileBook("default")
    for event in map(enricher.enrich, organisation.history()):
        book.learn(event)
    seen: list[list[float]] = []
    for event in map(enricher.enrich, organisation.story(story).events):
        seen.append(features.extract(event, book.view(event)))
        book.learn(event)
    row = seen[-1]
    assert row[INDEX["behaviour_llr"]] > 0
    assert row[INDEX["token_unbound"]] == 1.0
    assert row[INDEX["network_new"]] == 1.0
    assert row[INDEX["journey_from_home"]] > 5.0, "more than 150 km"
    if story == "stolen-session":
        assert row[INDEX["token_device_moved"]] == 1.0
        assert max(values[INDEX["journey_speed"]] for values in seen) > 7.0, "more than 1,000 km/h"
