"""Law: whatever a model says, the shipped guardrails answer the same; higher scores never make the rules relent.

The decision gives the guardrails a document without any score. Even a document into which somebody smuggled one, with
the very members that the adaptive rules read, changes nothing.
"""

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.policy.monotone import made_up

BUNDLE = Bundle.load(policies_dir())
EXAMPLES = BUNDLE.all_data["examples"]
ENGINE = OpaEngine(BUNDLE)

_SCORES = st.floats(0, 1) | st.sampled_from([0.0, 0.2, 0.35, 0.4, 0.6, 0.8, 0.95, 0.98, 0.99, 0.998, 0.999, 1.0])
_RISKS = st.fixed_dictionaries(
    {
        "available": st.booleans(),
        "reason": st.sampled_from(["", "risk_no_model", "risk_late"]),
        "score": _SCORES | st.none() | st.text(max_size=3),
        "level": st.sampled_from(["low", "medium", "high", "unknown"]),
        "uncertainty": st.floats(0, 1),
        "model": st.just("sha256:m"),
        "signals": st.lists(st.sampled_from(["hour", "network"]), max_size=2),
    }
)
_ODD = st.none() | st.booleans() | st.integers(-3, 9) | st.floats(allow_nan=False) | st.text(max_size=4)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Return a request near the examples: any sensitivity, place, device, sign-in, action and session."""
    request: dict[str, Any] = copy.deepcopy(EXAMPLES[draw(st.sampled_from(sorted(EXAMPLES)))])
    request["resource"]["sensitivity"] = draw(st.sampled_from([None, 0, 1, 2, 3, 4]))
    request["resource"]["critical"] = draw(st.booleans())
    request["resource"]["labels"] = draw(st.lists(st.sampled_from(["production", "internal-only"]), unique=True))
    request["action"]["class"] = draw(st.sampled_from(["admin", "delete", "export", "list", "other", "read", "write"]))
    request["device"]["managed"] = draw(st.sampled_from([True, False, None]))
    request["network"]["trusted"] = draw(st.booleans())
    request["session"]["state"] = draw(st.sampled_from(["active", "terminated", "unknown"]))
    identity = request["subject"]["identity"]
    identity["assurance"] = draw(st.sampled_from(["token", "asserted"]))
    identity["acr"] = draw(st.sampled_from(["", "urn:ostiary:acr:mfa", "urn:ostiary:acr:phishing-resistant"]))
    identity["auth_age_s"] = draw(st.none() | st.floats(0, 100_000))
    return request


@given(requests(), _RISKS, st.dictionaries(st.sampled_from(["floor", "rules", "x"]), _ODD))
@settings(deadline=None)
def test_any_score_same_guardrails(request: dict[str, Any], risk: dict[str, Any], guardrails: dict[str, Any]) -> None:
    smuggled = request | {"risk": risk, "guardrails": guardrails, "score": risk["score"]}
    assert ENGINE.guardrails(smuggled) == ENGINE.guardrails(request)


@given(requests(), _RISKS, _SCORES, _SCORES)
@settings(deadline=None)
def test_a_higher_score_never_proposes_less(
    request: dict[str, Any], risk: dict[str, Any], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    document = request | {"guardrails": {"floor": "ALLOW", "rules": []}}
    verdicts = [
        ENGINE.adaptive(document | {"risk": risk | {"available": True, "score": score}}) for score in (low, high)
    ]
    assert [verdict.error for verdict in verdicts] == ["", ""]
    assert verdicts[0].proposal <= verdicts[1].proposal


@given(requests(), _RISKS)
@settings(deadline=None)
def test_the_shipped_rules_always_answer(request: dict[str, Any], risk: dict[str, Any]) -> None:
    guarded = ENGINE.guardrails(request)
    adapted = ENGINE.adaptive(request | {"guardrails": {"floor": "ALLOW", "rules": []}, "risk": risk})
    assert (guarded.error, adapted.error) == ("", "")
    for hit in (*guarded.hits, *adapted.hits):
        assert hit.explanation
        assert hit.remediation


@given(st.sampled_from(sorted(EXAMPLES)), st.data())
@settings(deadline=None)
def test_odd_values_never_break_the_shipped_rules(name: str, data: st.DataObject) -> None:
    """An error would be a DENY, so this is about the law's other side: rules tell odd from absent without falling."""
    request: dict[str, Any] = copy.deepcopy(EXAMPLES[name])
    section = data.draw(st.sampled_from(["subject", "action", "resource", "device", "session", "network", "time"]))
    member = data.draw(st.sampled_from(sorted(request[section])))
    request[section][member] = data.draw(_ODD)
    before = ENGINE.guardrails(EXAMPLES[name])
    after = ENGINE.guardrails(request)
    assert before.error == ""
    assert after.error in {"", "policy_error"}


@pytest.mark.parametrize("sensitivity", [3, 4, None])
@pytest.mark.parametrize("score", [None, math.nan, "0.1", True])
def test_a_missing_score_on_sensitive_data_is_a_step_up(sensitivity: int | None, score: object) -> None:
    """Starving the model does not switch it off (HOUSE §1 law 1)."""
    risk = {"available": True, "reason": "", "score": score, "level": "unknown", "uncertainty": 1.0}
    verdict = ENGINE.adaptive(made_up(sensitivity) | {"risk": risk})
    assert verdict.proposal.name == "STEP_UP"
    assert ENGINE.adaptive(made_up(sensitivity)).proposal.name == "STEP_UP"
