"""Strict reading of what policy answers: odd means error, error means DENY, and nothing raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.answers import AnswerReader
from ostiary.policy.limits import EngineSettings
from ostiary.policy.rulebook import RuleBook
from ostiary.vocabulary.effects import Control, Effect

BOOK = RuleBook.read(
    {
        "g.rego": (
            "# METADATA\n# description: Closed.\n# custom:\n#   id: closed\n#   remediation: Come back.\n"
            'deny contains {"rule": "closed"} if true\n'
        )
    }
)
READER = AnswerReader(BOOK)


def guardrails(value: Any) -> Any:
    return READER.guardrails_value(json.dumps(value).encode())


def adaptive(value: Any) -> Any:
    return READER.adaptive_value(json.dumps(value).encode())


def test_a_whole_answer() -> None:
    verdict = guardrails(
        {
            "allow": [{"rule": "grant", "role": "dev"}],
            "deny": [{"rule": "closed"}],
            "step_up": [{"rule": "mfa", "acr_values": ["a"], "max_age": 5}],
            "reduce": [{"rule": "rows", "privileges": ["x"]}],
            "terminate": [{"rule": "gone"}],
            "ceiling": "STEP_UP",
            "obligations": [{"id": "o", "type": "watermark", "properties": {"text": "t"}}],
            "unmet": [{"rule": "closed", "condition": "open hours"}],
        }
    )
    assert verdict.error == ""
    assert [hit.effect for hit in verdict.hits] == [
        Effect.TERMINATE,
        Effect.DENY,
        Effect.STEP_UP,
        Effect.REDUCE,
        Effect.ALLOW,
    ]
    assert verdict.hits[1].explanation == "Closed."
    assert verdict.hits[1].remediation == "Come back."
    assert verdict.hits[2].properties == {"acr_values": ["a"], "max_age": 5}
    assert verdict.ceiling is Effect.STEP_UP
    assert verdict.obligations[0].properties == {"text": "t"}
    assert verdict.unmet[0].remediation == "Come back."


def test_an_empty_answer_allows_nothing() -> None:
    verdict = guardrails({})
    assert (verdict.hits, verdict.error, verdict.ceiling) == ((), "", Effect.TERMINATE)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        1,
        True,
        {"dney": []},
        {"deny": {}},
        {"deny": None},
        {"deny": ["closed"]},
        {"deny": [{}]},
        {"deny": [{"rule": 1}]},
        {"deny": [{"rule": ""}]},
        {"deny": [{"rule": "No Rule"}]},
        {"deny": [{"rule": "x" * 101}]},
        {"allow": True},
        {"ceiling": "MAYBE"},
        {"ceiling": "allow"},
        {"ceiling": 3},
        {"obligations": [{"id": "a"}]},
        {"obligations": [{"id": "a", "type": "b", "props": {}}]},
        {"obligations": [{"id": "a", "type": "b", "properties": []}]},
        {"unmet": [{"rule": "a"}]},
        {"unmet": [{"rule": "a", "condition": "c", "more": 1}]},
        {"unmet": [{"rule": "A", "condition": "c"}]},
        {"deny": [{"rule": f"r{number}"} for number in range(257)]},
    ],
)
def test_odd_guardrail_answers_are_malformed(value: Any) -> None:
    verdict = guardrails(value)
    assert verdict.error == "policy_malformed_answer"
    assert verdict.hits == ()


def test_proposals() -> None:
    verdict = adaptive(
        {
            "proposals": [
                {"rule": "b", "effect": "REDUCE", "control": "session_lifetime", "max_age": 9},
                {"rule": "a", "effect": "STEP_UP"},
            ]
        }
    )
    assert verdict.proposal is Effect.STEP_UP
    assert verdict.control is Control.STEP_UP
    assert verdict.hits[0].properties == {"control": "step_up"}
    assert verdict.hits[1].properties == {"control": "session_lifetime", "max_age": 9}


@pytest.mark.parametrize(
    "proposal",
    [
        {"rule": "a"},
        {"rule": "a", "effect": "ALLOW"},
        {"rule": "a", "effect": "Deny"},
        {"rule": "a", "effect": 3},
        {"rule": "a", "effect": None},
        {"rule": "a", "effect": ["DENY"]},
        {"rule": "a", "effect": "DENY", "control": "step_up"},
        {"rule": "a", "effect": "DENY", "control": "nothing"},
        {"rule": "a", "effect": "DENY", "control": None},
        {"effect": "DENY"},
    ],
)
def test_odd_proposals_are_malformed(proposal: dict[str, Any]) -> None:
    verdict = adaptive({"proposals": [proposal]})
    assert verdict.error == "policy_malformed_answer"
    assert verdict.proposal is Effect.ALLOW


def test_a_score_member_is_not_in_the_contract() -> None:
    assert adaptive({"proposals": [], "score": 1}).error == "policy_malformed_answer"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b'{"result":null}', "policy_undefined"),
        (b'{"result":[]}', "policy_undefined"),
        (b'{"result":[{"expressions":[]}]}', "policy_undefined"),
        (b'{"error":{"code":"eval_error","message":"x"}}', "policy_error"),
        (b'{"error":{"code":"panic","message":"x"}}', "policy_error"),
        (b'{"error":{"code":"invalid_handle","message":"x"}}', "policy_unavailable"),
        (b'{"result":', "policy_malformed_answer"),
        (b"", "policy_malformed_answer"),
        (b"\xff", "policy_malformed_answer"),
        (b'{"result":[{"expressions":[{"value":{"deny":"x"}}]}]}', "policy_malformed_answer"),
    ],
)
def test_envelopes(raw: bytes, error: str) -> None:
    assert READER.guardrails(raw).error == error
    if b"deny" not in raw:
        assert READER.adaptive(raw).error == error


def test_a_long_answer_is_malformed() -> None:
    reader = AnswerReader(BOOK, EngineSettings(max_answer_bytes=50))
    assert reader.guardrails_value(b'{"deny": []' + b" " * 50 + b"}").error == "policy_malformed_answer"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["allow", "deny", "rule", "effect", "control", "proposals", "obligations", "unmet", "id", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_answer_becomes_a_verdict(value: Any) -> None:
    raw = json.dumps(value).encode()
    guarded, adapted = READER.guardrails_value(raw), READER.adaptive_value(raw)
    assert guarded.error in {"", "policy_malformed_answer"}
    assert adapted.error in {"", "policy_malformed_answer"}
    assert not (guarded.error and guarded.hits)


@given(st.binary(max_size=100))
def test_any_bytes_become_a_verdict(raw: bytes) -> None:
    assert READER.guardrails(raw).error
    assert READER.adaptive(raw).error
