"""What holds for every response: nothing loosens, parsers are total, conditions never raise."""

import ast
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.artifacts.shipped import policies_dir
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.response.conditions import COMPARISONS, Condition
from ostiary.response.handlers import Handler, handlers
from ostiary.response.plan import StepState, plan
from ostiary.response.playbook import Playbook
from ostiary.response.playbook_file import read_playbook
from ostiary.response.ports import Act
from ostiary.response.receipts import read_claims, verify
from ostiary.response.shelf import load_file
from ostiary.response.steps import HIGH_IMPACT, UNDOABLE, Step, StepKind
from ostiary.response.trigger import Trigger, bounded, by_model
from ostiary.testing.response_parts import FakeSession, FixedPhases, ResponseBench

LOOSENS = ("allow", "approve", "enable", "free", "grant", "lift", "prove", "release", "restore", "suppress", "undo")
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.text(max_size=5), max_size=3)
)
FACTS = st.dictionaries(st.text(max_size=10), VALUES, max_size=8)


def fault_of(call: Callable[[], object]) -> FaultyInputError | None:
    try:
        call()
    except FaultyInputError as fault:
        return fault
    return None


def trigger(kind: str = "signal:x", facts: dict[str, Any] | None = None) -> Trigger:
    return Trigger("t1", "acme", kind, "user:ann", "s1", "d1", facts or {}, 1)


def test_no_kind_of_step_gives_anybody_anything() -> None:
    assert [kind for kind in StepKind if any(word in kind for word in LOOSENS)] == []
    assert set(StepKind) >= HIGH_IMPACT | UNDOABLE


