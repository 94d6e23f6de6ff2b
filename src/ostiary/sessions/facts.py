"""What the ledger knows of a session, as an access event tells it to the session model.

>>> facts = facts_of(Session("default", "s1", started_ns=5_000_000_000, step_up_ns=9_000_000_000), "k", 15_000_000_000)
>>> facts.age_s, facts.step_up_open
(10.0, True)
"""

from typing import Final

from ostiary.sessions.session import Session
from ostiary.vocabulary.facts import SessionFacts

_NS: Final = 1_000_000_000


def facts_of(session: Session | None, key: str | None, now_ns: int) -> SessionFacts | None:
    """Return what an access at ``now_ns``, which proved ``key``, is told of its session; ``None`` for nothing.

    How often it was asked and failed is not kept by the ledger: the model counts demands and proofs as it sees them.
    """
    if session is None:
        return None if key is None else SessionFacts(key=key)
    return SessionFacts(
        age_s=_age(session.started_ns, now_ns),
        key=key,
        step_up_open=session.demands_step_up,
        proven_age_s=_age(session.proven_ns, now_ns),
    )


def _age(then_ns: int, now_ns: int) -> float | None:
    return max(0.0, (now_ns - then_ns) / _NS) if then_ns else None
