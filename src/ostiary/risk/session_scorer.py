"""Session risk as a server needs it: a ``SessionScorer`` a tenant, safe for threads, kept over a restart.

Rules:
- One memory a tenant; no call ever sees another tenant's, and a snapshot names whose it is.
- A model that is loaded anew judges on from the same memory. Without a model there is no scorer, and no memory grows.
- Nothing is raised at an access: a fault is told to ``on_error`` and the answer is "unavailable".
- A snapshot is versioned and bounded; one that is of another version, another tenant or torn is refused, and one then
  begins with nothing known.

A server keeps one ``SessionMemories(model_of)``, asks it for ``scorer(tenant)`` at each access it learns from, writes
``snapshot()`` down now and then and gives it to ``restore()`` after a start.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.risk.model import RiskModel
from ostiary.risk.session_so_far import Sessions
from ostiary.risk.trail import Trail
from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import RiskScore, unavailable

VERSION: Final = 1
MOST_KEPT: Final = 20_000
MOST_BYTES: Final = 256 * 2**20
MOST_TENANTS: Final = 1_000

OnError = Callable[[Exception], None]


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A snapshot: its version, the tenant, trails and sessions by subject."""

    version: int
    tenant: str
    trails: list[tuple[str, Trail]]
    sessions: list[tuple[str, Sessions]]


class SessionMemory:
    """A ``SessionScorer`` over one tenant's verified model, and what it remembers. Safe for threads."""

    def __init__(self, tenant: str, model: RiskModel, on_error: OnError | None = None) -> None:
        """Begin with nothing known."""
        self._tenant, self._model, self._on_error = tenant, model, on_error
        self._lock = threading.Lock()
        self._risk = model.sessions()

    @property
    def digest(self) -> str:
        """Digest of the model artefact."""
        return self._model.digest

    def use(self, model: RiskModel) -> None:
        """Let ``model`` judge from now on."""
        with self._lock:
            if model is not self._model:
                self._risk.judged_by(model.session_forest, model.digest)
                self._model = model

    def observe(self, event: AccessEvent, history: object, features: Sequence[float], access: RiskScore) -> RiskScore:
        """Return the risk of the event's session with this access in it, and remember the access."""
        if event.tenant != self._tenant or not isinstance(history, History):
            return unavailable(Reason.RISK_ERROR)
        try:
            with self._lock:
                answer = self._risk.observe(event, history, features, _sound(access))
        except Exception as fault:  # noqa: BLE001 - whatever a model throws, the session goes on without its word
            if self._on_error is not None:
                self._on_error(fault)
            return unavailable(Reason.RISK_ERROR)
        return answer if answer.score is None or _is_probability(answer.score) else unavailable(Reason.RISK_ERROR)

    def forget(self, subject: str) -> None:
        """Drop what is remembered of ``type:id``."""
        with self._lock:
            self._risk.forget(subject)

    def snapshot(self, most: int = MOST_KEPT) -> bytes:
        """Return what is remembered of the ``most`` subjects seen last."""
        with self._lock:
            risk = self._risk
            return msgspec.msgpack.encode(Kept(VERSION, self._tenant, risk.trails.kept(most), risk.so_far.kept(most)))

    def restore(self, data: bytes) -> None:
        """Remember what a snapshot holds, and nothing else.

        Raises:
            FaultyInputError: ``session_memory_malformed``.
        """
        kept = _parsed(data, self._tenant)
        with self._lock:
            self._risk.trails.take(kept.trails)
            self._risk.so_far.take(kept.sessions)


class SessionMemories:
    """The memories of all tenants. Safe for threads; the tenant unheard of longest goes past ``most``."""

    def __init__(
        self,
        model_of: Callable[[str], RiskModel | None],
        on_error: OnError | None = None,
        most: int = MOST_TENANTS,
    ) -> None:
        """Take what tells a tenant's verified model at this moment, ``None`` for none."""
        self._model_of, self._on_error, self._most = model_of, on_error, max(1, most)
        self._lock = threading.Lock()
        self._memories: OrderedDict[str, SessionMemory] = OrderedDict()

    def scorer(self, tenant: str) -> SessionMemory | None:
        """Return what judges a tenant's sessions, by the model that it has now, or ``None`` without one."""
        model = self._model_of(tenant)
        if model is None:
            return None
        with self._lock:
            memory = self._memories.get(tenant)
            if memory is None:
                memory = self._memories[tenant] = SessionMemory(tenant, model, self._on_error)
                if len(self._memories) > self._most:
                    self._memories.popitem(last=False)
            self._memories.move_to_end(tenant)
        memory.use(model)
        return memory

    def tenants(self) -> tuple[str, ...]:
        """Return whose memories there are."""
        with self._lock:
            return tuple(self._memories)

    def forget(self, tenant: str, subject: str) -> None:
        """Drop what is remembered of one subject of one tenant."""
        with self._lock:
            memory = self._memories.get(tenant)
        if memory is not None:
            memory.forget(subject)

    def forget_tenant(self, tenant: str) -> None:
        """Drop a tenant's whole memory."""
        with self._lock:
            self._memories.pop(tenant, None)


def _parsed(data: bytes, tenant: str) -> Kept:
    if len(data) > MOST_BYTES:
        raise _malformed("is too large")
    try:
        kept = msgspec.msgpack.decode(data, type=Kept)
    except (msgspec.DecodeError, RecursionError, ValueError) as fault:
        raise _malformed("cannot be read") from fault
    if kept.version != VERSION:
        raise _malformed("is another version's")
    if kept.tenant != tenant:
        raise _malformed("is another tenant's")
    if not all(one.sound() for _, one in kept.trails) or not all(one.sound() for _, one in kept.sessions):
        raise _malformed("does not hold together")
    return kept


def _malformed(what: str) -> FaultyInputError:
    return FaultyInputError("session_memory_malformed", f"the memory of sessions {what}")


def _sound(access: RiskScore) -> RiskScore:
    """Return ``access``, or that there is none when its score is no probability."""
    return access if access.score is None or _is_probability(access.score) else unavailable(Reason.RISK_ERROR)


def _is_probability(score: object) -> bool:
    return isinstance(score, float) and math.isfinite(score) and 0.0 <= score <= 1.0
