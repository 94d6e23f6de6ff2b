"""What is remembered of sessions: living ones with their indexes, ended ones, revocations, proofs. No disk, no rules.

All of it lies under one lock, which whoever changes more than one thing holds meanwhile (it may be taken again).
"""

import threading
from collections import OrderedDict, defaultdict
from typing import Final

import msgspec

from ostiary.sessions import rules
from ostiary.sessions.session import (
    Session,
    SessionNews,
    SessionState,
    StepUpProof,
    SubjectRevocation,
    TerminatedSession,
    handle_of,
)
from ostiary.sessions.settings import SessionSettings
from ostiary.sessions.standing import Asked

Name = tuple[str, str]
NS: Final = 1_000_000_000
DEFAULTS: Final = SessionSettings()


class SessionMemory:
    """The part of the ledger that answers; safe for several threads."""

    def __init__(self, settings: SessionSettings = DEFAULTS) -> None:
        """Begin with nothing."""
        self._settings = settings
        self._lock = threading.RLock()
        self._ended: dict[Name, TerminatedSession] = {}
        self._living: OrderedDict[Name, Session] = OrderedDict()
        self._of_subject: defaultdict[Name, set[str]] = defaultdict(set)
        self._revoked: dict[Name, SubjectRevocation] = {}
        self._proofs: dict[Name, tuple[StepUpProof, ...]] = {}
        self._touched: set[Name] = set()
        self._gone: set[Name] = set()

    @property
    def skew_ns(self) -> int:
        """By how much clocks may differ."""
        return int(self._settings.skew_s * NS)

    def state(self, tenant: str, session_id: str | None, now_ns: int = 0) -> SessionState:
        """Return the state of a session; without an id it is unknown, one never heard of is active."""
        if session_id is None:
            return SessionState.UNKNOWN
        if (tenant, session_id) in self._ended:
            return SessionState.TERMINATED
        session = self._living.get((tenant, session_id))
        return SessionState.ACTIVE if session is None else session.state(now_ns)

    def find(self, tenant: str, session_id: str) -> Session | None:
        """Return what is known of a session, ended or living."""
        session, over = self._living.get((tenant, session_id)), self._ended.get((tenant, session_id))
        if over is None:
            return session
        return rules.ended(Session(tenant, session_id, subject=over.subject), over.ended_ns, over.reason, over.cause)

    def whose(self, tenant: str, session_id: str) -> str:
        """Return the subject (``type:id``) that a session is known to be of, or an empty string."""
        session = self.find(tenant, session_id)
        return "" if session is None else session.subject

    def named(self, tenant: str, name: str) -> Session | None:
        """Return a session by its own name or by its handle, ended or living."""
        found = self.find(tenant, name)
        if found is not None or not name.startswith("ses_"):
            return found
        with self._lock:
            names = [key[1] for table in (self._living, self._ended) for key in table if key[0] == tenant]
        return next((self.find(tenant, one) for one in names if handle_of(tenant, one) == name), None)

    def of_tenant(self, tenant: str) -> list[Session]:
        """Return a tenant's living sessions, the latest seen first."""
        with self._lock:
            mine = [session for session in self._living.values() if session.tenant == tenant]
        return sorted(mine, key=lambda session: (-session.seen_ns, session.session_id))

    def of_subject(self, tenant: str, subject: str) -> list[Session]:
        """Return the living sessions of ``type:id``."""
        with self._lock:
            names = sorted(self._of_subject.get((tenant, subject), ()))
            return [session for name in names if (session := self._living.get((tenant, name))) is not None]

    def of_device(self, tenant: str, device_id: str) -> list[Session]:
        """Return the living sessions that were used on a device, now or before."""
        return [session for session in self.of_tenant(tenant) if device_id and device_id in session.devices]

    def over(self, tenant: str) -> list[Session]:
        """Return the sessions of ``tenant`` that ended, the latest first."""
        ends = reversed(self.ended(tenant))
        return [session for end in ends if (session := self.find(tenant, end.session_id)) is not None]

    def ended(self, tenant: str) -> list[TerminatedSession]:
        """Return the terminated sessions of ``tenant``, oldest first."""
        return sorted((s for s in list(self._ended.values()) if s.tenant == tenant), key=lambda s: s.ended_ns)

    def revocation(self, tenant: str, subject: str) -> SubjectRevocation | None:
        """Return the moment before which all that a subject began is over, if there is one."""
        return self._revoked.get((tenant, subject))

    def revocations(self, tenant: str) -> list[SubjectRevocation]:
        """Return the moments before which all that some subject of a tenant began is over."""
        with self._lock:
            return [one for one in self._revoked.values() if one.tenant == tenant]

    def __len__(self) -> int:
        """Return how many sessions live."""
        return len(self._living)

    def forget_tenant(self, tenant: str) -> None:
        """Forget all that is remembered of a tenant; its store is somebody else's to erase."""
        with self._lock:
            for table in (self._ended, self._revoked, self._proofs):
                for key in [key for key in table if key[0] == tenant]:
                    del table[key]
            for name in [name for name in self._living if name[0] == tenant]:
                self._forget(name)

    # For the ledger.

    def _unname(self, tenant: str, subject: str) -> None:
        for name, over in self._ended.items():
            if (over.tenant, over.subject) == (tenant, subject):
                self._ended[name] = msgspec.structs.replace(over, subject="")
        self._proofs.pop((tenant, subject), None)

    def _state_of(self, asked: Asked) -> tuple[SessionState, Session | None]:
        """Return the worst state under any of the access's names, and all that is known under them as one session."""
        names = (*asked.names, *((asked.origin,) if asked.origin else ()))
        states = [self.state(asked.tenant, name, asked.now_ns) for name in names]
        known = [one for name in asked.names if (one := self._living.get((asked.tenant, name))) is not None]
        session = rules.weighed_down(known[0], known[1:]) if known else None
        if (origin := self._living.get((asked.tenant, asked.origin))) is not None and origin.fell:
            # Only what holds it down passes on: its keys and places are another holder's.
            own = session or Session(asked.tenant, asked.names[0], subject=asked.subject, started_ns=asked.now_ns)
            session = rules.weighed_down(own, (origin,))
        acting = (self.state(asked.tenant, name, asked.now_ns) for _, name in asked.acting if name)
        over = next((state for state in (*states, *acting) if state.over), None)
        if over is not None:
            return over, session
        return (
            SessionState.STEP_UP if SessionState.STEP_UP in states else (states or [SessionState.UNKNOWN])[0]
        ), session

    def _put(self, session: Session) -> None:
        name = (session.tenant, session.session_id)
        if name in self._ended:
            return
        self._living[name] = session
        self._living.move_to_end(name)
        if session.subject:
            self._of_subject[session.tenant, session.subject].add(session.session_id)

    def _forget(self, name: Name) -> None:
        session = self._living.pop(name, None)
        if session is None:
            return
        key = (session.tenant, session.subject)
        self._of_subject.get(key, set()).discard(session.session_id)
        if not self._of_subject.get(key):
            self._of_subject.pop(key, None)
        self._proofs.pop(name, None)

    def _remember(self, proof: StepUpProof) -> None:
        key = (proof.tenant, proof.session_id or proof.subject)
        known = [one for one in self._proofs.get(key, ()) if one.expires_ns > proof.proven_ns and one != proof]
        self._proofs[key] = (*known, proof)[-self._settings.most_proofs :]

    def _proof_for(self, asked: Asked, session: Session | None) -> StepUpProof | None:
        """Return the newest proof for this very access that nothing has overtaken."""
        fell_ns = max(session.step_up_ns, session.reduced_ns) if session else 0
        revoked = self._revoked.get((asked.tenant, asked.subject))
        after_ns = max(fell_ns, revoked.before_ns if revoked else 0)
        what = (asked.action, asked.resource_type, asked.resource_id)
        # One that was given outside of any session serves no session: that one may be in other hands.
        for key in asked.names or (asked.subject,):
            for proof in reversed(self._proofs.get((asked.tenant, key), ())):
                mine = (proof.subject, proof.key) == (asked.subject, asked.key) and proof.proven_ns > after_ns
                if mine and proof.covers(*what, asked.now_ns):
                    return proof
        return None

    def _idlest(self) -> Name | None:
        """Return whom to forget when there is no more room: who was put down longest ago and has not fallen."""
        if len(self._living) <= self._settings.most_sessions:
            return None
        return next((name for name, session in self._living.items() if not session.fell), None)

    def _forget_idle(self, seen: Session) -> bool:
        name = (seen.tenant, seen.session_id)
        with self._lock:
            if self._living.get(name) is not seen:
                return False  # somebody came back meanwhile
            self._forget(name)
            self._gone.add(name)
        return True

    def _revoke(self, revocation: SubjectRevocation) -> None:
        known = self._revoked.get((revocation.tenant, revocation.subject))
        if known is None or known.before_ns < revocation.before_ns:
            self._revoked[revocation.tenant, revocation.subject] = revocation

    def _may_prove(self, proof: StepUpProof, session: Session | None) -> bool:
        if proof.session_id and (proof.tenant, proof.session_id) in self._ended:
            return False
        revoked = self._revoked.get((proof.tenant, proof.subject))
        if revoked is not None and proof.proven_ns <= revoked.before_ns:
            return False
        if session is None:
            return True
        mine = not session.subject or session.subject == proof.subject
        return mine and not session.state(proof.proven_ns).over and rules.satisfies(session, proof)

    def _subject(self, tenant: str, session_id: str) -> str:
        session = self._living.get((tenant, session_id))
        return "" if session is None else session.subject

    def _end(self, over: TerminatedSession) -> bool:
        """Note an end in memory, before it is on disk: no request slips through while that is slow."""
        name = (over.tenant, over.session_id)
        if name in self._ended:
            return False
        self._ended[name] = over
        self._forget(name)
        self._touched.discard(name)
        return True

    def _learn_ends(self, news: SessionNews) -> list[SubjectRevocation | TerminatedSession]:
        """Note ends and revocations; return those that are new here."""
        known = self._revoked
        fresh: list[SubjectRevocation | TerminatedSession] = [
            one
            for one in news.revocations
            if (seen := known.get((one.tenant, one.subject))) is None or seen.before_ns < one.before_ns
        ]
        for one in news.revocations:
            self._revoke(one)
        return fresh + [over for over in news.ended if self._end(over)]

    def _learn_sessions(self, news: SessionNews) -> list[tuple[Session | None, Session]]:
        """Join what is stored with what is known; return each session before and after."""
        found: list[tuple[Session | None, Session]] = []
        for stored in news.living:
            name = (stored.tenant, stored.session_id)
            if name not in self._ended:
                known = self._living.get(name)
                after = stored if known is None else rules.joined(known, stored)
                self._put(after)
                found.append((known, after))
        return found
