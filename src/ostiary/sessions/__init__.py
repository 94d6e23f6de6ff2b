"""The state of sessions: a session may fall at any time, and a terminated one never rises.

>>> from ostiary.sessions import SessionLedger
>>> ledger = SessionLedger()
>>> ledger.terminate("default", "s1", at_ns=1, reason="rule:stolen")
>>> ledger.state("default", "s1").value
'terminated'
"""

from ostiary.sessions.ledger import SessionLedger, SessionState, SessionStore, TerminatedSession

__all__ = ["SessionLedger", "SessionState", "SessionStore", "TerminatedSession"]
