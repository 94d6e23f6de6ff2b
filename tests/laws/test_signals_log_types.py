"""Laws of the tables: any JSON becomes an event or a fault with a code, marks are in order, and nothing runs long."""

import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError
from ostiary.signals.adapters import panther
from ostiary.signals.deeds import deed_of
from ostiary.signals.logtypes.reading import paths_of
from ostiary.signals.logtypes.registry import log_types, normaliser_of
from ostiary.signals.logtypes.table import LogType
from ostiary.signals.marking import told_of
from ostiary.signals.markpatterns import COMMANDS, ENCODED_NAME, INJECTION, WEB_ATTACK
from ostiary.signals.marktexts import changes_in
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark

TEXTS = (
    "*", "0.0.0.0/0", "admin", "false", "2024-05-01T10:00:00Z", "1.2.3.4", "arn:aws:iam::1:root", "a@b.example", "{}",
    "[1]", '{"Effect": "Allow"}', "from On to Off", "Role changed from Member to Owner", "=POSITIVE", "",
    "123456789012",
)  # fmt: skip
KEYS = (
    "name", "value", "newValue", "oldValue", "status", "actor", "user", "public", "mfaEnabled", "commandLine", "port",
    "risk_score", "forwardTo", "principal", "roleArn", "log", "p_log_type", "received", "hostPath", "New",
)  # fmt: skip
WORDS = st.sampled_from(TEXTS)
NAMES = st.sampled_from(KEYS)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=12), inner, max_size=5),
    max_leaves=16,
)
TYPES = sorted(log_types())


def places_of(kind: LogType) -> list[tuple[str | int, ...]]:
    texts = [text.partition("|=")[0] for text in kind.places.values() if not text.startswith("=")]
    return [path for text in texts for path in paths_of(text)]


def planted(record: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """Put ``value`` where a table looks."""
    here: Any = record
    for part, following in pairwise(path):
        deeper: Any = [] if isinstance(following, int) else {}
        if isinstance(here, list):
            here.append(deeper)
        elif isinstance(here.get(part), type(deeper)):
            deeper = here[part]
        else:
            here[part] = deeper
        here = deeper
    if isinstance(here, list):
        here.append(value)
    else:
        here[path[-1]] = value


def outcome(normalise: Callable[[dict[str, Any], str], AccessEvent], record: dict[str, Any]) -> AccessEvent | str:
    """Return the event or the fault's code; anything else that is raised fails the test."""
    try:
        return normalise(record, "default")
    except FaultyInputError as fault:
        return fault.code


@settings(max_examples=tries(100, 300), deadline=None)
@given(st.data(), st.sampled_from(TYPES))
def test_no_json_crashes_a_table(data: st.DataObject, name: str) -> None:
    """Values of every type, in the very places where the table looks."""
    record: dict[str, Any] = data.draw(st.dictionaries(NAMES, plain, max_size=3))
    for path in data.draw(st.lists(st.sampled_from(places_of(log_types()[name])), max_size=8)):
        planted(record, path, data.draw(plain))
    record["p_event_time"] = "2024-05-01T10:00:00Z"
    event = outcome(normaliser_of(name), record)
    if isinstance(event, str):
        assert event in {"field_missing", "time_malformed"}
    else:
        assert event.subject_id
        assert event.action
        assert list(event.marks) == sorted(set(event.marks))
        assert msgspec.json.decode(msgspec.json.encode(event), type=AccessEvent) == event


@settings(max_examples=tries(100, 200), deadline=None)
@given(st.dictionaries(NAMES | st.sampled_from(["log", "log_type", "p_log_type", "received"]), plain, max_size=6))
def test_no_envelope_crashes(record: dict[str, Any]) -> None:
    event = outcome(panther.normalise, record)
    assert event if isinstance(event, str) else event.subject_id


@settings(max_examples=tries(100, 200), deadline=None)
@given(st.text(max_size=300), st.dictionaries(NAMES | st.text(max_size=20), plain, max_size=6))
def test_marking_is_pure_and_total(action: str, record: dict[str, Any]) -> None:
    before = repr(record)
    first, second = told_of(action, record, ("ann@b.example",)), told_of(action, record, ("ann@b.example",))
    assert first == second
    assert repr(record) == before
    assert deed_of(action) == deed_of(action)
    assert set(first.marks) <= set(Mark)


def test_what_is_long_or_deep_takes_no_long() -> None:
    """Every pattern on texts made to make it go back and forth, and records with very many leaves."""
    nasty = ["a" * 4_096, "= " * 2_048, "A1a" * 1_365, "from " * 800, "`" * 4_096, "\\x" * 1_365, "-e " * 1_365]
    nasty += ["nc " * 1_365, "select " * 500, "%20" * 1_365, "a." * 2_048, ("x from y to " * 340), "rm -" * 1_000]
    began = time.thread_time_ns()
    for text in nasty:
        for pattern in (*(pattern for pattern, _ in COMMANDS), INJECTION, WEB_ATTACK):
            pattern.search(text)
        ENCODED_NAME.search(text[:80])
        changes_in(text)
        told_of("update", {"commandLine": text, "body": text, "detail": text})
    told_of("update", {"a": [{"b": number} for number in range(200_000)]})
    deep: Any = "x"
    for _ in range(60):
        deep = {"a": [deep]}
    told_of("update", {"a": json.dumps(deep)})
    assert time.thread_time_ns() - began < 5_000_000_000
