"""What OPA said before: the same to the same, nothing of rules that could say another thing, and within bounds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy import said_before
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import ADAPTIVE, OpaEngine
from ostiary.policy.excerpts import CHECK_EVERY, FIRST
from ostiary.policy.lint import BANNED
from ostiary.policy.said_before import LONGEST_ANSWER, LONGEST_QUESTION, MOST, MOST_SEEN, SaidBefore, constant
from ostiary.vocabulary.reasons import Reason

GUARD = "package ostiary.guardrails\ndecision := {}"
RULES = """package ostiary.adaptive
decision := {"proposals": [{"rule": "odd", "effect": "STEP_UP", "score": input.risk.score}]}
"""
WITHOUT_SCORE = b'{"risk": {"score": null}, "time": 1}'
FICKLE = {
    "now": "n := time.now_ns()",
    "chance": 'n := rand.intn("seed", 1000000000)',
    "the network, oddly spelled": "n := http\n\t.send",
    "as a name": "f := uuid.rfc4122",
    "in a comment": "# unlike time.now_ns",
}


@contextmanager
def watched(texts: dict[str, str]) -> Iterator[tuple[OpaEngine, list[bytes]]]:
    """Return a sparing engine past its first checks, and what OPA itself is asked from then on."""
    with OpaEngine(Bundle.of(texts), sparing=True) as engine:
        for number in range(FIRST):
            engine.adaptive(b'{"risk": {"score": %d}}' % number)
            engine.guardrails(b"{}")
        asked, inner = list[bytes](), engine._opa.evaluate

        def evaluate(path: bytes, document: bytes, *, coverage: bool = False) -> bytes:
            asked.append(document)
            return inner(path, document, coverage=coverage)

        engine._opa.evaluate = evaluate  # type: ignore[method-assign]
        yield engine, asked


def test_the_same_is_not_asked_again() -> None:
    with watched({"g.rego": GUARD, "a.rego": RULES}) as (engine, asked):
        told = [engine.adaptive(WITHOUT_SCORE.replace(b"1}", b"%d}" % at)) for at in range(5)]
        assert len(asked) == 2, "kept from the second time on, whatever the rules do not read"
        assert all(one == told[0] for one in told)
        assert told[0].hits[0].properties["score"] is None


def test_another_score_is_another_question() -> None:
    with watched({"g.rego": GUARD, "a.rego": RULES}) as (engine, asked):
        scores = [0.25, 0.5, 0.25, 0.5, 0.25]
        told = [engine.adaptive(b'{"risk": {"score": %f}}' % score).hits[0].properties["score"] for score in scores]
        assert told == scores
        assert len(asked) == 4


def test_what_another_tenant_asked_makes_nothing_quicker() -> None:
    with watched({"g.rego": GUARD, "a.rego": RULES}) as (engine, asked):
        for tenant in (b"acme", b"acme", b"acme", b"rival", b"rival", b"rival"):
            engine.adaptive(b'{"tenant": "%s", "risk": {"score": null}}' % tenant)
        assert len(asked) == 4


def test_the_guardrails_are_asked_always() -> None:
    with watched({"g.rego": GUARD, "a.rego": RULES}) as (engine, asked):
        for _ in range(5):
            engine.guardrails(WITHOUT_SCORE)
        assert len(asked) == 5


def test_some_are_asked_whole_all_the_same_and_a_difference_ends_it() -> None:
    with watched({"g.rego": GUARD, "a.rego": RULES}) as (engine, asked):
        engine.adaptive(WITHOUT_SCORE)
        engine.adaptive(WITHOUT_SCORE)
        engine._said[ADAPTIVE]._answers = {
            shown: answer.replace(b"null}]", b"1}]") for shown, answer in engine._said[ADAPTIVE]._answers.items()
        }
        wrong = engine.adaptive(WITHOUT_SCORE)
        asked.clear()
        told = wrong
        while not asked:
            told = engine.adaptive(WITHOUT_SCORE)
        assert wrong.hits[0].properties["score"] == 1
        assert told.hits[0].properties["score"] is None
        assert engine.adaptive(WITHOUT_SCORE).hits[0].properties["score"] is None, "no longer believed"
        assert engine._excerpts[ADAPTIVE].seen <= CHECK_EVERY


@pytest.mark.parametrize("kind", FICKLE)
def test_rules_that_may_say_another_thing_tomorrow_have_no_memory(kind: str) -> None:
    rules = 'package ostiary.adaptive\ndecision := {"proposals": []}\n' + FICKLE[kind] + "\n"
    assert not constant(Bundle.of({"g.rego": GUARD, "a.rego": rules}))


def test_a_clock_is_read_every_time() -> None:
    rules = (
        'package ostiary.adaptive\ndecision := {"obligations": [{"id": "a", "type": "t", "properties": {"n": n}}]}\n'
    )
    with watched({"g.rego": GUARD, "a.rego": rules + "n := time.now_ns()\n"}) as (engine, asked):
        told = [engine.adaptive(b"{}").obligations[0].properties["n"] for _ in range(5)]
        assert len(set(told)) == 5
        assert len(asked) == 5


def test_what_ships_is_remembered() -> None:
    assert constant(Bundle.load(policies_dir()))


def test_a_closed_engine_remembers_nothing() -> None:
    with watched({"g.rego": GUARD, "a.rego": RULES}) as (engine, _):
        engine.adaptive(WITHOUT_SCORE)
        engine.adaptive(WITHOUT_SCORE)
        engine.close()
        assert engine.adaptive(WITHOUT_SCORE).error == Reason.POLICY_UNAVAILABLE


def test_it_is_bounded() -> None:
    said = SaidBefore()
    for number in range(4 * MOST_SEEN):
        for _ in range(2):
            said.keep(b"%d" % number, b"x")
    assert len(said._answers) == MOST
    assert len(said._seen) <= MOST_SEEN
    assert said.of(b"%d" % (4 * MOST_SEEN - 1)) == b"x"


def test_what_comes_once_pushes_nothing_out() -> None:
    said = SaidBefore()
    said.keep(b"often", b"x")
    said.keep(b"often", b"x")
    for number in range(4 * MOST_SEEN):
        said.keep(b"%d" % number, b"y")
    assert said.of(b"often") == b"x"


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        (b"a" * (LONGEST_QUESTION + 1), b"x"),
        (b"a", b"x" * (LONGEST_ANSWER + 1)),
        (b"a", b'{"error":{"code":"eval_error"}}'),
    ],
)
def test_long_ones_and_errors_are_not_kept(shown: bytes, answer: bytes) -> None:
    said = SaidBefore()
    for _ in range(3):
        said.keep(shown, answer)
    assert said.of(shown) is None


def test_every_banned_name_that_matters_is_looked_for() -> None:
    found: Any = said_before._FICKLE
    for name in BANNED:
        assert bool(found.search(f"x := {name}(1)")) == (name not in said_before._HARMLESS), name
