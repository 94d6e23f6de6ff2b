"""The settings of sessions: how long they are remembered, and how steady their risk is held."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section
from ostiary.sessions import Hysteresis, SessionSettings

Seconds = Annotated[float, Field(ge=0, le=31_622_400)]


class SessionsSection(Section):
    """How sessions are kept, and how their risk is held."""

    skew_s: Annotated[float, Field(ge=0, le=300)] = 60
    """By how much clocks may differ: a sign-in so soon after a revocation still counts as before it.
    The `clock_skew_s` of an issuer counts instead where it is larger."""
    asserted_hold_s: Seconds = 43_200
    """How long after a revocation a subject that shows no token is refused."""
    idle_s: Annotated[float, Field(ge=60, le=31_622_400)] = 86_400
    """A session unseen for so long is forgotten, unless it fell."""
    fallen_idle_s: Annotated[float, Field(ge=60, le=31_622_400)] = 604_800
    """A session that fell and stays unseen for so long is ended for good."""
    most_sessions: Annotated[int, Field(ge=1_000, le=10_000_000)] = 200_000
    """How many living sessions are remembered; past that those unseen longest go, the fallen last."""
    hold_s: Seconds = 900
    """How long a level of session risk is held after it was last reached; then it falls one step."""
    grace_s: Seconds = 900
    """How long after a step-up the level that it answered does not rise again."""

    def kept(self, clocks: Iterable[float] = ()) -> SessionSettings:
        """Return what the ledger needs; by ``clocks`` issuers' clocks may be ahead, and their tokens' dates too."""
        return SessionSettings(
            skew_s=max([self.skew_s, *clocks]),
            asserted_hold_s=self.asserted_hold_s,
            idle_s=self.idle_s,
            fallen_idle_s=self.fallen_idle_s,
            most_sessions=self.most_sessions,
        )

    def rule(self) -> Hysteresis:
        """Return how levels are held."""
        return Hysteresis(self.hold_s, self.grace_s)
