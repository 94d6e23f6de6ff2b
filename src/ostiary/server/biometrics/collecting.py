"""What a person's page may do: introduce itself, send windows, and say whether the person agrees.

1. It does everything with the person's own token, bound to the page's key by DPoP. A token of Ostiary's own for one
   resource, or one that somebody else acts with, is nobody's hand.
2. The session is the token's own; where the token names none, the name that is told is one of this very subject. A
   session that is over, of a subject that was revoked, or bound to another key, is not listened to.
3. Whoever has not agreed is not listened to. Withdrawing erases what was made of the person, before the answer; it does
   not acquit a session against which something speaks (``watching``).
4. Agreements are few, for each is in the log for ever; withdrawing is never limited, and tells the log once each time.
5. INVARIANT: no window of a person is taken while or after the withdrawal erases: both hold the person's lock.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final

from ostiary.approvals.glass import moment
from ostiary.decision.event import sessions_of
from ostiary.identity.bodies import check_body
from ostiary.identity.types import VerifiedIdentity
from ostiary.server.biometrics.asked import Told, agreed_of, opening_of, told_of
from ostiary.server.biometrics.ports import BehaviourRoom, Consent, SeenWindow
from ostiary.server.biometrics.rates import Rates
from ostiary.server.biometrics.refusing import BehaviourRefusal, WindowRefusedError
from ostiary.server.biometrics.streams import MOST, Owner, Streams
from ostiary.server.deeds import record_about
from ostiary.server.doors import Caller
from ostiary.server.wiring import House
from ostiary.sessions import Asked

_LOCKS: Final = 64
_AGREEMENTS_PER_MINUTE: Final = 20
_NS: Final = 1_000_000_000
Answer = dict[str, Any]


class Collecting:
    """Answers what pages ask, in threads."""

    def __init__(self, house: House, room: BehaviourRoom) -> None:
        """Take the house, and the room that judges behaviour."""
        self._house = house
        self._room = room
        self.streams = Streams(house.settings.biometrics.collector)
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))
        self._agreements, self._counting = Rates(_AGREEMENTS_PER_MINUTE, MOST), threading.Lock()

    # Windows.

    def open(self, caller: Caller, body: bytes) -> Answer:
        """Open a stream; its answer has the nonce of the first window.

        Raises:
            RefusedError: ``consent_missing``, ``session_…``, ``token_not_your_own``, ``windows_limited``, ``dpop_…``.
            FaultyInputError: the body is malformed.
        """
        _check_own(caller, body)
        owner = self._owner(caller, opening_of(body).session)
        self._check_consent(owner.tenant, owner.subject)
        made = self.streams.open(owner, self._now())
        return {"stream": made.name, "nonce": made.nonce, "idle": self._house.settings.biometrics.collector.idle_s}

    def take(self, caller: Caller, body: bytes) -> tuple[Answer, Told, int]:
        """Take one window; return the answer with the next nonce, the window, and how many were left out before it.

        Raises:
            RefusedError: as ``open``, and ``nonce_wrong``, ``sequence_…``, ``stream_unknown``, ``window_…``.
            FaultyInputError: the body is malformed.
            UnavailableError: the window was good and could not be used.
        """
        _check_own(caller, body)
        told = told_of(body)
        owner, now_ns = self._owner(caller, told.session), self._now()
        with self._lock(owner.tenant, owner.subject):
            self._check_consent(owner.tenant, owner.subject)
            accepted = self.streams.accept(owner, told, now_ns)
            seen = SeenWindow(
                tenant=owner.tenant,
                subject=owner.subject,
                session=owner.session,
                key=owner.key,
                stream=told.stream,
                sequence=told.sequence,
                missed=accepted.missed,
                window=told.window,
                untrusted=told.untrusted,
                began_ns=accepted.began_ns,
                ended_ns=accepted.ended_ns,
                authenticated_ns=_signed_in(caller.identity),
            )
            self._room.sink.take(seen)
        return {"nonce": accepted.nonce, "sequence": told.sequence}, told, accepted.missed

    # Agreement.

    def consent(self, caller: Caller) -> Answer:
        """Return whether the person agrees, to what, and since when."""
        _check_own(caller, None)
        return _shown(self._room.consents.find(caller.tenant, _subject(caller)))

    def agree(self, caller: Caller, body: bytes) -> Answer:
        """Keep that the person agrees; recorded when it is new.

        Raises:
            RefusedError: ``windows_limited``, ``biometrics_excused``, ``token_not_your_own``.
        """
        _check_own(caller, body)
        tenant, subject, text = caller.tenant, _subject(caller), agreed_of(body).text
        with self._lock(tenant, subject):
            known = self._room.consents.find(tenant, subject)
            if known is None or known.text != text:
                self._check_rate(tenant, subject)
                known = Consent(tenant, subject, text, self._now())
                self._room.consents.give(known)  # first: whoever is excused cannot agree, and nothing is recorded
                self._record_or_undo(caller, text)
        return _shown(known)

    def withdraw(self, caller: Caller) -> Answer:
        """Forget that the person agreed, and all that was made of how it types and moves."""
        _check_own(caller, None)
        tenant, subject = caller.tenant, _subject(caller)
        with self._lock(tenant, subject):
            had = self._room.consents.withdraw(tenant, subject)
            self.streams.close_all(tenant, subject)
            self._room.sink.withdraw(tenant, subject)  # again and again: an earlier try may have failed here
        if had:
            self._record(caller, "biometrics.consent.withdraw", {})
        return {**_shown(None), "erased": True}

    # How.

    def _check_rate(self, tenant: str, subject: str) -> None:
        with self._counting:
            wait_s = self._agreements.wait_s((tenant, subject), self._now())
        if wait_s:
            raise WindowRefusedError(BehaviourRefusal.WINDOWS_LIMITED, wait_s=wait_s)

    def _check_consent(self, tenant: str, subject: str) -> None:
        if self._room.consents.find(tenant, subject) is None:
            self.streams.close_all(tenant, subject)
            raise WindowRefusedError(BehaviourRefusal.CONSENT_MISSING)

    def _owner(self, caller: Caller, session: str) -> Owner:
        identity, subject = caller.identity, _subject(caller)
        if identity.session_id and session not in {"", identity.session_id}:
            raise WindowRefusedError(BehaviourRefusal.SESSION_NOT_YOURS)
        names = sessions_of(identity, {"session_id": session} if session else {})
        if not names:
            raise WindowRefusedError(BehaviourRefusal.SESSION_MISSING)
        self._check_session(identity, subject, names)
        return Owner(caller.tenant, subject, names[0], identity.key)

    def _check_session(self, identity: VerifiedIdentity, subject: str, names: Sequence[str]) -> None:
        asked = Asked(
            tenant=identity.tenant,
            names=tuple(names),
            subject=subject,
            now_ns=self._now(),
            issued_ns=None if identity.token is None else identity.token.issued_ns,
            authenticated_ns=_signed_in(identity),
            client_id=identity.client_id,
            key=identity.key,
        )
        standing = self._house.ledger.standing(asked)
        if standing.state.over or standing.revoked:
            raise WindowRefusedError(BehaviourRefusal.SESSION_OVER)
        if standing.session is not None and standing.session.subject not in {"", subject}:
            raise WindowRefusedError(BehaviourRefusal.SESSION_NOT_YOURS)
        if standing.key_changed:
            raise WindowRefusedError(BehaviourRefusal.SESSION_KEY_WRONG)

    def _record_or_undo(self, caller: Caller, text: str) -> None:
        try:
            self._record(caller, "biometrics.consent.give", {"text": text})
        except Exception:
            self._room.consents.withdraw(caller.tenant, _subject(caller))
            raise

    def _record(self, caller: Caller, action: str, told: dict[str, str]) -> None:
        subject = _subject(caller)
        record_about(subject, self._house, subject, caller.tenant, action, {"subject": subject, **told})

    def _lock(self, tenant: str, subject: str) -> threading.Lock:
        return self._locks[hash((tenant, subject)) % _LOCKS]

    def _now(self) -> int:
        return self._house.clock.now_ns()


def _check_own(caller: Caller, body: bytes | None) -> None:
    """Refuse what is no person's own word, and a body that its key did not sign."""
    identity, proof = caller.identity, caller.presented.dpop
    acted = identity.token is not None and identity.token.delegation_depth > 0
    if identity.proof != "dpop" or proof is None or identity.exchanged or acted:
        raise WindowRefusedError(BehaviourRefusal.TOKEN_NOT_YOUR_OWN)
    if body is not None:
        check_body(proof, body)


def _shown(consent: Consent | None) -> Answer:
    if consent is None:
        return {"given": False}
    return {"given": True, "text": consent.text, "since": moment(consent.given_ns)}


def _subject(caller: Caller) -> str:
    return f"{caller.identity.subject_type}:{caller.identity.subject_id}"


def _signed_in(identity: VerifiedIdentity) -> int | None:
    return None if identity.auth_time is None else identity.auth_time * _NS
