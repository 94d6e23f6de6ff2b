"""The watch over drift in an open house: frozen by itself, told to policy, ended by a proof, never believed blindly."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from ostiary.decision.parts import Decided
from ostiary.defence.anchors import BASELINE_DAYS, REPLACE
from ostiary.errors import RefusedError
from ostiary.server.drifting import BASELINE_KIND, name_of
from ostiary.server.learnable import learnable_of, may_teach, teaches_of
from ostiary.server.places import Places
from ostiary.server.settings import Settings
from ostiary.server.wiring import House, open_house
from ostiary.sessions import SessionChange
from ostiary.sessions.session import ChangeKind
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.events import AccessEvent, EventOutcome

DAY_NS = 86_400 * 10**9
BEGIN_NS = 1_700_000_000 * 10**9
WHO = "user:ann"


def decided(day: int, hour: float, *, count: float = 9.0, level: str = "low", alarm: bool = False) -> Decided:
    """Return a permitted access as the learning thread gets it."""
    at = BEGIN_NS // DAY_NS * DAY_NS + day * DAY_NS + int(hour * 3_600 * 10**9)
    event = AccessEvent(
        f"{day}-{hour}", "default", at, "ann", "read", "table", "sales", count=count, outcome=EventOutcome.SUCCESS
    )
    told = msgspec.Raw(msgspec.json.encode({"drift": {"alarm": alarm}}))
    risk = SimpleNamespace(level=level)
    record = SimpleNamespace(tenant="default", risk=risk, session_risk=None, input=told)
    return cast("Decided", SimpleNamespace(event=event, record=record))


def opened(folder: Path, faults: list[str]) -> House:
    clock = FakeClock(BEGIN_NS)
    return open_house(Places(folder), Settings(), clock, lambda code, _fault: faults.append(code))


def lived(house: House, days: range, drift: float = 0.0) -> None:
    """Let Ann work on some days around ten, later by ``drift`` hours each."""
    rng = Random(7)  # noqa: S311 - a simulation
    for day in days:
        for _ in range(3):
            late = drift * max(0, day - BASELINE_DAYS)
            one = decided(day, min(23.0, 10.0 + rng.gauss(0.0, 1.0) + late), count=rng.choice((3.0, 9.0, 30.0)))
            house.drift.observe(one, quiet=teaches_of(one))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened(tmp_path, []) as made:
        yield made


def test_a_drifter_is_told_to_policy_and_a_proof_ends_it(house: House, tmp_path: Path) -> None:
    lived(house, range(BASELINE_DAYS))
    assert house.drift.drift("default", WHO) is None
    lived(house, range(BASELINE_DAYS, BASELINE_DAYS + 2))
    calm = house.drift.drift("default", WHO)
    assert calm is not None
    assert not calm.alarm
    (frozen,) = house.log.iterate("default", BASELINE_KIND)
    assert b"baseline.frozen" in (frozen.payload or b"")

    lived(house, range(BASELINE_DAYS + 2, BASELINE_DAYS + 40), drift=0.15)
    told = house.drift.drift("default", WHO)
    assert told is not None
    assert told.alarm
    assert "hour:up" in told.measures
    assert house.drift.drift("other", WHO) is None

    house.drift.changed(SessionChange("default", "s", WHO, ChangeKind.PROVEN, BEGIN_NS))
    answered = house.drift.drift("default", WHO)
    assert answered is not None
    assert not answered.alarm
    assert house.drift.replacement("default", WHO, BEGIN_NS).kind == REPLACE
    with pytest.raises(RefusedError) as refused:
        house.drift.replace("default", WHO, BEGIN_NS, "prop_none")
    assert refused.value.code.startswith("approval_")


def test_what_is_kept_survives_a_restart_and_is_not_believed_once_it_was_changed(tmp_path: Path) -> None:
    faults: list[str] = []
    with opened(tmp_path, faults) as house:
        lived(house, range(BASELINE_DAYS + 2))
        kept = house.store.snapshots.load("default", BASELINE_KIND, name_of(WHO))
    with opened(tmp_path, faults) as house:
        found = house.drift.drift("default", WHO)
        assert found is not None
        assert not found.alarm
        assert kept is not None
        house.store.snapshots.save("default", BASELINE_KIND, name_of(WHO), kept[:-1] + b"x", BEGIN_NS)
    with opened(tmp_path, faults) as house:
        found = house.drift.drift("default", WHO)
        assert found is not None
        assert (found.alarm, found.fault) == (True, "baseline_tampered")
        house.store.snapshots.delete("default", BASELINE_KIND, name_of(WHO))
    with opened(tmp_path, faults) as house:
        found = house.drift.drift("default", WHO)
        assert found is not None
        assert (found.alarm, found.fault) == (True, "baseline_missing")
    assert {"baseline_tampered", "baseline_missing"} <= set(faults)


@pytest.mark.parametrize(
    ("told", "teaches"),
    [({}, True), ({"level": "medium"}, False), ({"level": "unknown"}, True), ({"alarm": True}, False)],
)
def test_only_quiet_decisions_teach(told: dict[str, Any], teaches: bool) -> None:  # noqa: FBT001 - a table
    assert may_teach(learnable_of(decided(0, 10.0, **told))) is teaches


def test_who_has_just_proved_himself_teaches_what_looked_odd() -> None:
    one = learnable_of(decided(0, 10.0, level="high"))
    assert one.event is not None
    proven = msgspec.structs.replace(one.event, mfa=True, auth_age_s=20.0)
    assert may_teach(msgspec.structs.replace(one, event=proven))
    stale = msgspec.structs.replace(proven, auth_age_s=20_000.0)
    assert not may_teach(msgspec.structs.replace(one, event=stale))
