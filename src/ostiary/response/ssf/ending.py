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

import msgspec

from ostiary.response.ssf.naming import bare
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
    told = {"reason": reason, "cause": trigger.id}
    names = named_sessions(trigger, ledger)
    return tuple(name for name in names if ledger.terminate(trigger.tenant, name, at_ns=trigger.at_ns, **told))


def named_sessions(trigger: Trigger, ledger: Sessions) -> tuple[str, ...]:
    """Return the ledger's own names of the session that a signal names; none when it is known to be somebody else's.

    Otherwise a transmitter could end a session of a subject for whom it does not speak, by naming both.
    """
    if not trigger.session_id:
        return ()
    mine = [one.session_id for one in ledger.of_subject(trigger.tenant, trigger.subject)] if trigger.subject else []
    named = tuple(name for name in mine if bare(name) == trigger.session_id)
    if named:
        return named
    known = ledger.find(trigger.tenant, trigger.session_id)
    if trigger.subject and known is not None and known.subject not in {"", trigger.subject}:
        return ()
    return (trigger.session_id,)  # not seen yet, perhaps on another worker: it must not begin after all


class StraightPath:
    """A ``Responder``: ends sessions first, then lets another one do the rest."""

    def __init__(self, ledger: Sessions, after: Responder | None = None) -> None:
        """Take the ledger, and who runs playbooks if anybody does."""
        self._ledger = ledger
        self._after = after

    def respond(self, trigger: Trigger) -> None:
        """Take one trigger; the next one hears the session's name as the ledger has it, never as it was claimed."""
        names = named_sessions(trigger, self._ledger)
        end_sessions(trigger, self._ledger)
        if self._after is not None:
            self._after.respond(msgspec.structs.replace(trigger, session_id=names[0] if len(names) == 1 else ""))
