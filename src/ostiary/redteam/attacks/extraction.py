"""Copying the scorer by asking: a thief who halves the way between two answers, alone and with many names.

A try is one question between two answers; it succeeds when it is answered. Without the budgets each is. How well his
copy agrees beside the bound, with and without, stands in the notes: that is what the questions are worth to him.
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from ostiary.defence.budgets import Budget, Budgets
from ostiary.defence.guarding import DAY_S, Asker, QuestionBudgets, QuestionGuard
from ostiary.defence.memory import MemoryBudgets
from ostiary.defence.questions import Question, QuestionWatch
from ostiary.keys.hashing import sha256
from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.world import World

if TYPE_CHECKING:
    from ostiary.redteam.thief import Answers, Rows

_NS: Final = 1_000_000_000
_TOP: Final = 0.9
_COLUMNS: Final = 40
_MOST: Final = 1_600
_LEAST_HELD: Final = 0.9
_TIGHT: Final = QuestionBudgets(*(Budget(limit, DAY_S) for limit in (2, 10, 10, 20, 40)))


class Guarded:
    """Answers by effect alone; each question between two answers must be paid for."""

    def __init__(self, score: Any, bound: float, identities: int, budgets: QuestionBudgets) -> None:
        """Take what scores rows, and from whom how much may be asked."""
        self._score, self._bound = score, bound
        self._guard = QuestionGuard(Budgets(MemoryBudgets()), QuestionWatch(), budgets)
        self._askers = [Asker(f"user:e{n}", f"k{n}", "192.0.2.0/24") for n in range(identities)]
        self._turn = 0
        self.asked, self.told = set[bytes](), set[bytes]()  # each question once: again it tells nobody anything new
        for asker in self._askers:
            self._guard.look("acme", asker, Question(bytes(_COLUMNS), b"home", b"m"), DAY_S * _NS)

    def __call__(self, rows: "Rows", kind: str) -> "Answers":
        """Return the effect of each row, NaN where it was refused."""
        import numpy as np  # noqa: PLC0415 - comes with the risk extra

        told = (self._score(rows) >= self._bound).astype(np.float64) if len(rows) else np.zeros(0)
        for place, row in enumerate(rows if kind == "walk" else ()):
            self._turn += 1
            asker = self._askers[self._turn % len(self._askers)]
            digest = sha256(np.ascontiguousarray(row).tobytes())
            question = Question((digest * 2)[:_COLUMNS], digest[:8], b"m")
            self.asked.add(digest)
            if self._guard.look("acme", asker, question, DAY_S * _NS).spent:
                told[place] = np.nan
            else:
                self.told.add(digest)
        return told


def run(world: World, identities: int) -> Outcome:
    """Steal with and without budgets; the simulated past is small, so the budgets are, too."""
    import numpy as np  # noqa: PLC0415 - comes with the risk extra

    from ostiary.redteam.thief import agreement, beside, copy_of, steal  # noqa: PLC0415

    rows = _rows(world)
    order = world.rng("extraction").sample(range(len(rows)), min(_MOST, len(rows)))
    half = len(order) // 2
    pool, measured = rows[order[:half]], rows[order[half:]]

    def score(asked: "Rows") -> "Answers":
        return np.array([_score(world, row) for row in asked])

    truth = score(measured)
    bound = float(np.quantile(score(pool), _TOP))
    near = beside(truth, bound, max(10, len(truth) // 20))
    count, figures, tallies = min(4 * world.scale.tries, half), dict[str, float](), list[Tally]()
    loose = QuestionBudgets(*[Budget(1_000_000, DAY_S)] * 5)
    for name, budgets in (("without", loose), ("with", _TIGHT)):
        ask = Guarded(score, bound, identities, budgets)
        loot = steal(pool, ask, count, Random(world.seed))  # noqa: S311 - an experiment, no secret
        copied = copy_of(loot, labels=True)(measured)
        figures[f"near_{name}"] = round(agreement(copied[near], truth[near], 0.5, bound), 3)
        figures[f"agreement_{name}"] = round(agreement(copied, truth, 0.5, bound), 3)
        tallies.append(Tally(len(ask.asked), len(ask.told)))
    most = max(0.0, _most(identities) / max(1, tallies[1].tries))
    # A budget that holds nothing back is no defence, however few questions there were.
    return Outcome(tallies[0], tallies[1], bound=min(_LEAST_HELD, most), notes={**figures, "questions": count})


def _most(identities: int) -> int:
    """Return how many of the thief's questions the budgets hold."""
    own = identities * _TIGHT.identity.limit
    return identities * _TIGHT.free.limit + min(own, _TIGHT.network.limit)


def _rows(world: World) -> "Rows":
    import numpy as np  # noqa: PLC0415

    from ostiary.risk.training.rows import replay_rows  # noqa: PLC0415
    from ostiary.signals.book import ProfileBook  # noqa: PLC0415

    told: Rows = np.asarray(replay_rows(world.past.events, lambda _: True, {}, ProfileBook("default")).features)
    return told


def _score(world: World, row: Sequence[float]) -> float:
    said = world.model.score(world.past.events[0], row)
    return said.score or 0.0


def _attack(name: str, identities: int, who: str) -> Attack:
    text = f"{who} halves the way between answers to copy the scorer; budgets of questions that map stand against it"
    return Attack(name, "AML.T0024.002", text, lambda world: run(world, identities), frozenset({"model"}))


ATTACKS: Final = (
    _attack("extraction-walking", 1, "one thief"),
    _attack("extraction-spread", 10, "a thief with ten names and ten keys behind one network"),
)
