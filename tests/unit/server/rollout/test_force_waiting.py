"""Whoever makes the log slow does not switch the models off, and holds up nobody who decides."""

import threading
import time
from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.storage.hurry import hurrying
from ostiary.vocabulary.rollout import NOWHERE

Stage = Any  # the fixture of this folder


@pytest.fixture
def away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the log unreadable."""

    def begin() -> None:
        def refuse(*_: object) -> None:
            raise UnavailableError("storage_unavailable", "the database failed")

        monkeypatch.setattr(stage.house.rollout.chain, "look", refuse)

    return begin


def test_what_was_read_holds_on_for_three_seconds_and_then_nothing_is_decided(stage: Stage, away: Any) -> None:
    rollout = stage.house.rollout
    stage.promote("step_up")
    before = rollout.phases(stage.tenant, NOWHERE).phases
    away()
    stage.clock.advance(2.0)
    assert rollout.phases(stage.tenant, NOWHERE).phases == before  # not telemetry: a control that acts goes on acting
    assert "phases_unavailable" in stage.faults
    stage.clock.advance(2.0)
    with pytest.raises(UnavailableError, match="cannot be told now"):
        rollout.phases(stage.tenant, NOWHERE)


def test_it_is_read_again_by_itself(stage: Stage, away: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = stage.house.rollout
    before = rollout.phases(stage.tenant, NOWHERE).phases
    away()
    stage.clock.advance(5.0)
    with pytest.raises(UnavailableError):
        rollout.phases(stage.tenant, NOWHERE)
    monkeypatch.undo()
    stage.clock.advance(1.5)
    assert rollout.phases(stage.tenant, NOWHERE).phases == before


def test_one_looks_and_the_others_go_on_or_are_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = stage.house.rollout
    before = rollout.phases(stage.tenant, NOWHERE).phases
    looking, go, looks = threading.Event(), threading.Event(), []
    look = rollout.chain.look

    def slow(tenant: str) -> Any:
        looks.append(tenant)
        looking.set()
        go.wait(10)
        return look(tenant)

    monkeypatch.setattr(rollout.chain, "look", slow)
    stage.clock.advance(2.0)
    first = threading.Thread(target=rollout.phases, args=(stage.tenant, NOWHERE))
    first.start()
    assert looking.wait(10)
    assert rollout.phases(stage.tenant, NOWHERE).phases == before  # two seconds old: fresh enough
    stage.clock.advance(2.0)
    begin = time.monotonic()
    with hurrying(), pytest.raises(UnavailableError):
        rollout.phases(stage.tenant, NOWHERE)
    assert time.monotonic() - begin < 1.0
    go.set()
    first.join()
    assert looks == [stage.tenant]
