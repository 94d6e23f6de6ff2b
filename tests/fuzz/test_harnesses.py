"""The short form of fuzzing: every harness runs for a moment, and what was found once is never found again.

`just fuzz` runs each for ten minutes; see docs/how-to/fuzz-ostiary.md.
"""

from pathlib import Path
from random import Random

import pytest
from tests.fuzz.harness import Harness, harnesses, outcome
from tests.fuzz.mutating import mutate
from tests.fuzz.running import read_corpus, run

EXECUTIONS = 400
ALL = harnesses()
FOUND = Path(__file__).parent / "found"


@pytest.mark.parametrize("name", ALL)
def test_nothing_breaks_for_a_moment(name: str) -> None:
    ran = run(ALL[name], Random(name), executions=EXECUTIONS, corpus=read_corpus(FOUND / name))  # noqa: S311 - repeatable
    assert [find.fault for find in ran.finds] == []


@pytest.mark.parametrize("name", ALL)
def test_a_seed_is_taken_or_refused_by_name(name: str) -> None:
    """Where none is taken, changes of them get nowhere."""
    ends = [outcome(ALL[name], seed) for seed in ALL[name].seeds]
    assert [end.fault for end in ends if end.fault] == []
    assert not all(end.refused for end in ends)


def test_what_was_found_belongs_to_a_harness() -> None:
    assert {one.name for one in FOUND.iterdir()} <= set(ALL)


def test_the_engine_finds_what_is_broken() -> None:
    """A parser that trusts a length, one that cannot hash a list, one that is slow, one whose code is no code."""

    def trusting(data: bytes) -> object:
        return data[data[0] + 1] if data else None

    found = run(Harness("trusting", trusting, (b"\x01ab",)), Random(1), executions=2_000)  # noqa: S311
    assert any("IndexError" in find.fault for find in found.finds)

    def coded(data: bytes) -> object:
        raise ValueError(data)

    assert "ValueError" in outcome(Harness("coded", coded, ()), b"x").fault
    assert outcome(Harness("coded", coded, (), (ValueError,)), b"x").refused == "ValueError"


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b"[]", b'{"a": [1, {"b": "c"}]}', b"a.b.c", b"[" * 5_000])
def test_anything_can_be_changed(data: bytes) -> None:
    changed = {mutate(Random(seed), data, [b"x", data]) for seed in range(300)}  # noqa: S311
    assert len(changed) > 50