def test_only_undo_loosens_and_no_executor_calls_it() -> None:
    from ostiary.response import executor  # noqa: PLC0415

    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(inspect.getsource(executor)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert calls.isdisjoint({"undo", "release", "enable", "free", "approve", "prove"})
    bench = ResponseBench([])
    for handler in bench.handlers:
        perform = inspect.getsource(type(handler).perform)
        assert not any(f".{word}(" in perform for word in LOOSENS), type(handler).__name__


def test_every_kind_of_step_has_exactly_one_handler() -> None:
    found = [handler.kind for handler in ResponseBench([]).handlers]
    assert sorted(found) == sorted(StepKind)
    assert all(isinstance(handler, Handler) for handler in ResponseBench([]).handlers)
    assert "devices" in inspect.signature(handlers).parameters


@pytest.mark.parametrize("kind", list(StepKind))
def test_whatever_is_done_twice_under_one_key_is_done_once(kind: StepKind) -> None:
    bench = ResponseBench([])
    bench.sessions.living["user:ann"] = [FakeSession("s1", "d1")]
    handler = next(one for one in bench.handlers if one.kind == kind)
    made = trigger(facts={"pep": "pep-1", "model": "sha256:aa"})
    act = Act("key-1", "acme", Step(kind, text="look"), made, "book", 5)

    def state() -> tuple[object, ...]:
        kept = [bench.cards.listed("acme", drawer, [], 99) for drawer in ("case", "letter", "block")]
        living = {name: list(found) for name, found in bench.sessions.living.items()}
        return kept, set(bench.sessions.calls), set(bench.devices.out), dict(bench.tokens.on), living

    handler.perform(act)
    once = state()
    for _ in range(3):
        handler.perform(act)
    assert state() == once
    before = state()
    handler.preview(act)
    assert state() == before, "a preview changes nothing"


@pytest.mark.parametrize(
    "word", ["grant", "allow", "release_quarantine", "enable_token", "approve", "suppress", "undo", "lift"]
)
def test_a_playbook_that_tries_to_grant_is_refused(word: str) -> None:
    text = f"name: evil\ntriggers: [signal:x]\nsteps:\n  - do: notify\n  - do: {word}\n"
    with pytest.raises(FaultyInputError) as caught:
        read_playbook("evil.yaml", text.encode())
    assert (caught.value.code, caught.value.pointer) == ("playbook_step_unknown", "5")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_reading_a_playbook_is_total(data: bytes) -> None:
    fault = fault_of(lambda: read_playbook("x.yaml", data))
    assert fault is None or (fault.code.startswith("playbook_") and fault.pointer.isdigit())


LINES = st.sampled_from(
    [
        "name: x",
        "triggers: [signal:x]",
        "triggers: x",
        "steps:",
        "  - do: notify",
        "  - do: revoke_subject",
        "    approval: true",
        "    approval: 7",
        "when:",
        "  - {fact: a, is: 1}",
        "  - {fact: a, is: 1, in: [1]}",
        "phase: shadow",
        "phase: all",
        "dry_run: true",
        "techniques: [T1078]",
        "techniques: [x]",
        "  - &a b",
        "  - *a",
        "    lifetime_s: -1",
        "    sink: soc",
        "x: y",
        "- 1",
        "\t",
        "{{",
        "name: 7",
    ]
)


@given(st.lists(LINES, max_size=14))
def test_reading_nearly_a_playbook_is_total(lines: list[str]) -> None:
    fault = fault_of(lambda: read_playbook("x.yaml", "\n".join(lines).encode()))
    assert fault is None or fault.code.startswith("playbook_")
    assert fault is None or 1 <= int(fault.pointer) <= len(lines) + 1


@given(FACTS, st.sampled_from(COMPARISONS), VALUES.filter(lambda v: isinstance(v, str | int | float | bool)))
def test_a_condition_never_raises_and_says_nothing_of_what_is_unknown(
    facts: dict[str, Any], word: str, value: Any
) -> None:
    given_value: Any = (value,) if word == "in" else bool(value) if word == "exists" else value
    if word in {"at_least", "at_most"}:
        given_value = float(value) if isinstance(value, int | float) and abs(value) < 1e300 else 1.0
    name = {"is": "is_", "in": "in_"}.get(word, word)
    condition = Condition("fact", **{name: given_value})
    assert condition.holds(bounded(trigger(facts=facts))) in {True, False}
    if word != "exists":
        assert not condition.holds(trigger(facts={}))


@given(st.text(max_size=40), FACTS)
def test_whoever_says_model_is_believed_and_silence_is_no_rule(kind: str, facts: dict[str, Any]) -> None:
    assert by_model(trigger(kind, {**facts, "by": "model"}))
    if facts.get("by") != "rule" and not kind.startswith(
        ("account:", "admin:", "device:", "model:", "obligation:", "signal:")
    ):
        assert by_model(trigger(kind, facts))


@given(FACTS, st.text(max_size=2000), st.text(max_size=200))
def test_a_trigger_is_bounded_and_never_refused(facts: dict[str, Any], name: str, kind: str) -> None:
    made = bounded(Trigger(name, "acme", kind, name, name, name, {**facts, "long": name * 3, "deep": [[name]]}, 1))
    assert (made.subject, made.session_id, made.device_id) == (name, name, name)
    assert all(len(value) <= 512 for value in made.facts.values() if isinstance(value, str))
    assert all(char.isprintable() or char == "\ufffd" for char in made.kind if char < "\x80")


@given(FACTS)
def test_high_impact_from_a_model_never_runs_below_its_phase(facts: dict[str, Any]) -> None:
    book = Playbook("p", triggers=("risk:*",), steps=tuple(Step(kind) for kind in StepKind))
    told = {name: value for name, value in facts.items() if name != "by"}
    for step in plan(trigger("risk:level", told), [book], FixedPhases(), 5):
        assert (step.state == StepState.WAITING) == (step.step.do in HIGH_IMPACT)


def test_shipped_playbooks_are_sound_and_named_after_their_files() -> None:
    found = {path.stem: load_file(path) for path in sorted((policies_dir() / "playbooks").glob("*.yaml"))}
    wanted = {
        "account-disabled",
        "credential-compromise",
        "device-out-of-compliance",
        "model-tampered",
        "obligation-unexecuted",
        "session-theft",
    }
    assert wanted <= set(found)
    for book in found.values():
        assert book.describe
        for step in book.steps:
            if step.do in {StepKind.QUARANTINE_DEVICE, StepKind.BLOCK_MODEL}:
                assert step.approval, book.name


@given(
    st.dictionaries(
        st.sampled_from(["iss", "iat", "decision_id", "obligation_id", "status", "detail", "x"]), VALUES, max_size=7
    )
)
def test_reading_a_receipts_claims_is_total(claims: dict[str, Any]) -> None:
    fault = fault_of(lambda: read_claims(claims))
    assert fault is None or fault.code == "receipt_malformed"


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,4}", fullmatch=True))
def test_verifying_a_receipt_is_total(text: str) -> None:
    from ostiary.keys import SigningKey  # noqa: PLC0415

    key = SigningKey.from_seed("k", bytes(32)).public
    with pytest.raises(OstiaryError) as caught:
        verify(text, key, "gateway-1")
    assert caught.value.code.startswith("receipt_")


REACH = {
    "ostiary.defence.strangers",
    "ostiary.errors",
    "ostiary.vocabulary.language",
    "ostiary.vocabulary.untrusted",
}


def test_triage_reaches_nothing_that_could_loosen_anything() -> None:
    from ostiary.response import triage  # noqa: PLC0415

    tree = ast.parse(Path(triage.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module} | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    ours = {name for name in imported if name.startswith("ostiary")}
    assert ours <= REACH, "the triage helper knows a model, its quarantine and errors, and nothing else"
    assert list(inspect.signature(triage.Triage.__init__).parameters) == ["self", "model"]
    assert {name.partition(".")[0] for name in imported - ours} <= set(sys.stdlib_module_names) | {"msgspec"}
    built_in_calls = {
        node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert built_in_calls.isdisjoint({"eval", "exec", "compile", "__import__", "open", "getattr", "setattr"})
