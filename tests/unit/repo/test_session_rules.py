"""The static rules that session risk is measured against: each fires on what it is about, and on nothing quiet."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from ostiary.signals.book import ProfileBook
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.facts import NetworkKind, PlaceFacts, PostureFacts, SessionFacts

NS = 10**9
MONDAY_S = 1_772_438_400  # 2026-03-02T08:00:00Z
OWN = AccessEvent(
    "e", "default", MONDAY_S * NS, "ann", "read", "db", "orders", ip="8.8.8.8", country="US", device_id="d",
    ua_family="Firefox", ua_os="Linux", tz_offset_min=0, sensitivity=1, count=5.0, session_id="s",
    posture=PostureFacts(edr_alive=True, rooted=False, attested=True), session=SessionFacts(key="k"),
)  # fmt: skip


@pytest.fixture(scope="module")
def rules(repo: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("session_rules", repo / "benchmarks" / "session_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fired(rules: ModuleType, *changes: dict[str, Any]) -> set[str]:
    book, watch, session = ProfileBook("default"), rules.Rules(), rules.RuleSession()
    for day in range(10):
        book.learn(msgspec.structs.replace(OWN, event_id=f"b{day}", time_ns=OWN.time_ns - (10 - day) * 86_400 * NS))
    for number, change in enumerate(({}, *changes)):
        event = msgspec.structs.replace(OWN, event_id=f"n{number}", time_ns=OWN.time_ns + number * 60 * NS)
        event = msgspec.structs.replace(event, **change)
        watch.observe(session, event, book.view(event))
        book.learn(event)
    return set(session.fired)


def test_a_quiet_session_fires_nothing(rules: ModuleType) -> None:
    assert fired(rules, {}, {}) == set()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"country": "BR"}, "country"),
        ({"country": "BR"}, "travel"),
        ({"device_id": "other"}, "device"),
        ({"ip": "9.9.9.9", "place": PlaceFacts(kind=NetworkKind.HOSTING)}, "network"),
        ({"time_ns": (MONDAY_S + 15 * 3_600) * NS, "sensitivity": 4}, "hours"),
        ({"posture": PostureFacts(rooted=True)}, "posture"),
        ({"session": SessionFacts(key="other")}, "key"),
        ({"session": None}, "key"),
        ({"ua_family": "curl"}, "key"),
        ({"session": SessionFacts(key="k", step_ups_failed=2)}, "step_up"),
    ],
)
def test_each_rule_fires_on_what_it_is_about(rules: ModuleType, change: dict[str, Any], name: str) -> None:
    assert name in fired(rules, change)


def test_rules_that_count_need_so_many(rules: ModuleType) -> None:
    refused = {"outcome": EventOutcome.DENIED}
    waiting = {"session": SessionFacts(key="k", step_up_open=True)}
    assert "failures" not in fired(rules, refused, refused)
    assert "failures" in fired(rules, refused, refused, refused)
    assert "step_up" in fired(rules, waiting, waiting, waiting)
    assert "breadth" in fired(rules, *({"resource_id": f"r{number}"} for number in range(5)))


def test_points_add_up_and_the_amount_breaks_ties(rules: ModuleType) -> None:
    session = rules.RuleSession()
    session.fired, session.amount = {"country", "travel"}, 10.0
    assert session.score(100.0) == pytest.approx(6.0)
    assert session.score(5.0) == pytest.approx(8.0)
    other = rules.RuleSession()
    other.fired, other.amount = {"country", "travel"}, 20.0
    assert other.score(100.0) > session.score(100.0)
