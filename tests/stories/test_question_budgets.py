"""Budgets of questions under attack: many threads, two processes, many identities, sleepers, odd clocks, full disks.

The attacker wants more mapping questions answered than the budgets hold, or wants others to be refused for it.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from ostiary.decision.probing import asker_of
from ostiary.defence.budgets import SLOTS, Budget, Budgets, Want, key_of
from ostiary.defence.guarding import Asker, QuestionBudgets, QuestionGuard, wants_of
from ostiary.defence.memory import MemoryBudgets
from ostiary.defence.ports import Ask
from ostiary.defence.questions import Question, QuestionLimits, QuestionWatch
from ostiary.errors import UnavailableError
from ostiary.storage.sqlite import open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.events import AccessEvent

if TYPE_CHECKING:
    from ostiary.identity.types import VerifiedIdentity

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
FREE, OWN, DEVICE, NETWORK, TENANT = 5, 20, 30, 60, 100
LIMITS = QuestionBudgets(*(Budget(limit, 86_400) for limit in (FREE, OWN, DEVICE, NETWORK, TENANT)))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "ostiary.db", FakeClock()) as opened:
        yield opened


def question(number: int) -> Question:
    return Question(number.to_bytes(4, "big"), number.to_bytes(8, "big"), b"matter")


def guard_over(store: object = None, limits: QuestionBudgets = LIMITS) -> QuestionGuard:
    return QuestionGuard(Budgets(store or MemoryBudgets()), QuestionWatch(), limits)  # type: ignore[arg-type]


def answered(
    guard: QuestionGuard, asker: Asker, numbers: Sequence[int], now_ns: int = DAY, tenant: str = "acme"
) -> int:
    """Return how many of the questions were answered."""
    return sum(not guard.look(tenant, asker, question(number), now_ns).spent for number in numbers)


def test_one_identity_gets_what_is_free_and_its_own_and_no_more() -> None:
    guard = guard_over()
    # The first situation of all is where one is; it costs nothing.
    assert answered(guard, Asker("user:eve", "k1", "192.0.2.0/24"), range(500)) == 1 + FREE + OWN


def test_plain_load_is_never_refused() -> None:
    guard, ada = guard_over(), Asker("user:ada", "k2", "192.0.2.0/24")
    assert answered(guard, ada, [1, 2, 3] * 4000) == 12_000


def test_asking_again_what_was_refused_is_refused_again() -> None:
    guard, eve = guard_over(), Asker("user:eve")
    answered(guard, eve, range(1 + FREE + OWN))
    assert answered(guard, eve, [900] * 50) == 0


def test_sixty_four_clients_with_one_question_at_once_pay_for_each() -> None:
    guard, eve = guard_over(), Asker("user:eve")
    answered(guard, eve, range(1 + FREE + OWN - 1))
    got = _at_once(64, lambda _: answered(guard, eve, [900]))
    assert sum(got) <= 1 + 63 * (sum(got) > 1)
    assert answered(guard, eve, [901]) == 0


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_sixty_four_clients_get_the_budget_exactly(disk: Store, where: str) -> None:
    guard = guard_over(disk.budgets if where == "disk" else None)
    asker = Asker("user:eve", "k1", "192.0.2.0/24")
    answered(guard, asker, [0])
    got = _at_once(64, lambda at: answered(guard, asker, range(1 + at * 2, 3 + at * 2)))
    assert sum(got) == FREE + OWN


def test_identities_that_share_a_key_share_its_budget() -> None:
    guard = guard_over()
    got = [answered(guard, Asker(f"user:e{n}", "stolen", f"net-{n}"), range(n * 100, n * 100 + 50)) for n in range(6)]
    # Each brings what is free to it; what is more, all together have as often as the key may. And the key remembers
    # situations, whoever was in them: only the first of all costs nothing.
    assert sum(got) == 1 + 6 * FREE + DEVICE


def test_keys_and_names_behind_one_address_share_the_networks_budget() -> None:
    guard = guard_over()
    got = [answered(guard, Asker(f"user:e{n}", f"k{n}", "192.0.2.0/24"), range(50)) for n in range(8)]
    assert sum(got) == 8 * (1 + FREE) + NETWORK


def test_whoever_spreads_over_everything_meets_the_tenants_budget() -> None:
    guard = guard_over()
    got = [answered(guard, Asker(f"user:e{n}", f"k{n}", f"net-{n}"), range(50)) for n in range(40)]
    assert sum(got) == 40 * (1 + FREE) + TENANT


def test_whoever_spends_a_shared_budget_locks_nobody_out() -> None:
    guard = guard_over()
    for n in range(40):
        answered(guard, Asker(f"user:e{n}", f"k{n}", "192.0.2.0/24"), range(50))
    honest = Asker("user:ada", "k-ada", "192.0.2.0/24")
    assert answered(guard, honest, [1] * 5000) == 5000
    assert answered(guard, honest, range(1, FREE + 2)) == FREE + 1, "and a new place now and then"


def test_a_confused_deputy_that_names_another_spends_only_what_is_his() -> None:
    guard = guard_over()
    # A program that may assert asks as ada; who proved herself is another asker than who was merely named.
    named, proven = (asker_of(_event("ada"), identity, "gateway") for identity in _identities("ada"))
    answered(guard, named, range(500))
    assert answered(guard, named, [900]) == 0
    assert answered(guard, proven, [0, 1] * 100) == 200
    assert (named.device, proven.device) == ("", "k-ada")


def test_tenants_do_not_meet() -> None:
    guard = guard_over()
    eve = Asker("user:eve", "k1", "192.0.2.0/24")
    assert answered(guard, eve, range(500)) == answered(guard, eve, range(500), tenant="beta")


def test_sleeping_between_windows_earns_one_budget_a_window() -> None:
    guard, eve = guard_over(), Asker("user:eve")
    got = [answered(guard, eve, range(n * 100, n * 100 + 100), DAY * (1 + 2 * n)) for n in range(4)]
    assert got == [1 + FREE + OWN, *[FREE + OWN] * 3]
    # In no window of a day is more answered than the budget, wherever it begins.
    half = [answered(guard, eve, range(1000 + n * 50, 1050 + n * 50), DAY * 20 + n * DAY // 4) for n in range(8)]
    assert max(sum(half[at : at + 4]) for at in range(5)) <= FREE + OWN


def test_a_clock_that_goes_back_gives_nothing_twice(disk: Store) -> None:
    eve = Asker("user:eve")
    first = answered(guard_over(disk.budgets), eve, range(100), 5 * DAY)
    assert first == 1 + FREE + OWN
    # A restart forgets what the watch knew (so one situation is the first again), never what was taken.
    assert answered(guard_over(disk.budgets), eve, range(100, 200), 5 * DAY - DAY // 3) == 1


def test_a_restart_earns_nothing(tmp_path: Path) -> None:
    eve, total = Asker("user:eve", "k1"), 0
    for start in range(6):
        with open_store(tmp_path / "kept.db", FakeClock()) as store:
            total += answered(guard_over(store.budgets), eve, range(start * 100, start * 100 + 40))
    assert total == 6 + FREE + OWN, "one a start: the first situation that the watch sees"


def test_a_store_that_cannot_be_written_answers_nobody_who_maps(disk: Store) -> None:
    class Full(MemoryBudgets):
        def take(self, *_: object, **__: object) -> int:
            raise UnavailableError("disk_full", "the disk is full")

        def take_all(self, *_: object) -> list[int]:
            raise UnavailableError("disk_full", "the disk is full")

    guard, eve = guard_over(Full()), Asker("user:eve")
    assert answered(guard, eve, [1] * 10) == 10, "plain load needs no budget"
    for _ in range(3):
        with pytest.raises(UnavailableError):
            guard.look("acme", eve, question(2), DAY)


def test_no_name_is_anothers_budget() -> None:
    whose = [
        Asker("user:a", "b", "c"),
        Asker("user:a", "bc", ""),
        Asker("user:ab", "", "c"),
        Asker("device", "user:a", ""),
        Asker("user:a\0device", "", ""),
        Asker("user:a:identity", "network", "tenant"),
    ]
    wants: dict[str, set[tuple[str, str]]] = {}
    for one in whose:
        for name, want in wants_of(one, LIMITS).items():
            wants.setdefault(want.key, set()).add((name, getattr(one, name, "all")))
    assert all(len(owners) == 1 for owners in wants.values())
    assert key_of("a", "bc") != key_of("ab", "c")


def test_all_or_none_even_when_two_take_from_the_same_in_another_order(disk: Store) -> None:
    one, other = Want(key_of("one"), Budget(50, 60)), Want(key_of("other"), Budget(30, 60))
    budgets = Budgets(disk.budgets)
    got = _at_once(
        16, lambda at: sum(not budgets.take_all("t", (one, other)[:: 1 - 2 * (at % 2)], 1, 0) for _ in "12345")
    )
    assert sum(got) == 30
    assert (budgets.taken("t", one, 0), budgets.taken("t", other, 0)) == (30, 30), "of none more than of the other"


def test_what_was_refused_was_taken_nowhere_and_says_by_whom() -> None:
    store = MemoryBudgets()
    budgets = Budgets(store)
    wide, narrow = Want("wide", Budget(5000, 60)), Want("narrow", Budget(2, 60))
    assert [budgets.take_all("t", (wide, narrow), 1, 0) for _ in range(4)] == [(), (), (1,), (1,)]
    assert budgets.take("t", wide, 4998, 0)
    assert not budgets.take("t", wide, 1, 0)
    assert store.take_all("t", [Ask("x", 5, 5 - SLOTS, 2, 2, 1)]) == [1], "told what there would have been"
    assert store.taken("t", "x", 0) == 0
    with pytest.raises(ValueError, match="twice"):
        budgets.take_all("t", (wide, wide), 1, 0)


def test_two_processes_over_one_store_share_one_budget(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    with open_store(path, FakeClock()):
        pass
    running = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, str(path), str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(2)
    ]
    got = [int(process.communicate(timeout=120)[0]) for process in running]
    assert sum(got) == OWN + 2 + FREE, "each process's watch calls one situation its first"
    assert min(got) > 0


_PROCESS = """
import sys
from pathlib import Path
from tests.stories.test_question_budgets import DAY, _at_once, answered, guard_over
from ostiary.defence.guarding import Asker
from ostiary.storage.sqlite import open_store
from ostiary.testing.fake_clock import FakeClock
with open_store(Path(sys.argv[1]), FakeClock()) as store:
    guard, eve, base = guard_over(store.budgets), Asker("user:eve", "k1", "net"), 1000 * int(sys.argv[2])
    first = answered(guard, eve, [base])
    print(first + sum(_at_once(8, lambda at: answered(guard, eve, range(base + 1 + at * 5, base + 6 + at * 5)))))
