"""The room that judges behaviour in a running house: takes windows, knows sessions, enrols, and tells decisions.

1. A window is embedded and judged at once, in the thread that brought it, and forgotten; it is never stored or told on.
2. Nobody is watched who did not agree or who is excused; where there is nothing to say, nothing is said (law 1).
3. A template learns of windows that a proof followed in their session (``teaching``), as signed versions alone.
4. Enrolment takes only windows that began after a proof by passkey in their very session, soon after it, live, and
   made by a hand: who steals a session teaches nobody.
5. A decision reads what was finished before (``latest``); no model runs on its way.
6. A proof by passkey in a session begins its evidence anew. What happens to the session itself is policy's, never this
   room's.
7. Of two modalities' windows of one person one is taken after the other.
"""

import threading
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.book import Agreed, TemplateBook, told_or
from ostiary.biometrics.evidence import Stage, stage_of
from ostiary.biometrics.habits import differences, traits_of
from ostiary.biometrics.liveness import Verdict, seeing
from ostiary.biometrics.model import Model
from ostiary.biometrics.updating import Whose, begin
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import OstiaryError, VerificationError
from ostiary.keys import sha256
from ostiary.server.biometrics.kept import MOST_ROWS, Enrolling, bytes_of
from ostiary.server.biometrics.models import FAILED, BehaviourModels
from ostiary.server.biometrics.people import FLUSH_AT, People, Person
from ostiary.server.biometrics.ports import Consent, SeenWindow
from ostiary.server.biometrics.records import TemplateRecords
from ostiary.server.biometrics.teaching import Held, Ready, Waiting, taken_back, taught
from ostiary.server.biometrics.watching import Judged, WatchedSessions
from ostiary.sessions import SessionChange, SessionLedger
from ostiary.sessions.ledger import EXPIRED, IDLE
from ostiary.sessions.session import ChangeKind, Session
from ostiary.vocabulary.behaviour import BiometricsVerdict

STRONG: Final = frozenset({"urn:ostiary:acr:phishing-resistant", "phr", "phrh"})
_NS: Final = 1_000_000_000
_LOCKS: Final = 64
_TAG: Final = 8
_ENDED_WELL: Final = frozenset({EXPIRED, IDLE})
OnFault = Callable[[str, BaseException], None]


class RoomConsents:
    """Implements ``ports.Consents`` over the book."""

    def __init__(self, book: TemplateBook, people: People) -> None:
        """Keep agreements in ``book``; ``people`` are read anew under each."""
        self._book, self._people = book, people

    def find(self, tenant: str, subject: str) -> Consent | None:
        """Return the agreement that holds; of somebody excused there is none."""
        standing = self._book.standing(tenant, subject)
        agreed = standing.agreed
        return Consent(tenant, subject, agreed.text, agreed.given_ns) if agreed and standing.watched else None

    def give(self, consent: Consent) -> None:
        """Keep an agreement.

        Raises:
            RefusedError: ``biometrics_excused``.
        """
        self._people.save(consent.tenant, consent.subject)  # or the latest windows could be replayed from now on
        self._book.agree(consent.tenant, consent.subject, Agreed(consent.text, consent.given_ns))

    def withdraw(self, tenant: str, subject: str) -> bool:
        """Forget an agreement, and all that was made under it."""
        return self._book.withdraw(tenant, subject)


