"""Sessions as people see them: the same members for the API, the command line and the console."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ostiary.sessions import Session, SessionLedger

_NS: Final = 1_000_000_000


class SessionShown(BaseModel):
    """One session; times are Unix seconds, ``None`` = never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    handle: str
    session: str
    subject: str
    state: str
    level: str
    score: float | None
    started: float | None
    seen: float | None
    expires: float | None
    dropped: tuple[str, ...]
    step_up_since: float | None
    acr_values: tuple[str, ...]
    proven: float | None
    device: str
    network: str
    ended: float | None
    reason: str


def shown(session: Session, now_ns: int) -> dict[str, Any]:
    """Return what is shown of a session at ``now_ns``."""
    return {
        "handle": session.handle,
        # Of an asserted session the ledger's name begins with the subject, which stands beside it anyway.
        "session": _plain(asserted_id(session.session_id) or session.session_id),
        "subject": session.subject,
        "state": session.state(now_ns).value,
        "level": session.level,
        "score": session.score,
        "started": _seconds(session.started_ns),
        "seen": _seconds(session.seen_ns),
        "expires": _seconds(session.expires_ns if session.is_reduced else 0),
        "dropped": session.dropped if session.is_reduced else (),
        "step_up_since": _seconds(session.step_up_ns if session.demands_step_up else 0),
        "acr_values": session.acr_values if session.demands_step_up else (),
        "proven": _seconds(session.proven_ns),
        "device": _plain(session.device_id),
        "network": session.network,
        "ended": _seconds(session.ended_ns),
        "reason": session.reason,
    }


def find_session(ledger: SessionLedger, tenant: str, name: str) -> Session | None:
    """Return the session that a person names: by handle, by the issuer's id, or by the id that was asserted for it."""
    found = ledger.named(tenant, name)
    if found is not None:
        return found
    asserted = [one for one in ledger.of_tenant(tenant) if asserted_id(one.session_id) == name]
    # INVARIANT: two subjects may use one id; a name that could mean either means neither.
    return asserted[0] if len(asserted) == 1 else None


def asserted_id(session_id: str) -> str:
    """Return the id that was asserted for a session, empty for one that an issuer named; see ``sessions_of``."""
    return (session_id.split("\n", 2) + [""] * 2)[2]


def _plain(text: str) -> str:
    """Return what somebody outside wrote without characters that a terminal obeys or that hide others."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _seconds(moment_ns: int) -> float | None:
    return moment_ns / _NS if moment_ns else None