"""


def test_whoever_fills_the_watch_is_told_of_as_unwatched_and_pushes_nobody_out() -> None:
    watch = QuestionWatch(QuestionLimits(askers=4))
    guard = QuestionGuard(Budgets(MemoryBudgets()), watch, LIMITS)
    mapper = Asker("user:mapper")
    answered(guard, mapper, range(4))
    for n in range(50):  # each with one situation: of them nothing counts, so they make room for each other
        assert guard.look("acme", Asker(f"user:s{n}"), question(0), DAY).seen.known
    assert guard.look("acme", mapper, question(9), DAY).seen.situations == 4
    for n in range(3):
        answered(guard, Asker(f"user:m{n}"), range(3))
    assert not guard.look("acme", Asker("user:late"), question(0), DAY).seen.known
    assert guard.look("acme", mapper, question(10), DAY).seen.situations == 5


def _event(name: str) -> AccessEvent:
    return AccessEvent("e", "acme", DAY, name, "read", "repository", "r", ip="192.0.2.7")


def _identities(name: str) -> "tuple[VerifiedIdentity, VerifiedIdentity]":
    """Return somebody as she is merely told, and as she is proven."""
    common = {"tenant": "acme", "subject_type": "user", "subject_id": name}
    told = SimpleNamespace(**common, assurance="asserted", key="")
    proven = SimpleNamespace(**common, assurance="token", key=f"k-{name}")
    return cast("VerifiedIdentity", told), cast("VerifiedIdentity", proven)


def _at_once(clients: int, work: object) -> list[int]:
    """Run ``work(number)`` in so many threads that all begin together; return what each returned."""
    got, gate = [0] * clients, threading.Barrier(clients)

    def run(number: int) -> None:
        gate.wait()
        got[number] = work(number)  # type: ignore[operator]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got
