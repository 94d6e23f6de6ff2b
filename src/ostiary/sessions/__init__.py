"""The state of sessions: a session may fall at any time, rises only by a step-up, and an ended one never rises.

>>> from ostiary.sessions import SessionLedger
>>> ledger = SessionLedger()
>>> ledger.demand_step_up("default", "s1", at_ns=1, reason="risk")
True
>>> ledger.state("default", "s1").value
'step_up'
>>> ledger.terminate("default", "s1", at_ns=2, reason="rule:stolen")
True
>>> ledger.state("default", "s1").value
'terminated'
"""

from ostiary.sessions.hysteresis import Held, Hysteresis
from ostiary.sessions.ledger import SessionLedger
from ostiary.sessions.ports import SessionStore
from ostiary.sessions.session import (
    BoundKey,
    ChangeKind,
    Session,
    SessionChange,
    SessionNews,
    SessionState,
    StepUpProof,
    SubjectRevocation,
    TerminatedSession,
    handle_of,
)
from ostiary.sessions.settings import SessionSettings
from ostiary.sessions.standing import NO_STANDING, Asked, Standing

__all__ = [
    "NO_STANDING",
    "Asked",
    "BoundKey",
    "ChangeKind",
    "Held",
    "Hysteresis",
    "Session",
    "SessionChange",
    "SessionLedger",
    "SessionNews",
    "SessionSettings",
    "SessionState",
    "SessionStore",
    "Standing",
    "StepUpProof",
    "SubjectRevocation",
    "TerminatedSession",
    "handle_of",
]
