"""Budgets of questions that could map a scorer: by identity, by device, by network, by tenant; and what policy sees.

Rules:

- Only what the watch calls mapping costs anything: a situation never asked before, an amount that closes in on a flip.
  Plain load, however much, costs nothing.
- Each identity has some of it ``free`` in a window; what comes after that is taken from its own budget, its device's,
  its network's and its tenant's: from all or from none. So nobody who asks as people do is refused because others,
  behind the same address or in the same tenant, have spent what was there.
- A device is a key that was proven. A name costs nothing: whoever told his own anew each time would have no budget, and
  whoever told another's would spend his.
- What was not granted is not remembered: asked again it is as new, and is refused again.

>>> from ostiary.defence.memory import MemoryBudgets
>>> few = Budget(1, 60)
>>> guard = QuestionGuard(Budgets(MemoryBudgets()), QuestionWatch(), QuestionBudgets(few, few, few, few, few))
>>> asked = [Question(bytes([n]), bytes([n]), b"m") for n in range(4)]
>>> [guard.look("acme", Asker("user:eve"), one, now_ns=0).spent for one in asked]
[(), (), (), ('identity', 'tenant')]
"""

from typing import Any, Final

import msgspec

from ostiary.defence.budgets import Budget, Budgets, Want, key_of
from ostiary.defence.questions import Look, Question, QuestionWatch, Walked

DAY_S: Final = 86_400
_SCOPE: Final = "questions"


class QuestionBudgets(msgspec.Struct, frozen=True):
    """How many mapping questions there are, by whose they are."""

    free: Budget = Budget(100, DAY_S)
    identity: Budget = Budget(400, DAY_S)
    device: Budget = Budget(400, DAY_S)
    network: Budget = Budget(2_000, DAY_S)
    tenant: Budget = Budget(10_000, DAY_S)


class Asker(msgspec.Struct, frozen=True):
    """Who asks: ``type:id``, the thumbprint of a proven key, the network; the last two may be empty."""

    identity: str
    device: str = ""
    network: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which the watch remembers it."""
        return (self.identity, f"key:{self.device}") if self.device else (self.identity,)


class Guarded(msgspec.Struct, frozen=True):
    """One question, looked at and paid for.

    Attributes:
        seen: what the watch saw.
        charged: whether it was paid for.
        spent: whose budgets had too little: ``identity``, ``device``, ``network``, ``tenant``.
        wait_s: seconds after which it is worth asking again; 0 when nothing was spent.
    """

    seen: Walked = Walked()
    charged: bool = False
    spent: tuple[str, ...] = ()
    wait_s: int = 0
    look: Look | None = None

    def document(self) -> dict[str, Any]:
        """Return what policy sees."""
        seen = self.seen
        return {
            "watched": seen.known,
            "situations": seen.situations,
            "near": seen.near,
            "walking": seen.walking,
            "charged": self.charged,
            "spent": list(self.spent),
            "wait_s": self.wait_s,
        }


NOT_ASKED: Final = Guarded()


class QuestionGuard:
    """Looks at questions before they are decided; safe for many threads, exact over several processes."""

    def __init__(self, budgets: Budgets, watch: QuestionWatch, limits: QuestionBudgets | None = None) -> None:
        """Take from ``budgets`` what ``limits`` hold."""
        self._budgets, self._watch = budgets, watch
        self._limits = limits or QuestionBudgets()

    def look(self, tenant: str, asker: Asker, question: Question, now_ns: int) -> Guarded:
        """Return what is seen of one question, its budgets taken if it maps.

        Raises:
            UnavailableError: the budgets cannot be written: nobody may be answered.
        """
        look = self._watch.look(tenant, asker.names, question, now_ns)
        spent, wait_s = self._charged(tenant, asker, now_ns) if look.maps else ((), 0)
        if not spent:
            self._watch.keep(look)
        return Guarded(look.seen, look.maps and not spent, spent, wait_s, look)

    def told(self, guarded: Guarded, outcome: str) -> None:
        """Remember how a question was answered; nothing for one that was not asked here."""
        if guarded.look is not None:
            self._watch.told(guarded.look, outcome)

    def _charged(self, tenant: str, asker: Asker, now_ns: int) -> tuple[tuple[str, ...], int]:
        free = Want(key_of(_SCOPE, "free", asker.identity), self._limits.free)
        if self._budgets.take(tenant, free, 1, now_ns):
            return (), 0
        wants = wants_of(asker, self._limits)
        lacking = self._budgets.take_all(tenant, list(wants.values()), 1, now_ns)
        names = tuple(wants)
        return tuple(names[place] for place in lacking), max((_wait_s(wants[names[at]]) for at in lacking), default=0)


def wants_of(asker: Asker, limits: QuestionBudgets) -> dict[str, Want]:
    """Return the budgets that an asker's questions are taken from, by whose they are."""
    whose = {"identity": asker.identity, "device": asker.device, "network": asker.network, "tenant": "all"}
    return {
        name: Want(key_of(_SCOPE, name, value), getattr(limits, name)) for name, value in whose.items() if value != ""
    }


def _wait_s(want: Want) -> int:
    return want.budget.wait_s
