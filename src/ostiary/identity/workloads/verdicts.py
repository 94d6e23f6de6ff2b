"""What a restriction says: yes, or no with a reason; nothing is raised, so that all of a rule can be explained.

>>> from ostiary.identity.reasons import Refusal
>>> bool(Success()), bool(Failure(Refusal.WORKLOAD_REF_WRONG, "the ref is not one that the rule names"))
(True, False)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from ostiary.identity.reasons import Refusal

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Success:
    """The restriction holds."""

    def __bool__(self) -> Literal[True]:
        """Holds."""
        return True


@dataclass(frozen=True, slots=True)
class Failure:
    """The restriction does not hold: a stable code, and one sentence for a person."""

    code: Refusal
    text: str

    def __bool__(self) -> Literal[False]:
        """Does not hold."""
        return False


Verdict = Success | Failure
HOLDS = Success()


class Restriction(Protocol):
    """One thing that must be true of a workload's claims: a frozen value, pure, and it never raises.

    Attributes:
        tag: the name of its class in explanations and documents; stable.
    """

    tag: ClassVar[str]

    def verify(self, claims: Claims, /) -> Verdict:
        """Return whether it holds of ``claims``, which the kind has read and typed."""
        ...
