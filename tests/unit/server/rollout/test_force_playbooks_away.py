"""Whoever makes the log slow neither drops a model's playbook for good nor lets loose what a person held back."""

from typing import Any

import pytest

from ostiary.errors import UnavailableError

Stage = Any  # the fixture of this folder
CONTROL = "playbook:contain"


@pytest.mark.parametrize("model", [True, False])
def test_while_nobody_can_tell_a_playbook_has_no_phase(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, model: bool
) -> None:
    """A plan is made once: off stayed off for good, and a playbook that a person held back had its file's own word."""
    playbooks = stage.house.rollout.playbooks
    playbooks.phase(stage.tenant, CONTROL, model=model)

    def away(*_: object) -> None:
        raise UnavailableError("storage_unavailable", "the database failed")

    monkeypatch.setattr(stage.house.rollout.chain, "look", away)
    stage.clock.advance(5.0)
    with pytest.raises(UnavailableError, match="cannot be told now"):
        playbooks.phase(stage.tenant, CONTROL, model=model)


def test_while_nobody_can_tell_no_control_stands_anywhere(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stood in telemetry then, and whoever demotes or promotes would have begun from there."""
    stage.promote("step_up")

    def away(*_: object) -> None:
        raise UnavailableError("storage_unavailable", "the database failed")

    monkeypatch.setattr(stage.house.rollout.chain, "look", away)
    stage.clock.advance(5.0)
    with pytest.raises(UnavailableError, match="cannot be told now"):
        stage.house.rollout.phase(stage.tenant, "step_up")
