"""How much of the budgets of questions is used: by whom most, and what was stopped.

- Budgets are kept under digests, so whose they are is asked of those who were decided about most in the window, and of
  those who were stopped. Somebody who asked less than these is not looked up.
- What was taken ahead by a running process counts as used (``defence.budgets``).
"""

from typing import Final

import msgspec

from ostiary.decision.index.query import DecisionQuery
from ostiary.defence.budgets import Budgets, Want, key_of
from ostiary.defence.guarding import Asker, QuestionBudgets, wants_of
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect

RULES: Final = ("question-budget-spent", "decision-probing", "decision-probing-step-up")
MOST: Final = 10
COUNTED: Final = 10_000
_LOOKED_AT: Final = 100
_NS: Final = 1_000_000_000


class Used(msgspec.Struct, frozen=True):
    """How much of a budget is used; ``subject`` is empty for that of the whole tenant."""

    subject: str
    used: int
    limit: int


class Stopped(msgspec.Struct, frozen=True):
    """How often a rule stopped somebody in the window, ``COUNTED`` at most."""

    rule: str
    count: int


class Questions(msgspec.Struct, frozen=True):
    """The budgets of questions; ``on`` is false when the settings leave them out."""

    on: bool
    window_s: int
    tenant: Used
    askers: tuple[Used, ...]
    stopped: tuple[Stopped, ...]


def questions_of(house: House, tenant: str) -> Questions:
    """Return how much is used.

    Raises:
        UnavailableError: the store cannot be read.
    """
    settings, now = house.settings.defence, house.clock.now_ns()
    limits, budgets = settings.budgets(), Budgets(house.store.budgets)
    since = now - settings.window_s * _NS
    rows = [_used(budgets, limits, tenant, subject, now) for subject in _names(house, tenant, since)]
    rows = sorted((row for row in rows if row.used), key=lambda row: (-row.used, row.subject))
    want = wants_of(Asker(""), limits)["tenant"]
    index = house.store.decisions
    return Questions(
        on=settings.questions,
        window_s=settings.window_s,
        tenant=Used("", budgets.taken(tenant, want, now), limits.tenant.limit),
        askers=tuple(rows[:MOST]),
        stopped=tuple(
            Stopped(rule, index.count(tenant, DecisionQuery(rule=rule, since_ns=since), COUNTED)) for rule in RULES
        ),
    )


def _names(house: House, tenant: str, since_ns: int) -> list[str]:
    """Return whose budgets are looked up, without doubles."""
    index = house.store.decisions
    most = [name for name, _ in index.top(tenant, "subject", tuple(Effect), since_ns, _LOOKED_AT)]
    for rule in RULES:
        rows = index.rows(tenant, DecisionQuery(rule=rule, since_ns=since_ns, limit=_LOOKED_AT))
        most += [row.subject for row in rows]
    return list(dict.fromkeys(name for name in most if name))


def _used(budgets: Budgets, limits: QuestionBudgets, tenant: str, subject: str, now_ns: int) -> Used:
    free = Want(key_of("questions", "free", subject), limits.free)
    own = wants_of(Asker(subject), limits)["identity"]
    used = sum(budgets.taken(tenant, want, now_ns) for want in (free, own))
    return Used(subject, used, limits.free.limit + limits.identity.limit)
