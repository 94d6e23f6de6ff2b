"""How an access stands with its session: what the decision asks, and what the ledger answers.

- A subject that was revoked is judged by evidence: when the token's holder signed in, else when the token was made.
  Evidence must be later than the revocation by more than the clocks may differ. Without any evidence (a subject that
  an enforcement point merely names) everything is refused for ``asserted_hold_s`` after the revocation.
- A key other than the one its client held before, or none where there was one, is not the same holder. That alone asks
  for a step-up; together with another network or another device it is theft.
"""

from typing import Final

import msgspec

from ostiary.sessions.session import BoundKey, Session, SessionState, StepUpProof, SubjectRevocation

NO_KEY: Final = ""


class Asked(msgspec.Struct, frozen=True):
    """One access, as far as sessions are concerned.

    Attributes:
        names: the ledger's names of its session, the one that may be ended first; empty without a session.
        subject: ``type:id``.
        origin: the session in which its token was exchanged, which falls with that one; empty for any other token.
        acting: subject and session, or empty, of each who acts for the subject; the access is over when one of them is.
        issued_ns: when the token was made; ``None`` when not told.
        authenticated_ns: when its holder signed in; ``None`` when not told.
        key: thumbprint of the key whose possession was proven, or empty.
        network: prefix of the client's address, or empty.
    """

    tenant: str
    names: tuple[str, ...]
    subject: str
    now_ns: int
    action: str = ""
    resource_type: str = ""
    resource_id: str = ""
    issued_ns: int | None = None
    authenticated_ns: int | None = None
    client_id: str = ""
    key: str = NO_KEY
    network: str = ""
    device_id: str = ""
    origin: str = ""
    acting: tuple[tuple[str, str], ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """What the ledger answers.

    Attributes:
        state: what may be done in the session.
        session: what is known of it, or ``None``.
        revoked: whether all that the subject began so long ago is over.
        proof: a step-up for this very access, or ``None``.
        key_changed: whether another holder's key, or none, came instead of the client's own.
        moved: whether network or device differ from the session's latest permitted access.
        sign_in: a sign-in at the issuer that answers the session's demand; to be proven when the access is recorded.
    """

    state: SessionState = SessionState.UNKNOWN
    session: Session | None = None
    revoked: bool = False
    proof: StepUpProof | None = None
    key_changed: bool = False
    moved: bool = False
    sign_in: StepUpProof | None = None

    @property
    def stolen(self) -> bool:
        """Whether the session is in other hands: another key, from elsewhere."""
        return self.key_changed and self.moved


NO_STANDING: Final = Standing()


def is_revoked(revocation: SubjectRevocation, asked: Asked, skew_ns: int, asserted_hold_ns: int) -> bool:
    """Return whether ``revocation`` ends what is asked for."""
    evidence = asked.authenticated_ns if asked.authenticated_ns is not None else asked.issued_ns
    if evidence is None:
        return asked.now_ns < revocation.before_ns + asserted_hold_ns
    return evidence <= revocation.before_ns + skew_ns


def of_actor(asked: Asked, subject: str) -> Asked:
    """Return what is asked of an actor: when the subject signed in says nothing of it, when the token was made does."""
    return msgspec.structs.replace(asked, subject=subject, authenticated_ns=None)


def key_changed(session: Session, asked: Asked) -> bool:
    """Return whether the client held another key before."""
    mine = {bound.thumbprint for bound in session.keys if bound.client_id == asked.client_id}
    return bool(mine) and asked.key not in mine


def moved(session: Session, asked: Asked) -> bool:
    """Return whether the access comes from elsewhere than the one before; what is not told has not moved."""
    network = bool(session.network and asked.network) and session.network != asked.network
    device = bool(session.device_id and asked.device_id) and session.device_id != asked.device_id
    return network or device


def bound(session: Session, asked: Asked, most: int) -> tuple[BoundKey, ...]:
    """Return the session's keys with the one of this access, if it proved one; ``most`` are kept.

    Where there is no more room the same client's oldest goes, and never another client's: that one would be free then
    for whoever holds its token without its key.
    """
    key = BoundKey(asked.client_id, asked.key)
    if asked.key == NO_KEY or key in session.keys:
        return session.keys
    if len(session.keys) < most:
        return (*session.keys, key)
    oldest = next((one for one in session.keys if one.client_id == asked.client_id), None)
    return session.keys if oldest is None else (*(one for one in session.keys if one != oldest), key)
