"""What a decision point answers, as values: a decision that is true only when it allows, and what comes with it.

>>> denied = Decision.failed("pdp_unreachable")
>>> bool(denied), denied.decided, denied.reasons
(False, False, ('pdp_unreachable',))
"""

from enum import StrEnum
from typing import Any, Final, Self

import msgspec

LIFETIME: Final = "session_lifetime"
OVER: Final = frozenset({"session_terminated", "session_expired", "subject_revoked"})


class Effect(StrEnum):
    """What is done about one request, from the mildest to the harshest."""

    ALLOW = "ALLOW"
    REDUCE = "REDUCE"
    STEP_UP = "STEP_UP"
    DENY = "DENY"
    TERMINATE = "TERMINATE"


class Obligation(msgspec.Struct, frozen=True):
    """What the enforcement point must do, or deny (AuthZEN Obligations Profile)."""

    id: str
    type: str
    properties: dict[str, Any] = {}


class Challenge(msgspec.Struct, frozen=True):
    """What a step-up asks for (RFC 9470): authentication classes, how fresh, and where it can be done."""

    acr_values: str = ""
    max_age: int | None = None
    uri: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision. Its truth is ``allowed``: whatever went wrong, it is false.

    Attributes:
        allowed: whether the request may go on, its obligations carried out.
        decided: whether the decision point said so; false when it could not be asked or understood.
        id: of the decision's record, empty when there is none.
        reason_user: one sentence for the person concerned.
        challenge: what would help, of a step-up.
        dpop_nonce: the nonce that the next proof of possession must carry, if one is asked for.
        retry_after_s: seconds after which it is worth asking again, where too much was asked; else 0.
        cached: whether it was said before and nothing has fallen since.
    """

    allowed: bool
    effect: Effect
    reasons: tuple[str, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    id: str = ""
    reason_user: str = ""
    challenge: Challenge | None = None
    dpop_nonce: str = ""
    decided: bool = True
    cached: bool = False
    retry_after_s: int = 0

    def __bool__(self) -> bool:
        """Return ``allowed``."""
        return self.allowed

    @classmethod
    def failed(cls, reason: str) -> Self:
        """Return the denial that stands for an error."""
        text = "The access could not be checked now, so the answer is no."
        return cls(allowed=False, effect=Effect.DENY, reasons=(reason,), reason_user=text, decided=False)

    @property
    def over(self) -> bool:
        """Whether the caller's session has ended: another token is needed."""
        return self.effect is Effect.TERMINATE or not OVER.isdisjoint(self.reasons)

    @property
    def lifetime_s(self) -> float | None:
        """The shortest life that the obligations leave to the session, or ``None``."""
        told = [one.properties.get("max_age") for one in self.obligations if one.type == LIFETIME]
        if not told:
            return None
        # An obligation of this name that does not say how long leaves nothing.
        return min(float(v) if isinstance(v, int | float) and not isinstance(v, bool) else 0.0 for v in told)

    def unknown_obligations(self, understood: frozenset[str]) -> tuple[str, ...]:
        """Return the types of obligations that are not among ``understood``: whoever has one must deny."""
        return tuple(dict.fromkeys(one.type for one in self.obligations if one.type not in understood))


class Found(msgspec.Struct, frozen=True):
    """The results of a search; ``failed`` says why there are none, and is empty when the search was done."""

    results: tuple[dict[str, Any], ...] = ()
    next_token: str = ""
    failed: str = ""
