"""The settings of what keeps scorers from being mapped: how many questions that could map there are, by whose."""

from typing import Annotated

from pydantic import Field

from ostiary.defence.budgets import MAX_LIMIT, MAX_WINDOW_S, Budget
from ostiary.defence.guarding import QuestionBudgets
from ostiary.defence.questions import QuestionLimits
from ostiary.server.settings.base import Section

Questions = Annotated[int, Field(ge=0, le=MAX_LIMIT)]


class DefenceSection(Section):
    """What keeps Ostiary's own scorers from being copied by asking; models behind the inference door have their own."""

    questions: bool = True
    """Whether questions about accesses are watched and have budgets; without it any number is answered."""
    window_s: Annotated[int, Field(ge=60, le=MAX_WINDOW_S)] = 86_400
    """The sliding window of the budgets below."""
    free: Questions = 100
    """Mapping questions of one identity in the window that cost no shared budget: what people who travel make."""
    identity: Questions = 400
    """Mapping questions of one identity beyond those."""
    device: Questions = 400
    """Mapping questions beyond the free ones with one key that a device proved."""
    network: Questions = 2_000
    """Mapping questions beyond the free ones from one network (/24, or /48 of IPv6)."""
    tenant: Questions = 10_000
    """Mapping questions beyond the free ones of all identities of a tenant."""
    watch_s: Annotated[int, Field(ge=60, le=604_800)] = 3600
    """The time in which an asker's situations and walks are counted for policy."""
    askers: Annotated[int, Field(ge=16, le=1_000_000)] = 8192
    """Identities and devices of a tenant that are watched; of one more, policy hears that it is not."""

    def budgets(self) -> QuestionBudgets:
        """Return the budgets."""
        made = {name: Budget(getattr(self, name), self.window_s) for name in QuestionBudgets.__struct_fields__}
        return QuestionBudgets(**made)

    def limits(self) -> QuestionLimits:
        """Return how far the watch looks."""
        return QuestionLimits(self.watch_s, self.askers)
