"""The ledger of sessions: answers from memory, writes through to its store, tells who listens.

1. A session may fall at any time and rises only by a step-up (``rules``); terminated is final.
2. A fall is in memory before it is on disk, so that no request slips through while the disk is slow, and on disk before
   the call returns, so that a crash cannot undo it. A rise is on disk first.
3. Another tenant's session of the same id is another session.
4. No clock of its own: times are handed in. A session whose end was once seen stays ended, whatever clocks do later.
5. Listeners hear of a change after it is on disk, in the order of the changes; one that fails disturbs nobody.
6. A change is settled in one order (``settling``), and what is written is what memory knows at that moment, so that no
   write undoes a later one. The store joins it with what another process has written since we read last (``_mark``).
"""

from collections.abc import Callable
from typing import Final

import msgspec
from typing_extensions import override

from ostiary.sessions import rules
from ostiary.sessions.hysteresis import Hysteresis
from ostiary.sessions.learning import learned
from ostiary.sessions.memory import DEFAULTS, NS, SessionMemory
from ostiary.sessions.ports import SessionStore
from ostiary.sessions.session import (
    ChangeKind,
    Session,
    SessionChange,
    SessionState,
    StepUpProof,
    SubjectRevocation,
    TerminatedSession,
)
from ostiary.sessions.settings import SessionSettings
from ostiary.sessions.settling import OnFault, Settling
from ostiary.sessions.standing import Asked, Standing, bound, is_revoked, key_changed, moved, of_actor
from ostiary.vocabulary.scoring import RiskScore

EXPIRED: Final = "session_expired"
IDLE: Final = "session_idle"


