"""What holds of budgets and of the watch for probing, whatever is asked when."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.defence.budgets import Budget, Budgets, Want
from ostiary.defence.memory import MemoryBudgets
from ostiary.defence.probing import ProbeLimits, ProbeWatch, Sketch

SECOND = 1_000_000_000
asked = st.lists(st.tuples(st.integers(0, 200 * SECOND), st.integers(0, 5), st.booleans()), max_size=120)


@given(asked, st.integers(0, 3000), st.integers(1, 90))
@settings(max_examples=tries(100, 150), deadline=None)
def test_no_window_ever_holds_more_than_the_limit(
    asked: list[tuple[int, int, bool]], limit: int, window_s: int
) -> None:
    budgets, want, granted = Budgets(MemoryBudgets()), Want("k", Budget(limit, window_s)), []
    latest_ns = 0
    for now_ns, cost, came_to_nothing in asked:  # out of order, too
        latest_ns = max(latest_ns, now_ns)
        if budgets.take("acme", want, cost, now_ns):
            if came_to_nothing:
                budgets.give_back("acme", want, cost, now_ns)
            else:
                granted.append((latest_ns, cost))
    for start, _ in granted:
        inside = [cost for at, cost in granted if start <= at < start + window_s * SECOND]
        assert sum(inside) <= limit


@given(st.lists(st.integers(1, 3), min_size=1, max_size=60), st.integers(1, 5000))
@settings(max_examples=60, deadline=None)
def test_within_one_slot_all_of_the_limit_is_granted(costs: list[int], limit: int) -> None:
    budgets, want, total = Budgets(MemoryBudgets()), Want("k", Budget(limit, 3600)), 0
    for cost in costs:
        fits = total + cost <= limit
        assert budgets.take("acme", want, cost, SECOND) == fits
        total += cost if fits else 0


cells = st.binary(min_size=3, max_size=3)


@given(st.lists(st.tuples(cells, st.booleans(), st.integers(0, 9000)), max_size=60), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_the_watch_is_bounded_pure_and_undone_by_withdrawal(
    queries: list[tuple[bytes, bool, int]], near: float
) -> None:
    one, other = ProbeWatch(ProbeLimits(60, 8, 4)), ProbeWatch(ProbeLimits(60, 8, 4))
    for made, withdrawn, at in sorted(queries, key=lambda query: query[2]):
        sketch, now_ns = Sketch(made, made), at * SECOND // 10
        tickets = [watch.observe("acme", "e", "s", [sketch], near, now_ns) for watch in (one, other)]
        assert tickets[0].seen == tickets[1].seen
        assert tickets[0].seen.straddling <= tickets[0].seen.near <= tickets[0].seen.queries
        for watch, ticket in zip((one, other), tickets, strict=True):
            if withdrawn:
                watch.withdraw(ticket)
            else:
                watch.answered(ticket, [str(made[0] > 127)])
        for memory in one._tenants["acme"].values():
            assert len(memory.entries) <= 8
            assert not memory.open
            assert not any(entry.neighbours for entry in memory.entries)
    assert one._tenants.keys() <= {"acme"}


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60))
@settings(max_examples=60, deadline=None)
def test_nobody_is_forgotten_to_make_room_while_it_counts(queries: list[tuple[int, bool]]) -> None:
    watch, answered = ProbeWatch(ProbeLimits(3600, 8, 3)), set()
    for number, (who, denied) in enumerate(queries):
        ticket = watch.observe("acme", "e", f"s{who}", [Sketch(b"a", bytes([number]))], 0.1, number)
        if denied:
            watch.withdraw(ticket)
        elif ticket.seen.known:
            watch.answered(ticket, ["x"])
            answered.add(who)
        assert ticket.seen.known or len(answered) >= 3
        assert ticket.seen.known >= (who in answered)
