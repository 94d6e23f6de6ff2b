"""What is known of the sessions of this process: evidence, never windows; bounded, and finished before it is asked for.

- A session's evidence is its subject's: asked for another subject there is none.
- A proof begins it anew: what came before is answered by it, what comes after is judged by itself.
- Liveness is the lowest since then: good typing after a replay does not make the replay undone.
- Whoever withdraws takes along all that does not speak against a session. What does (numbers alone, no words) stays
  until a proof answers it, and fades as ever: a thief must not silence by withdrawing what was seen of him.
- Nobody pushes out another's: a subject has ``MOST_OF_SUBJECT`` sessions, of which those go first against which nothing
  speaks (where something speaks against all, no more are watched), and a tenant with more than half of all its own.
- ``inputs`` is a chain of digests over the windows' names and embeddings: it proves which windows were judged, and
  nothing can be read out of it.
"""

import threading
from collections import Counter, OrderedDict
from typing import Final

import msgspec

from ostiary.biometrics.evidence import SessionEvidence, Stage
from ostiary.biometrics.liveness import LIVE
from ostiary.biometrics.window import Modality
from ostiary.keys import sha256
from ostiary.vocabulary.behaviour import BiometricsVerdict

MOST_SESSIONS: Final = 50_000
MOST_OF_SUBJECT: Final = 32
_MOST_REASONS: Final = 4
_FAINT: Final = 0.02
_Name = tuple[str, str]


class Judged(msgspec.Struct, frozen=True):
    """What was found of one window.

    Attributes:
        llr: nats, ln p(same) / p(another); NaN where there is too little to judge.
        stage: how well the person is known in this modality.
        liveness: 0 replayed to 1 live.
        model: digest of the model.
        name: of the window, unique in its session.
        embedding: its numbers as bytes.
        reasons: in words.
        drift: how far the adaptive template lies from its anchor.
        alarm: whether somebody else was being taught.
    """

    modality: Modality
    llr: float
    stage: Stage
    liveness: float
    model: str
    name: str
    embedding: bytes
    reasons: tuple[str, ...] = ()
    drift: float | None = None
    alarm: bool = False


class ModalityTold(msgspec.Struct, frozen=True):
    """What one modality's windows say in one session; ``llr`` is turned as risk is: above 0 speaks for another."""

    modality: str
    stage: str
    llr: float
    windows: float
    at_ns: int
    drift: float | None = None


class _Session(msgspec.Struct):
    subject: str
    evidence: SessionEvidence = msgspec.field(default_factory=SessionEvidence)
    liveness: float = 1.0
    doubts: tuple[str, ...] = ()
    drifts: dict[Modality, float] = {}
    alarm: bool = False
    models: dict[Modality, str] = {}
    inputs: str = ""
    windows: int = 0
    at_ns: int = 0
    withdrawn: bool = False


