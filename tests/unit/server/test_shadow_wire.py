"""What lies between the server and a candidate's process: bounded frames, deadlines, a budget, counts of names."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.server.shadow.budget import CpuBudget
from ostiary.server.shadow.distinct import MOST, Distinct, tag_of
from ostiary.server.shadow.orders import MAX_ANSWER, Answer, GoneError, LateError, Wire, frame


@pytest.fixture
def ends() -> Iterator[tuple[Wire, int, int]]:
    """A wire, with the other side's ends: what it reads from, what it writes to."""
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    yield Wire(our_in, our_out), their_in, their_out
    for one in (their_in, our_out, our_in, their_out):
        try:
            os.close(one)
        except OSError:
            continue


def test_a_frame_comes_whole_however_it_is_cut(ends: tuple[Wire, int, int]) -> None:
    wire, _, their_out = ends
    told = frame(Answer(fault="x" * 5_000, cpu_ns=7))

    def drip() -> None:
        for place in range(0, len(told), 997):
            os.write(their_out, told[place : place + 997])

    thread = threading.Thread(target=drip)
    thread.start()
    assert msgspec.msgpack.decode(wire.receive(10), type=Answer) == Answer(fault="x" * 5_000, cpu_ns=7)
    thread.join()


def test_silence_and_half_a_frame_are_late(ends: tuple[Wire, int, int]) -> None:
    wire, _, their_out = ends
    with pytest.raises(LateError):
        wire.receive(0.01)
    os.write(their_out, b"\0\0\0\x09abc")
    with pytest.raises(LateError):
        wire.receive(0.01)


def test_a_boast_of_a_huge_answer_is_not_believed(ends: tuple[Wire, int, int]) -> None:
    wire, _, their_out = ends
    os.write(their_out, (MAX_ANSWER + 1).to_bytes(4, "big"))
    with pytest.raises(GoneError):
        wire.receive(1)


def test_an_end_is_no_lateness(ends: tuple[Wire, int, int]) -> None:
    wire, _, their_out = ends
    os.close(their_out)
    with pytest.raises(GoneError):
        wire.receive(10)


def test_a_reader_that_does_not_read_is_late(ends: tuple[Wire, int, int]) -> None:
    wire, _, _ = ends
    with pytest.raises(LateError):
        wire.send(b"x" * 2_000_000, 0.02)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=50))
def test_no_more_is_spent_than_the_share_but_for_the_last_thing(steps: list[tuple[int, int]]) -> None:
    share, burst_s = 0.25, 1.0
    budget, now, spent, last = CpuBudget(share, burst_s, 0), 0, 0, 0
    for wait, cost in steps:
        now += wait
        if budget.may(now):
            budget.spend(cost)
            spent, last = spent + cost, cost
        assert spent - last <= now * share + burst_s * 1e9 + 1


@given(st.lists(st.integers(0, 2**64 - 1), max_size=300), st.lists(st.integers(0, 2**64 - 1), max_size=300))
def test_few_names_are_counted_exactly_and_join_in_any_order(one: list[int], other: list[int]) -> None:
    left, right = Distinct(one), Distinct(other)
    left.join(Distinct.decode(Distinct(other).encode()))
    right.join(Distinct(one))
    assert left.count == right.count == len({*one, *other})


def test_many_names_are_counted_within_a_tenth_in_bounded_memory() -> None:
    days = [Distinct(tag_of(b"salt", f"{day}-{number}") for number in range(4_000)) for day in range(5)]
    whole = Distinct()
    for day in days:
        assert len(day.encode()) <= 8 * (MOST + 1)
        whole.join(Distinct.decode(day.encode()))
    assert whole.count == pytest.approx(20_000, rel=0.1)
    again = Distinct.decode(whole.encode())
    again.join(days[0])
    assert again.count == pytest.approx(whole.count, rel=0.02)


def test_tags_of_two_tenants_have_nothing_in_common() -> None:
    names: Any = [f"user:{number}" for number in range(100)]
    assert not {tag_of(b"a", name) for name in names} & {tag_of(b"b", name) for name in names}
