"""What watches questions about accesses, over this worker's store; budgets are shared by all who use that store."""

from ostiary.defence.budgets import Budgets
from ostiary.defence.guarding import QuestionGuard
from ostiary.defence.ports import BudgetStore
from ostiary.defence.questions import QuestionWatch
from ostiary.server.settings.defence import DefenceSection


def open_questions(settings: DefenceSection, store: BudgetStore) -> QuestionGuard | None:
    """Return the guard, or ``None`` when the settings leave it out."""
    if not settings.questions:
        return None
    return QuestionGuard(Budgets(store), QuestionWatch(settings.limits()), settings.budgets())
