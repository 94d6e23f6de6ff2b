"""What another process did to sessions, as the changes that our own listeners have not heard of."""

from collections.abc import Iterable

from ostiary.sessions.session import ChangeKind, Session, SessionChange, SubjectRevocation, TerminatedSession


def learned(
    ends: Iterable[SubjectRevocation | TerminatedSession], sessions: Iterable[tuple[Session | None, Session]]
) -> list[SessionChange]:
    """Return the changes behind new ends and revocations, and between two versions of living sessions."""
    changes = [_end(one) for one in ends]
    for before, after in sessions:
        changes += _between(before or Session(after.tenant, after.session_id), after)
    return changes


def _end(one: SubjectRevocation | TerminatedSession) -> SessionChange:
    if isinstance(one, SubjectRevocation):
        kind, at_ns = ChangeKind.SUBJECT_REVOKED, one.before_ns
        return SessionChange(one.tenant, "", one.subject, kind, at_ns, one.reason, one.cause, expires_ns=at_ns)
    kind = ChangeKind.TERMINATED
    return SessionChange(one.tenant, one.session_id, one.subject, kind, one.ended_ns, one.reason, one.cause)


def _between(before: Session, after: Session) -> list[SessionChange]:
    changes: list[SessionChange] = []
    if after.proven_ns > before.proven_ns:
        acr = (after.proven_acr,)
        changes.append(_change(after, ChangeKind.PROVEN, after.proven_ns, "step_up", acr_values=acr))
    if after.is_reduced and after.reduced_ns > before.reduced_ns:
        lost, end = after.dropped, after.expires_ns
        changes.append(
            _change(after, ChangeKind.REDUCED, after.reduced_ns, after.reason, privileges=lost, expires_ns=end)
        )
    if after.demands_step_up and after.step_up_ns > before.step_up_ns:
        asked = after.acr_values
        changes.append(_change(after, ChangeKind.STEP_UP, after.step_up_ns, after.reason, acr_values=asked))
    return changes


def _change(
    session: Session,
    kind: ChangeKind,
    at_ns: int,
    reason: str,
    *,
    privileges: tuple[str, ...] = (),
    expires_ns: int = 0,
    acr_values: tuple[str, ...] = (),
) -> SessionChange:
    return SessionChange(
        session.tenant,
        session.session_id,
        session.subject,
        kind,
        at_ns,
        reason,
        session.cause,
        privileges,
        expires_ns,
        acr_values=acr_values,
    )