class WatchedSessions:
    """The evidence of sessions; safe for threads."""

    def __init__(self, most: int = MOST_SESSIONS) -> None:
        """Keep ``most`` at once; the one that was longest silent goes first."""
        self._lock = threading.Lock()
        self._most = max(1, most)
        self._sessions: OrderedDict[_Name, _Session] = OrderedDict()
        self._subjects: dict[_Name, dict[_Name, None]] = {}
        self._tenants: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return of how many sessions anything is known."""
        return len(self._sessions)

    def subjects(self) -> list[tuple[str, str]]:
        """Return tenant and subject of every session, each once."""
        with self._lock:
            return list(self._subjects)

    def note(self, tenant: str, session: str, subject: str, judged: Judged, at_ns: int) -> None:
        """Take in what was found of one window."""
        with self._lock:
            kept = self._taken((tenant, session), subject, at_ns)
            if kept is not None:
                kept.withdrawn = False
                _take(kept, judged, at_ns)

    def alarm(self, tenant: str, session: str, subject: str, reason: str, at_ns: int) -> None:
        """Note that what is kept of a person is not what was kept."""
        with self._lock:
            kept = self._taken((tenant, session), subject, at_ns)
            if kept is not None:
                kept.alarm, kept.doubts, kept.at_ns = True, (reason,), max(kept.at_ns, at_ns)

    def latest(self, tenant: str, session: str, subject: str, now_ns: int) -> BiometricsVerdict | None:
        """Return what is known of a session of this subject, or ``None``."""
        with self._lock:
            kept = self._sessions.get((tenant, session))
            return None if kept is None or kept.subject != subject else _told(kept, now_ns)

    def by_modality(self, tenant: str, session: str, subject: str) -> tuple[ModalityTold, ...]:
        """Return what each modality says in a session of this subject: numbers alone."""
        with self._lock:
            kept = self._sessions.get((tenant, session))
            if kept is None or kept.subject != subject:
                return ()
            return tuple(
                ModalityTold(one.value, part.stage.value, 0.0 - part.mean, part.count, part.at_ns, kept.drifts.get(one))
                for one, part in sorted(kept.evidence.parts.items())
            )

    def begin_anew(self, tenant: str, session: str) -> None:
        """Forget what came before a proof."""
        with self._lock:
            kept = self._sessions.get((tenant, session))
            if kept is not None:
                self._sessions[tenant, session] = _Session(kept.subject)

    def drop(self, tenant: str, session: str) -> None:
        """Forget a session that is over."""
        with self._lock:
            self._out((tenant, session))

    def forget(self, tenant: str, subject: str, *, withdrawn: bool = True) -> None:
        """Forget all sessions of a subject; or all but those in which it withdrew under what spoke against them."""
        with self._lock:
            for name, kept in self._of(tenant, subject):
                if withdrawn or not kept.withdrawn:
                    self._out(name)

    def withdraw(self, tenant: str, subject: str, now_ns: int) -> None:
        """Forget a subject's sessions, but for the bare numbers of those against which something speaks now."""
        with self._lock:
            for name, kept in self._of(tenant, subject):
                if _against(_told(kept, now_ns)):
                    bare = kept.evidence.wordless()
                    self._sessions[name] = msgspec.structs.replace(kept, evidence=bare, doubts=(), withdrawn=True)
                else:
                    self._out(name)

    def forget_tenant(self, tenant: str) -> None:
        """Forget all sessions of a tenant."""
        with self._lock:
            for name in [name for name in self._sessions if name[0] == tenant]:
                self._out(name)

    def _of(self, tenant: str, subject: str) -> list[tuple[_Name, _Session]]:
        return [(name, self._sessions[name]) for name in self._subjects.get((tenant, subject), ())]

    def _taken(self, name: _Name, subject: str, at_ns: int) -> _Session | None:
        """Return a session of a subject as the latest one, or ``None`` where there is no room for it."""
        kept = self._sessions.get(name)
        if kept is not None and kept.subject != subject:
            self._out(name)
        elif kept is not None:
            self._sessions.move_to_end(name)
            return kept
        if not self._has_room(name[0], subject, at_ns):
            return None
        self._sessions[name] = _Session(subject)
        self._subjects.setdefault((name[0], subject), {})[name] = None
        self._tenants[name[0]] += 1
        if len(self._sessions) > self._most:
            crowded = self._tenants[name[0]] > self._most // 2
            self._out(next(one for one in self._sessions if one[0] == name[0] or not crowded))
        return self._sessions.get(name)

    def _has_room(self, tenant: str, subject: str, at_ns: int) -> bool:
        mine = self._of(tenant, subject)
        if len(mine) < MOST_OF_SUBJECT:
            return True
        least = next((name for name, kept in mine if not _against(_told(kept, at_ns))), None)
        if least is not None:
            self._out(least)
        return least is not None

    def _out(self, name: _Name) -> None:
        kept = self._sessions.pop(name, None)
        if kept is None:
            return
        mine = self._subjects[name[0], kept.subject]
        del mine[name]
        if not mine:
            del self._subjects[name[0], kept.subject]
        self._tenants[name[0]] -= 1
        if not self._tenants[name[0]]:
            del self._tenants[name[0]]


def chained(before: str, name: str, embedding: bytes) -> str:
    """Return the digest of a session's windows with one more."""
    parts = b"".join(len(part).to_bytes(4) + part for part in (before.encode(), name.encode(), embedding))
    return f"sha256:{sha256(parts).hex()}"


def _take(kept: _Session, judged: Judged, at_ns: int) -> None:
    if judged.liveness >= LIVE:  # what is not live says nothing of who it is: least of all that it is the right one
        kept.evidence = kept.evidence.seen(judged.modality, judged.llr, at_ns, judged.stage, judged.reasons)
    elif judged.liveness < kept.liveness:
        kept.doubts = judged.reasons
    kept.liveness = min(kept.liveness, judged.liveness)
    if judged.drift is not None:
        kept.drifts = {**kept.drifts, judged.modality: judged.drift}
    kept.alarm = kept.alarm or judged.alarm
    kept.models = {**kept.models, judged.modality: judged.model}
    kept.inputs = chained(kept.inputs, judged.name, judged.embedding)
    kept.windows += 1
    kept.at_ns = max(kept.at_ns, at_ns)


def _against(found: BiometricsVerdict | None) -> bool:
    return found is not None and (found.llr > 0 or found.liveness < LIVE or found.alarm)


def _told(kept: _Session, now_ns: int) -> BiometricsVerdict | None:
    said = kept.evidence.verdict(now_ns)
    silent = said.stage is Stage.NONE or said.confidence < _FAINT
    if silent and kept.liveness >= LIVE and not kept.alarm:
        return None
    seen = sorted(kept.models)
    return BiometricsVerdict(
        stage=said.stage.value,
        llr=0.0 - said.llr,
        confidence=said.confidence,
        liveness=kept.liveness,
        drift=max(kept.drifts.values(), default=None),
        alarm=kept.alarm,
        modalities=tuple(one.value for one in seen),
        models=tuple(kept.models[one] for one in seen),
        inputs=kept.inputs,
        windows=kept.windows,
        at_ns=kept.at_ns,
        reasons=(*kept.doubts, *said.reasons)[:_MOST_REASONS],
    )
