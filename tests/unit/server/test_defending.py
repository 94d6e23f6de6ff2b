"""Another baseline: the same days make the same deed whenever it is asked about, and nothing else is put in force."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from ostiary.defence.anchors import BASELINE_DAYS
from ostiary.errors import RefusedError
from ostiary.server.defending.drifts import drifts_of, replace, replacement
from ostiary.server.places import Places
from ostiary.server.settings import Settings
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.rollout import FakeQuorum
from ostiary.vocabulary.events import AccessEvent, EventOutcome

if TYPE_CHECKING:
    from ostiary.decision.parts import Decided

DAY_NS = 86_400 * 10**9
BEGIN_NS = 1_700_000_000 * 10**9
ANN = "user:ann"


def lived(house: House, days: range) -> None:
    rng = Random(7)  # noqa: S311 - a simulation
    for day in days:
        for _ in range(3):
            at = BEGIN_NS // DAY_NS * DAY_NS + day * DAY_NS + int((10.0 + rng.gauss(0.0, 1.0)) * 3_600 * 10**9)
            count = rng.choice((3.0, 9.0, 30.0))
            event = AccessEvent(
                f"{at}", "default", at, "ann", "read", "table", "x", count=count, outcome=EventOutcome.SUCCESS
            )
            told = msgspec.Raw(b'{"drift":{"alarm":false}}')
            record = SimpleNamespace(tenant="default", risk=SimpleNamespace(level="low"), session_risk=None, input=told)
            house.drift.observe(cast("Decided", SimpleNamespace(event=event, record=record)), quiet=True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock = FakeClock(BEGIN_NS)
    with open_house(Places(tmp_path), Settings(), clock, lambda _code, _fault: None) as made:
        lived(made, range(BASELINE_DAYS + 2))
        yield made


def test_agreed_days_become_the_baseline_and_no_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    people = FakeQuorum()
    monkeypatch.setattr(house.drift._baselines, "_quorum", people)
    deed, frozen_ns = replacement(house, "default", ANN)
    assert replacement(house, "default", ANN) == (deed, frozen_ns), "asking again asks for the same"
    assert deed.own == {ANN}, "and never that person agrees"
    with pytest.raises(RefusedError, match="no such proposal"):
        replace(house, "default", ANN, "apr_1")
    people.agree("apr_1", deed)
    lived(house, range(BASELINE_DAYS + 2, BASELINE_DAYS + 4))
    with pytest.raises(RefusedError, match="something else"):
        replace(house, "default", ANN, "apr_1")
    now_wanted, _ = replacement(house, "default", ANN)
    people.agree("apr_2", now_wanted)
    assert replace(house, "default", ANN, "apr_2").serial == 2
    (row,) = drifts_of(house, "default").rows
    assert (row.subject, row.alarms, row.worst, row.days) == (ANN, (), 0.0, 0)


def test_who_has_none_or_is_another_tenants_is_unknown(house: House) -> None:
    house.tenants.create("acme")
    for tenant, subject in (("acme", ANN), ("default", "user:nobody"), ("default", "")):
        with pytest.raises(RefusedError) as refused:
            replacement(house, tenant, subject)
        assert refused.value.code == "baseline_unknown"
    assert drifts_of(house, "acme").rows == ()


def test_a_baseline_that_is_not_believed_alarms_on_the_page_too(house: House) -> None:
    for one in house.store.snapshots.all("default", "drift"):
        house.store.snapshots.save("default", "drift", one.name, b"\xff", BEGIN_NS)
    found = drifts_of(house, "default")
    assert found.alarms == 1
    assert found.rows[0].fault == "drift_state_malformed"
