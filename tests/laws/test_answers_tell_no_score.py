"""What is told of a decision is a function of its effect: no score, level, threshold or rule of a model shows in it.

Each case is decided at many scores and uncertainties; all answers with one effect must be the same, to the byte. So a
thief who asks learns the effect and nothing else, whatever he compares.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.cases.test_decision_cases import FOLDER, decide, load

from ostiary.artifacts.shipped import policies_dir
from ostiary.decision.explain import explain
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.server.challenge import step_up_challenge
from ostiary.server.step_up.asked import _asked, step_up_of
from ostiary.vocabulary.effects import Effect

NAMES = ["risk-steps-up", "risk-uncertain-on-secret", "risk-critical-caps-the-model", "article-after-step-up"]
SCORES = [number / 40 for number in range(40)] + [0.981, 0.991, 0.9985, 1.0]
PHASES = [None, "low_risk", "shadow", {"session_lifetime": "low_risk"}]


@pytest.fixture(scope="module")
def engine() -> Iterator[OpaEngine]:
    opened = OpaEngine(Bundle.load(policies_dir()))
    yield opened
    opened.close()


def decided(engine: OpaEngine, name: str, phases: Any) -> Iterator[Any]:
    case = load(FOLDER / f"{name}.yaml")
    case |= {} if phases is None else {"phases": phases}
    for score in SCORES:
        for uncertainty in (0.1, 0.9):
            yield decide({**case, "risk": {"score": score, "uncertainty": uncertainty}}, engine)
    yield decide({**case, "risk": {"unavailable": "risk_late"}}, engine)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("phases", PHASES)
def test_answers_with_one_effect_are_one_answer(engine: OpaEngine, name: str, phases: Any) -> None:
    told: dict[str, set[bytes]] = {}
    for one in decided(engine, name, phases):
        told.setdefault(one.record.outcome.effect.name, set()).add(msgspec.json.encode(one.answer))
    assert len(told) >= (1 if phases == "shadow" else 2), "the scores must reach more than one effect"
    assert {effect: len(answers) for effect, answers in told.items()} == dict.fromkeys(told, 1)


def test_neither_challenge_nor_page_tells_more_than_the_answer(engine: OpaEngine) -> None:
    steps = [one for one in decided(engine, "risk-uncertain-on-secret", None) if one.record.outcome.effect == 2]
    assert len({step_up_challenge(one) for one in steps}) == 1
    pages = [_asked(one.record, asked, "acr", 0) for one in steps if (asked := step_up_of(one.record)) is not None]
    assert len({msgspec.json.encode(page) for page in pages}) == 1


def test_the_record_keeps_what_the_answer_does_not_tell(engine: OpaEngine) -> None:
    top = list(decided(engine, "risk-critical-caps-the-model", None))[-3]
    assert top.record.outcome.effect == Effect.STEP_UP
    assert {"critical_cap", "rule:risk-terminate"} <= set(top.record.outcome.reasons)
    assert "human_review" in {one.type for one in top.record.obligations}
    why = explain(top.record)
    assert why.risk["score"] == 1.0
    answer = msgspec.json.encode(top.answer).decode()
    assert not any(word in answer for word in ("critical_cap", "TERMINATE", "risk-terminate", "risk-deny", "score"))