class SessionLedger(SessionMemory):
    """All sessions of this process; safe for several threads."""

    def __init__(
        self,
        store: SessionStore | None = None,
        settings: SessionSettings = DEFAULTS,
        on_fault: OnFault = lambda _reason, _fault: None,
    ) -> None:
        """Load what was kept; without a store, remember for this process only."""
        super().__init__(settings)
        self._store = store
        self._settling = Settling(store, on_fault)
        self._mark = 0
        self.reload()

    # What a decision asks.

    def standing(self, asked: Asked) -> Standing:
        """Return how an access stands with its session; one whose end has come is ended on the way.

        Raises:
            UnavailableError: that end cannot be written.
        """
        revoked = self._is_revoked(asked) or any(self._is_revoked(of_actor(asked, who)) for who, _ in asked.acting)
        state, session = self._state_of(asked)
        for name in asked.names if state is SessionState.EXPIRED else ():
            if self.state(asked.tenant, name, asked.now_ns) is SessionState.EXPIRED:
                self.terminate(asked.tenant, name, at_ns=asked.now_ns, reason=EXPIRED)
        if session is None:
            return Standing(state, None, revoked, self._proof_for(asked, None))
        changed = key_changed(session, asked)
        return Standing(state, session, revoked, self._proof_for(asked, session), changed, moved(session, asked))

    def _is_revoked(self, asked: Asked) -> bool:
        revocation, hold_ns = self._revoked.get((asked.tenant, asked.subject)), int(self._settings.asserted_hold_s * NS)
        return revocation is not None and is_revoked(revocation, asked, self.skew_ns, hold_ns)

    def touch(self, asked: Asked) -> None:
        """Remember a permitted access: who, when, from where, with which key; written at the next ``flush``."""
        if not asked.names:
            return
        name = (asked.tenant, asked.names[0])
        with self._lock:
            if name in self._ended:
                return
            session = self._living.get(name) or Session(*name, subject=asked.subject, started_ns=asked.now_ns)
            foreign = key_changed(session, asked) and not self._proof_for(asked, session)
            self._put(
                msgspec.structs.replace(
                    session,
                    subject=session.subject or asked.subject,
                    seen_ns=max(session.seen_ns, asked.now_ns),
                    keys=session.keys if foreign else bound(session, asked, rules.MAX_KEYS),
                    authenticated_ns=max(session.authenticated_ns, asked.authenticated_ns or 0),
                    network=asked.network or session.network,
                    device_id=asked.device_id or session.device_id,
                    devices=rules.used_on(session, asked.device_id),
                )
            )
            self._touched.add(name)
            self._make_room()

    # What makes a session fall.

    def terminate(self, tenant: str, session_id: str, *, at_ns: int, reason: str, cause: str = "") -> bool:
        """End a session for good; return whether it lived. Ending it again changes nothing.

        Raises:
            UnavailableError: it is ended here, but not on disk.
        """
        with self._lock:
            subject = self._subject(tenant, session_id)
            over = TerminatedSession(tenant, session_id, at_ns, reason, subject, cause)
            lived = self._end(over)
        if not lived:
            # Whoever ended it may be writing still, or the disk refused: it is there before we say so.
            self._settling.pay()
            return False
        told = SessionChange(tenant, session_id, subject, ChangeKind.TERMINATED, at_ns, reason, cause)
        self._settling.settle(lambda store: store.save_terminated(over), (told,))
        return True

    def reduce(
        self,
        tenant: str,
        session_id: str,
        *,
        at_ns: int,
        reason: str,
        cause: str = "",
        privileges: tuple[str, ...] = (),
        lifetime_s: float | None = None,
    ) -> bool:
        """Take privileges from a session, shorten its life, or both; return whether that changed anything."""
        expires_ns = 0 if lifetime_s is None else at_ns + int(lifetime_s * NS)
        change = SessionChange(tenant, session_id, "", ChangeKind.REDUCED, at_ns, reason, cause, privileges)
        return self._fall(change, lambda session: rules.reduced(session, at_ns, privileges, expires_ns, reason, cause))

    def demand_step_up(
        self,
        tenant: str,
        session_id: str,
        *,
        at_ns: int,
        reason: str,
        cause: str = "",
        acr_values: tuple[str, ...] = (),
    ) -> bool:
        """Demand a step-up of a session before anything else; return whether that changed anything."""
        change = SessionChange(tenant, session_id, "", ChangeKind.STEP_UP, at_ns, reason, cause)
        return self._fall(change, lambda session: rules.demanded(session, at_ns, acr_values, reason, cause))

    def revoke_subject(self, tenant: str, subject: str, *, at_ns: int, reason: str, cause: str = "") -> tuple[str, ...]:
        """End all that ``type:id`` began up to now, known here or not; return the names of the sessions that ended."""
        revocation = SubjectRevocation(tenant, subject, at_ns, reason, cause)
        with self._lock:
            self._revoke(revocation)
            names = sorted(self._of_subject.get((tenant, subject), ()))
            over = [TerminatedSession(tenant, name, at_ns, reason, subject, cause) for name in names]
            ended = [one for one in over if self._end(one)]

        def write(store: SessionStore) -> None:
            store.save_revocation(revocation)
            for one in ended:
                store.save_terminated(one)

        self._settling.settle(write, tuple(learned((revocation, *ended), ())))
        return tuple(one.session_id for one in ended)

    # What makes it rise, and what is known of its risk.

    def prove(self, proof: StepUpProof) -> bool:
        """Believe a step-up: it holds for its action, and lifts what fell before it; return whether it counts.

        A session that has ended, or whose subject was revoked since, is not raised by anything.
        """
        name = (proof.tenant, proof.session_id)
        with self._settling.lock:
            with self._lock:
                session = self._living.get(name)
                if not self._may_prove(proof, session):
                    return False
            if self._store:
                self._store.save_proof(proof)
                if session is not None:
                    self._store.save_sessions((rules.proven(session, proof),), self._mark)
            with self._lock:
                # Asked again: what fell while the disk was slow stays fallen, and its writer waits for us.
                session = self._living.get(name)
                if not self._may_prove(proof, session):
                    return False
                self._remember(proof)
                if session is not None:
                    self._put(rules.proven(session, proof))
            change = SessionChange(*name, proof.subject, ChangeKind.PROVEN, proof.proven_ns, "step_up", proof.cause)
            self._settling.tell((msgspec.structs.replace(change, acr_values=(proof.acr,)),))
        return True

    def judge(
        self, tenant: str, session_id: str, risk: RiskScore, rule: Hysteresis, *, at_ns: int, cause: str = ""
    ) -> Session | None:
        """Note a session's new risk and hold its level by ``rule``; return it, or ``None`` when it does not live."""
        with self._lock:
            before = self._living.get((tenant, session_id))
            if before is None:
                return None
            after = rules.judged(before, risk, rule.next(rules.held_of(before), risk.level, at_ns))
            self._put(after)
            self._touched.add((tenant, session_id))
        if before.level != after.level:
            change = SessionChange(tenant, session_id, after.subject, ChangeKind.LEVEL, at_ns, "session_risk", cause)
            with self._settling.lock:
                self._settling.tell((msgspec.structs.replace(change, level=after.level, previous_level=before.level),))
        return after

    def listen(self, callback: Callable[[SessionChange], None]) -> None:
        """Tell ``callback`` of every change from now on; it must be quick."""
        self._settling.listen(callback)

    # Keeping.

    def reload(self) -> None:
        """Learn what another process has stored meanwhile, and tell of it; nothing that fell here is ever undone."""
        news = self._store.news(self._mark) if self._store else None
        if news is None or news.mark == self._mark:
            return
        with self._settling.lock:
            with self._lock:
                changes = learned(self._learn_ends(news), self._learn_sessions(news))
                for proof in news.proofs:
                    self._remember(proof)
                self._mark = news.mark
            self._settling.tell(changes)

    def flush(self) -> None:
        """Write what is owed and the sessions that were touched since the last time; drop those that were forgotten."""
        with self._settling.lock:
            self._settling.pay()
            with self._lock:
                names, self._touched = self._touched, set()
                gone, self._gone = self._gone - names, set()
                sessions = [session for name in names if (session := self._living.get(name)) is not None]
            try:
                if self._store and sessions:
                    self._store.save_sessions(sessions, self._mark)
                if self._store and gone:
                    self._store.drop_sessions(sorted(gone), self._mark)
            except Exception:
                with self._lock:  # whoever touches one meanwhile must not be forgotten
                    self._touched |= names
                    self._gone |= gone
                raise

    def sweep(self, now_ns: int) -> int:
        """End what has expired or lain fallen too long, forget what is idle; return how many left."""
        with self._lock:
            sessions = list(self._living.values())
        idle_ns, fallen_ns = int(self._settings.idle_s * NS), int(self._settings.fallen_idle_s * NS)
        if self._store:
            self._store.drop_proofs(now_ns)
        left = 0
        for session in sessions:
            still_ns = now_ns - max(session.seen_ns, session.reduced_ns, session.step_up_ns)
            expired = session.state(now_ns) is SessionState.EXPIRED
            if expired or (session.fell and still_ns > fallen_ns):
                reason = EXPIRED if expired else IDLE
                left += self.terminate(session.tenant, session.session_id, at_ns=now_ns, reason=reason)
            elif not session.fell and still_ns > idle_ns:
                left += self._forget_idle(session)
        return left

    def erase_subject(self, tenant: str, subject: str, *, at_ns: int) -> None:
        """Forget who ``type:id`` was: its sessions end, and of what ended only the bare end is kept."""
        with self._lock:
            names = sorted(self._of_subject.get((tenant, subject), ()))
        for name in names:
            self.terminate(tenant, name, at_ns=at_ns, reason="subject_erased")
        with self._settling.lock:
            if self._store:
                self._store.erase_subject(tenant, subject)
            with self._lock:
                self._unname(tenant, subject)

    @override
    def forget_tenant(self, tenant: str) -> None:
        with self._settling.lock:  # what is being written of it is written by then, and erased with the rest
            super().forget_tenant(tenant)

    # How a change is made and told.

    def _fall(self, change: SessionChange, fallen: Callable[[Session], Session]) -> bool:
        """Make a session fall, in memory and then on disk, and tell of it; return whether that changed anything."""
        name = (change.tenant, change.session_id)
        with self._lock:
            if name in self._ended:
                return False
            before = self._living.get(name) or Session(*name)
            after = fallen(before)
            if after == before:
                return False
            self._put(after)
        told = msgspec.structs.replace(
            change, subject=after.subject, expires_ns=after.expires_ns, acr_values=after.acr_values
        )
        self._settling.settle(lambda store: store.save_sessions((self._living.get(name, after),), self._mark), (told,))
        return True

    def _make_room(self) -> None:
        name = self._idlest()
        if name is not None:
            self._forget(name)
            self._touched.discard(name)
            self._gone.add(name)
