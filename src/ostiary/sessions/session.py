"""What is known of a session, what changes in it, and what a person proved in it: plain values.

A session's fall and rise are moments, not flags, so that two versions of one session (of two workers, of memory and
disk) join into one by keeping the later moment of each: whatever the order in which changes arrive, the result is the
same, and a fall at the very moment of a proof wins.

>>> fallen = Session("default", "s1", step_up_ns=5, proven_ns=5)
>>> fallen.demands_step_up
True
"""

from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec

_HANDLE_BYTES: Final = 10


def handle_of(tenant: str, session_id: str) -> str:
    """Return the short name of a session, ``ses_…``: the same wherever and whenever it is asked for."""
    digest = blake2b(f"{tenant}\0{session_id}".encode("utf-8", "surrogatepass"), digest_size=_HANDLE_BYTES)
    return "ses_" + digest.hexdigest()


class SessionState(StrEnum):
    """What may be done in a session."""

    ACTIVE = "active"
    EXPIRED = "expired"
    STEP_UP = "step_up"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"

    @property
    def over(self) -> bool:
        """Whether nothing may be done in it any more."""
        return self in {SessionState.EXPIRED, SessionState.TERMINATED}


class BoundKey(msgspec.Struct, frozen=True, array_like=True):
    """The key that one client of a session holds: another one later in the same session is not the same holder."""

    client_id: str
    thumbprint: str


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """One session as the ledger knows it.

    Attributes:
        session_id: the ledger's name of it.
        subject: ``type:id`` of its subject, empty when never told.
        started_ns, seen_ns: its first and its latest permitted access; 0 = none.
        reduced_ns: when it was last reduced; 0 = never.
        dropped: privileges that the reductions took away, in the order of taking.
        expires_ns: the end that a reduction set; 0 = none.
        step_up_ns: since when it demands a step-up; 0 = never.
        acr_values: what satisfies that demand; empty = any strong proof.
        proven_ns: the latest step-up; it lifts what fell before it.
        proven_acr: the class of that step-up.
        keys: the keys that its clients hold.
        authenticated_ns: the latest sign-in that its tokens told of.
        network: the network of its latest permitted access, as a prefix.
        device_id: the device of its latest permitted access.
        devices: every device that it was used on, the latest last.
        level: the level of its risk, after hysteresis.
        score, uncertainty, model: the latest session risk: the score, 0 (sure) to 1, the model's digest.
        level_ns: when that level was last reached or kept.
        answered: the level that a step-up has answered.
        ended_ns: when it ended; 0 = it lives.
        reason, cause: why it ended or last fell, as a code, and the id of what is behind it.
    """

    tenant: str
    session_id: str
    subject: str = ""
    started_ns: int = 0
    seen_ns: int = 0
    reduced_ns: int = 0
    dropped: tuple[str, ...] = ()
    expires_ns: int = 0
    step_up_ns: int = 0
    acr_values: tuple[str, ...] = ()
    proven_ns: int = 0
    proven_acr: str = ""
    keys: tuple[BoundKey, ...] = ()
    authenticated_ns: int = 0
    network: str = ""
    device_id: str = ""
    devices: tuple[str, ...] = ()
    level: str = "unknown"
    score: float | None = None
    uncertainty: float = 1.0
    model: str = ""
    level_ns: int = 0
    answered: str = "unknown"
    ended_ns: int = 0
    reason: str = ""
    cause: str = ""

    @property
    def handle(self) -> str:
        """A short name for people and paths: the ledger's own may hold anything a caller wrote."""
        return handle_of(self.tenant, self.session_id)

    @property
    def demands_step_up(self) -> bool:
        """Whether its subject must prove itself before anything else."""
        return self.step_up_ns > 0 and self.step_up_ns >= self.proven_ns

    @property
    def is_reduced(self) -> bool:
        """Whether its reductions hold."""
        return self.reduced_ns > 0 and self.reduced_ns >= self.proven_ns

    @property
    def fell(self) -> bool:
        """Whether anything but its end holds it down."""
        return self.demands_step_up or self.is_reduced

    def state(self, now_ns: int) -> SessionState:
        """Return what may be done in it at ``now_ns``."""
        if self.ended_ns:
            return SessionState.TERMINATED
        if self.is_reduced and self.expires_ns and now_ns >= self.expires_ns:
            return SessionState.EXPIRED
        return SessionState.STEP_UP if self.demands_step_up else SessionState.ACTIVE


class TerminatedSession(msgspec.Struct, frozen=True):
    """A session that ended by decision or by hand."""

    tenant: str
    session_id: str
    ended_ns: int
    reason: str
    subject: str = ""
    cause: str = ""


class SubjectRevocation(msgspec.Struct, frozen=True):
    """All that a subject began before ``before_ns`` is over."""

    tenant: str
    subject: str
    before_ns: int
    reason: str
    cause: str = ""


class StepUpProof(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person proved in a step-up, and for what: one action on one resource, until ``expires_ns``.

    Attributes:
        subject: ``type:id``.
        session_id: the ledger's name of the session, empty for an access without one.
        cause: the decision that asked for it.
        key: thumbprint of the key that came with the access that asked; empty = none. It serves no other key.
    """

    tenant: str
    subject: str
    session_id: str
    acr: str
    amr: tuple[str, ...]
    proven_ns: int
    expires_ns: int
    action: str
    resource_type: str
    resource_id: str
    cause: str
    key: str = ""

    def covers(self, action: str, resource_type: str, resource_id: str, now_ns: int) -> bool:
        """Return whether it is a proof for this very access at this moment."""
        mine = (self.action, self.resource_type, self.resource_id)
        return now_ns < self.expires_ns and mine == (action, resource_type, resource_id)


class SessionNews(msgspec.Struct, frozen=True):
    """What a store was told since a mark, and the mark to ask with next time."""

    mark: int
    living: tuple[Session, ...] = ()
    ended: tuple[TerminatedSession, ...] = ()
    revocations: tuple[SubjectRevocation, ...] = ()
    proofs: tuple[StepUpProof, ...] = ()


class ChangeKind(StrEnum):
    """What happened to a session."""

    LEVEL = "level"
    PROVEN = "proven"
    REDUCED = "reduced"
    STEP_UP = "step_up"
    SUBJECT_REVOKED = "subject_revoked"
    TERMINATED = "terminated"


class SessionChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change, told to whoever listens, after it is on disk.

    Attributes:
        session_id: empty when a whole subject was revoked.
        reason: a code.
        cause: id of the decision, signal or record behind it.
        privileges: those that a reduction took away.
        expires_ns: the end that a reduction set; of a revocation the moment before which all is over.
    """

    tenant: str
    session_id: str
    subject: str
    kind: ChangeKind
    at_ns: int
    reason: str = ""
    cause: str = ""
    privileges: tuple[str, ...] = ()
    expires_ns: int = 0
    level: str = ""
    previous_level: str = ""
    acr_values: tuple[str, ...] = ()
