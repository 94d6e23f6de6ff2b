"""The straight path from a verified signal to the sessions it ends; everything beyond that is a playbook's.

- ``credential-compromise``, ``sessions-revoked``, ``account-disabled`` and ``account-purged`` end all of the subject's
  sessions; older tokens are refused too.
- ``session-revoked`` ends the one session it names, if that is the subject's; without one all of the subject's.

>>> class Ledger:
...     def revoke_subject(self, tenant, subject, *, at_ns, reason, cause=""): return ("s1", "s2")
>>> end_sessions(Trigger("sig_1", "acme", "signal:credential-compromise", "user:alice", "", "", {}, 5), Ledger())
('s1', 's2')
"""

from typing import Final

from ostiary.response.ssf.ports import Sessions
from ostiary.response.trigger import Responder, Trigger

PREFIX: Final = "signal:"
_ENDS_ALL: Final = frozenset({"account-disabled", "account-purged", "credential-compromise", "sessions-revoked"})
_ENDS_ONE: Final = "session-revoked"


def end_sessions(trigger: Trigger, ledger: Sessions) -> tuple[str, ...]:
    """End what a signal says is over; return the ids of the sessions that ended.

    Raises:
        UnavailableError: it is not on disk; the signal must come again.
    """
    name = trigger.kind.removeprefix(PREFIX)
    if trigger.kind == name or name not in _ENDS_ALL | {_ENDS_ONE}:
        return ()
    reason = "signal_" + name.replace("-", "_")
    if name == _ENDS_ONE and trigger.session_id:
        return _end_one(trigger, ledger, reason)
    if not trigger.subject:
        return ()
    return ledger.revoke_subject(trigger.tenant, trigger.subject, at_ns=trigger.at_ns, reason=reason, cause=trigger.id)


def _end_one(trigger: Trigger, ledger: Sessions, reason: str) -> tuple[str, ...]:
    """End one session; when the signal names a subject too, it must be that subject's.

    Otherwise a transmitter could end a session of somebody whom it does not speak for, by naming both.
    """
    if trigger.subject:
        mine = {one.session_id for one in ledger.of_subject(trigger.tenant, trigger.subject)}
        if trigger.session_id not in mine:
            return ()
    ended = ledger.terminate(trigger.tenant, trigger.session_id, at_ns=trigger.at_ns, reason=reason, cause=trigger.id)
    return (trigger.session_id,) if ended else ()


class StraightPath:
    """A ``Responder``: ends sessions first, then lets another one do the rest."""

    def __init__(self, ledger: Sessions, after: Responder | None = None) -> None:
        """Take the ledger, and who runs playbooks if anybody does."""
        self._ledger = ledger
        self._after = after

    def respond(self, trigger: Trigger) -> None:
        """Take one trigger."""
        end_sessions(trigger, self._ledger)
        if self._after is not None:
            self._after.respond(trigger)
