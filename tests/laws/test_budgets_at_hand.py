"""What is taken at hand, without waiting, is granted and given back exactly as what the store is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.defence.budgets import Budget, Budgets, Want, key_of
from ostiary.defence.memory import MemoryBudgets
from ostiary.gateway.spending import Allowance, Spending, SpentError, Taken
from ostiary.gateway.usage import Price, Usage

SECOND = 1_000_000_000
STEPS = st.lists(
    st.tuples(st.sampled_from(["ada", "bob"]), st.integers(0, 900), st.integers(0, 900), st.integers(0, 40)),
    max_size=40,
)
ALLOWANCES = st.tuples(  # small ones are never at hand, large ones nearly always
    st.one_of(st.integers(1, 60), st.integers(5_000, 200_000)),
    st.one_of(st.integers(1, 40_000), st.integers(2_000_000, 20_000_000)),
)


def _spending(requests: int, tokens: int) -> Spending:
    own = Allowance(requests=Budget(requests, 60), tokens=Budget(tokens, 600))
    return Spending(Budgets(MemoryBudgets()), own, Allowance(tokens=Budget(3 * tokens, 600)))


def _take(spending: Spending, subject: str, tokens: int, now_ns: int, *, at_hand: bool) -> Taken | None:
    asked = ("acme", subject, Price(), tokens, 100, now_ns)
    try:
        return (spending.take_at_hand(*asked) if at_hand else None) or spending.take(*asked)
    except SpentError:
        return None


@given(ALLOWANCES, STEPS)
def test_what_is_at_hand_is_granted_as_the_store_would(
    bounds: tuple[int, int], steps: list[tuple[str, int, int, int]]
) -> None:
    plain, quick, now_ns = _spending(*bounds), _spending(*bounds), 0
    for subject, tokens, used, seconds in steps:
        now_ns += seconds * SECOND
        one = _take(plain, subject, tokens, now_ns, at_hand=False)
        other = _take(quick, subject, tokens, now_ns, at_hand=True)
        assert one == other
        if one is not None and other is not None:
            usage = Usage(tokens_in=used, tokens_out=1, told=True)
            plain.settle(one, usage)
            if not quick.settle_at_hand(other, usage):
                quick.settle(other, usage)
    for whose, allowance in plain._allowances:
        for of in ("requests", "tokens"):
            if (budget := getattr(allowance, of)) is not None:
                for subject in ("ada", "bob") if whose == "subject" else ("",):
                    want = Want(key_of("llm", of, whose, subject), budget)
                    assert plain._budgets.taken("acme", want, now_ns) == quick._budgets.taken("acme", want, now_ns)


def test_who_would_have_to_wait_takes_nothing() -> None:
    budgets, want = Budgets(MemoryBudgets()), Want(key_of("x"), Budget(10_000, 60))
    assert not budgets.take_at_hand("acme", [(want, 1)], 0)  # nothing was taken ahead yet
    assert budgets.take("acme", want, 1, 0)
    assert budgets.take_at_hand("acme", [(want, 1)], 0)
    with budgets._lock("acme", want):
        assert not budgets.take_at_hand("acme", [(want, 1)], 0)
        assert not budgets.give_at_hand("acme", [(want, 1)], 0)
    assert not budgets.take_at_hand("zoo", [(want, 1)], 0), "another tenant's is another budget"
    assert budgets.taken("zoo", want, 0) == 0


def test_of_several_all_or_none_is_taken_at_hand() -> None:
    budgets = Budgets(MemoryBudgets())
    wide, tight = Want(key_of("wide"), Budget(100_000, 60)), Want(key_of("tight"), Budget(2_048, 60))
    assert budgets.take("acme", wide, 1, 0)
    assert budgets.take("acme", tight, 1, 0)
    left = budgets._leases["acme", wide.stored].left
    assert not budgets.take_at_hand("acme", [(wide, 1), (tight, 2)], 0)
    assert budgets._leases["acme", wide.stored].left == left


@pytest.mark.parametrize("costs", [[("a", -1)], [("a", 1), ("a", 1)]])
def test_odd_costs_are_refused(costs: list[tuple[str, int]]) -> None:
    budgets = Budgets(MemoryBudgets())
    with pytest.raises(ValueError, match="named twice"):
        budgets.take_at_hand("acme", [(Want(key_of(name), Budget(5, 60)), cost) for name, cost in costs], 0)


def test_what_comes_too_late_stays_taken() -> None:
    budgets, want = Budgets(MemoryBudgets()), Want(key_of("x"), Budget(10_000, 60))
    assert budgets.take("acme", want, 5, 0)
    assert budgets.take("acme", want, 5, 30 * SECOND)
    left = budgets._leases["acme", want.stored].left
    assert budgets.give_at_hand("acme", [(want, 5)], 0)
    assert budgets._leases["acme", want.stored].left == left
