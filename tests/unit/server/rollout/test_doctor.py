"""What ``ostiary doctor`` says of phases: who set them without asking, what rots in shadow, what does not verify."""

from typing import Any

import msgspec

from ostiary.server.checkup import State, _rollout
from ostiary.server.rollout.chain import KIND
from ostiary.server.settings import load

DAY = 86_400


def found(house: Any, tenant: str) -> list[tuple[State, str]]:
    told = [one for one in _rollout(house) if tenant in one.text or "configuration" in one.text]
    return [(one.state, one.text) for one in told]


def test_doctor_tells_of_phases(stage: Any) -> None:
    stage.changes.demote(stage.wish("step_up"))
    assert found(stage.house, stage.tenant) == []
    stage.clock.advance(41 * DAY)
    (stalled,) = [text for _, text in found(stage.house, stage.tenant) if "step_up@everybody" in text]
    assert "stalled for 41 days" in stalled
    bold = load(None, environ={}, options={"phases": {"deny": "high_impact"}}).settings
    told = found(msgspec.structs.replace(stage.house, settings=bold), stage.tenant)
    assert (State.MIND, "`deny` is in high_impact by the configuration: nobody agreed to it") in told
    stage.house.log.append(stage.tenant, KIND, "phs_forged", 1, b"{}", "").result()
    assert State.WRONG in {state for state, _ in found(stage.house, stage.tenant)}