class BiometricsRoom:
    """Implements ``ports.BehaviourRoom``, ``ports.WindowSink`` and ``decision.ports.BehaviourReader``."""

    def __init__(
        self,
        book: TemplateBook,
        models: BehaviourModels,
        ledger: SessionLedger,
        records: TemplateRecords,
        *,
        enrol_within_s: float,
        now_ns: Callable[[], int],
        on_fault: OnFault,
    ) -> None:
        """Take the book, the models, the sessions, what records versions, and how soon after a proof to enrol."""
        self.book, self.models, self._ledger, self._now_ns = book, models, ledger, now_ns
        self._within_ns, self._on_fault = int(enrol_within_s * _NS), on_fault
        self.sessions, self.people, self.waiting = WatchedSessions(), People(book, records, on_fault), Waiting()
        self.consents = RoomConsents(book, self.people)
        self.taken = self.dropped = 0
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    @property
    def sink(self) -> "BiometricsRoom":
        """Who takes the windows."""
        return self

    def take(self, seen: SeenWindow) -> None:
        """Embed one window, judge it, learn of it what may be learned, and forget it.

        Raises:
            UnavailableError: what is kept of the person cannot be read or written now.
        """
        model = self.models.model(seen.tenant, seen.window.modality)
        taken = False
        try:
            row = None if model is None or _not_by_hand(seen) else _embedded(model, seen.window)
            if model is not None and row is not None:
                taken = self._take(seen, model, row)
        except OstiaryError:
            raise
        except Exception as fault:  # noqa: BLE001 - a model that breaks over a window is a missing model (law 1)
            self._on_fault(FAILED, fault)
        self.taken += taken
        self.dropped += not taken

    def _take(self, seen: SeenWindow, model: Model, row: Floats) -> bool:
        with self._lock(seen.tenant, seen.subject):
            person = self._person(seen, model)
            if person is None:
                return False
            ready = seeing(seen.window)
            live = person.live(ready)
            if self._judge(seen, model, row, person, live) < 0 and live.live:
                person.strange(ready)
            self._learn(seen, model, row, person, live)
            if person.unsaved >= FLUSH_AT:
                self.people.save_prints(seen.tenant, seen.subject, model.modality, person)
            return True

    def _person(self, seen: SeenWindow, model: Model) -> Person | None:
        """Return a person; what was changed by others than us is an alarm, and is not judged by."""
        try:
            return self.people.person(seen.tenant, seen.subject, model)
        except VerificationError as fault:
            self._on_fault(fault.code, fault)
            self.sessions.alarm(seen.tenant, seen.session, seen.subject, fault.message, seen.ended_ns)
            return None

    def erase(self, tenant: str, subject: str) -> None:
        """Erase all that was made of a subject's behaviour; that it is excused stays."""
        with self._lock(tenant, subject):
            self.book.withdraw(tenant, subject)
            self._drop(tenant, subject)

    def withdraw(self, tenant: str, subject: str) -> None:
        """Erase it at the person's own word; what speaks against one of its sessions stays until a proof answers it."""
        with self._lock(tenant, subject):
            self.book.withdraw(tenant, subject)
            self.sessions.withdraw(tenant, subject, self._now_ns())
            self._drop(tenant, subject, withdrawn=False)

    def latest(self, tenant: str, session_id: str, subject: str, now_ns: int) -> BiometricsVerdict | None:
        """Return what is known of a session, at once."""
        return self.sessions.latest(tenant, session_id, subject, now_ns)

    def changed(self, change: SessionChange) -> None:
        """Listen to sessions: a proof answers what was known, and what is over is forgotten."""
        tenant, session, subject = change.tenant, change.session_id, change.subject
        if change.kind is ChangeKind.PROVEN:
            if STRONG & frozenset(change.acr_values):  # whoever has the password alone has not answered anything
                self.sessions.begin_anew(tenant, session)
            self.waiting.proven(tenant, session, change.at_ns)
        elif change.kind is ChangeKind.TERMINATED:
            self.sessions.drop(tenant, session)
            self.waiting.over(tenant, session, subject, well=change.reason in _ENDED_WELL)
        elif change.kind is ChangeKind.SUBJECT_REVOKED:
            self.sessions.forget(tenant, subject)
            self.waiting.all_over(tenant, subject)

    def flush(self) -> None:
        """Write what waits to be written."""
        self.people.flush()

    def tend(self) -> None:
        """Teach what was proven meanwhile, and forget who is not watched any more: another process may have done it."""
        for ready in self.waiting.ready():
            try:
                self._teach(ready)
            except Exception as fault:  # noqa: BLE001 - these windows teach nothing; the others' turn comes all the same
                self._on_fault("biometrics_not_taught", fault)
        for tenant, subject in self.sessions.subjects():
            standing = told_or(self.book, tenant, subject)
            if not standing.watched:
                self._drop(tenant, subject, withdrawn=standing.excused is not None)

    def _judge(self, seen: SeenWindow, model: Model, row: Floats, person: Person, live: Verdict) -> float:
        modality, llr = model.modality, float("nan")
        reasons = live.reasons
        if person.template is not None and person.stage is not Stage.NONE:
            score = float(model.scores(person.template, row[None, :])[0])
            llr = model.llr(score, person.template.windows, 1)
            reasons = (*reasons, *differences(modality, person.habits, [traits_of(seen.window)]))
        judged = Judged(
            modality=modality,
            llr=llr,
            stage=person.stage,
            liveness=live.score,
            model=model.digest,
            name=f"{seen.stream}:{seen.sequence}",
            embedding=bytes_of(row),
            reasons=reasons,
            drift=None if person.state is None else model.apart(person.state.adaptive, person.state.anchor),
            alarm=person.state is not None and bool(person.state.alarm),
        )
        self.sessions.note(seen.tenant, seen.session, seen.subject, judged, seen.ended_ns)
        return llr

    def _learn(self, seen: SeenWindow, model: Model, row: Floats, person: Person, live: Verdict) -> None:
        if not live.live or seen.untrusted:
            return
        whose = Whose(seen.tenant, seen.subject, model.modality)
        if person.state is not None:
            held = Held(model.modality, row, live, seen.began_ns)
            self.waiting.hold(seen.tenant, seen.session, seen.subject, held)
            now = self._now_ns()
            if any(one.until_ns <= now for one in person.state.waiting):
                taught(self.people, whose, person, model, seen.session, (), proven_ns=0, now_ns=now)
        elif self._proved(seen):
            self._enrol(seen, whose, model, row, person)

    def _enrol(self, seen: SeenWindow, whose: Whose, model: Model, row: Floats, person: Person) -> None:
        session = sha256(seen.session.encode("utf-8", "surrogatepass"))[:_TAG].hex()
        one = Enrolling(bytes_of(row), session, traits_of(seen.window))
        kept = msgspec.structs.replace(person.kept, enrolling=(*person.kept.enrolling, one)[-MOST_ROWS:])
        enrolled = stage_of(model.modality, len(kept.enrolling), kept.sessions) is Stage.ENROLLED
        self.people.write(whose, person, kept, begin(model, kept.rows, kept.sessions) if enrolled else None)

    def _teach(self, ready: Ready) -> None:
        session = self._ledger.find(ready.tenant, ready.session)
        proven = session is not None and session.proven_acr in STRONG and session.subject in {"", ready.subject}
        for modality in {one.modality for one in ready.windows} or set(Modality) if ready.bad or proven else ():
            model = self.models.model(ready.tenant, modality)
            if model is None:
                continue
            with self._lock(ready.tenant, ready.subject):
                person = self.people.person(ready.tenant, ready.subject, model)
                whose = Whose(ready.tenant, ready.subject, modality)
                if person is None or person.state is None:
                    continue
                if ready.bad:
                    taken_back(self.people, whose, person, ready.session)
                    continue
                windows = [one for one in ready.windows if one.modality is modality]
                proven_ns, now = ready.proven_ns, self._now_ns()
                taught(self.people, whose, person, model, ready.session, windows, proven_ns=proven_ns, now_ns=now)

    def _proved(self, seen: SeenWindow) -> bool:
        """Return whether the subject had just proved itself by a passkey when the window began."""
        session = self._ledger.find(seen.tenant, seen.session)
        return session is not None and fresh_for(session, seen.began_ns, seen.ended_ns, self._within_ns)

    def _drop(self, tenant: str, subject: str, *, withdrawn: bool = True) -> None:
        self.sessions.forget(tenant, subject, withdrawn=withdrawn)
        self.people.forget(tenant, subject)
        self.waiting.forget(tenant, subject)

    def _lock(self, tenant: str, subject: str) -> threading.Lock:
        return self._locks[hash((tenant, subject)) % _LOCKS]


def fresh_for(session: Session, began_ns: int, ended_ns: int, within_ns: int) -> bool:
    """Return whether a window of this time lies soon after a strong proof in its session, with nothing held against it.

    >>> proven = Session("t", "s", proven_ns=100, proven_acr="urn:ostiary:acr:phishing-resistant")
    >>> fresh_for(proven, 101, 150, 60), fresh_for(proven, 99, 150, 60), fresh_for(proven, 101, 161, 60)
    (True, False, False)
    """
    strong = session.proven_acr in STRONG and session.proven_ns > 0
    soon = session.proven_ns <= began_ns <= ended_ns <= session.proven_ns + within_ns
    return strong and soon and not session.fell and not session.ended_ns


def _not_by_hand(seen: SeenWindow) -> bool:
    """Return whether most of it came from a program; a reader or a switch may be behind that, so nothing is held."""
    return 2 * seen.untrusted >= max(1, len(seen.window.content))


def _embedded(model: Model, window: Window) -> Floats | None:
    row: Floats = np.asarray(model.embed([window]), np.float64)[0]
    return row if np.isfinite(row).all() else None
