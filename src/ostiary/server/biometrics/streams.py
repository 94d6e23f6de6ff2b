"""The streams of pages that send behaviour: whose they are, which nonce is next, how far they are.

1. A stream belongs to one tenant, subject, session and key; to anybody else it is unknown.
2. Each answer brings the nonce of the next window. A nonce is good for one window, whatever becomes of that one.
3. Numbers rise strictly. What was left out is told; what comes twice is refused.
4. Time does not lie: a stream's windows of one kind do not overlap, none lasts longer than there was time since the
   stream was opened, and none comes much later than it ended. Whoever replays an hour needs an hour.
5. Bounded: of a session's streams, and of all, the one that was silent longest goes. Nothing of a window is kept here.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from ostiary.biometrics.window import Modality
from ostiary.identity.strict import b64url_encode
from ostiary.keys import random_bytes
from ostiary.keys.hashing import equal
from ostiary.server.biometrics.asked import Told
from ostiary.server.biometrics.rates import Rates
from ostiary.server.biometrics.refusing import BehaviourRefusal, WindowRefusedError
from ostiary.server.settings.biometrics import CollectorSection

NAME_BYTES: Final = 16
MOST: Final = 100_000
EARLY_MS: Final = 1_000.0
EARLY_SHARE: Final = 0.005
LATE_MS: Final = 30_000.0
OVERLAP_MS: Final = 50.0
_MS: Final = 1_000_000
_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a stream is; ``key`` is the thumbprint of the key that signs its windows."""

    tenant: str
    subject: str
    session: str
    key: str


@dataclass(slots=True)
class Stream:
    """One page's stream."""

    name: str
    owner: Owner
    opened_ns: int
    seen_ns: int
    nonce: str
    sequence: int = 0
    ends_ms: dict[Modality, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A window that may be taken: the next nonce, how many numbers were left out, and when it was by our clock."""

    nonce: str
    missed: int
    began_ns: int
    ended_ns: int


class Streams:
    """All streams of one process. Thread-safe."""

    def __init__(self, settings: CollectorSection) -> None:
        """Start without any."""
        self._settings = settings
        self._lock = threading.Lock()
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._of_owner: dict[tuple[str, str], list[str]] = {}
        self._sessions = Rates(settings.windows_per_minute, MOST)
        self._tenants = Rates(settings.tenant_windows_per_minute, MOST)

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._streams)

    def open(self, owner: Owner, now_ns: int) -> Stream:
        """Return a new stream.

        Raises:
            WindowRefusedError: ``windows_limited``.
        """
        with self._lock:
            self._check_rate(owner, now_ns)
            mine = self._of_owner.setdefault((owner.tenant, owner.session), [])
            while len(mine) >= self._settings.streams_per_session:
                self._close(min(mine, key=lambda name: self._streams[name].seen_ns))
            made = Stream(_name(), owner, now_ns, now_ns, _name())
            self._streams[made.name] = made
            self._of_owner.setdefault((owner.tenant, owner.session), []).append(made.name)
            if len(self._streams) > MOST:
                self._close(next(iter(self._streams)))
            return made

    def accept(self, owner: Owner, told: Told, now_ns: int) -> Accepted:
        """Return that a window may be taken; its nonce is used up in any case.

        Raises:
            WindowRefusedError: why not, and the next nonce where the stream goes on.
        """
        with self._lock:
            stream = self._streams.get(told.stream)
            if stream is None or stream.owner != owner or now_ns > stream.seen_ns + self._settings.idle_s * _S:
                raise WindowRefusedError(BehaviourRefusal.STREAM_UNKNOWN)
            self._check_rate(owner, now_ns)
            if not equal(stream.nonce.encode(), told.nonce.encode()):
                raise WindowRefusedError(BehaviourRefusal.NONCE_WRONG)
            stream.nonce = _name()
            no = _refusal(stream, told, (now_ns - stream.opened_ns) / _MS)
            if no is not None:
                raise WindowRefusedError(no, nonce=stream.nonce)
            missed = told.sequence - stream.sequence - 1
            stream.sequence, stream.seen_ns = told.sequence, now_ns
            stream.ends_ms[told.window.modality] = told.began_ms + told.lasted_ms
            self._streams.move_to_end(stream.name)
            began_ns = min(now_ns, stream.opened_ns + int(told.began_ms * _MS))
            ended_ns = min(now_ns, began_ns + int(told.lasted_ms * _MS))
            return Accepted(stream.nonce, missed, began_ns, ended_ns)

    def close_all(self, tenant: str, subject: str) -> None:
        """Forget every stream of a subject."""
        with self._lock:
            of_subject = [name for name, one in self._streams.items() if _is_of(one.owner, tenant, subject)]
            for name in of_subject:
                self._close(name)

    def sweep(self, now_ns: int) -> None:
        """Forget what was silent too long."""
        with self._lock:
            over_ns = now_ns - self._settings.idle_s * _S
            while self._streams and (oldest := next(iter(self._streams.values()))).seen_ns < over_ns:
                self._close(oldest.name)

    def _check_rate(self, owner: Owner, now_ns: int) -> None:
        wait_s = self._sessions.wait_s((owner.tenant, owner.session), now_ns)
        wait_s = wait_s or self._tenants.wait_s(owner.tenant, now_ns)
        if wait_s:
            raise WindowRefusedError(BehaviourRefusal.WINDOWS_LIMITED, wait_s=wait_s)

    def _close(self, name: str) -> None:
        stream = self._streams.pop(name)
        of_session = (stream.owner.tenant, stream.owner.session)
        left = self._of_owner[of_session]
        left.remove(name)
        if not left:
            del self._of_owner[of_session]


def _refusal(stream: Stream, told: Told, passed_ms: float) -> BehaviourRefusal | None:
    """Return what is wrong with the number or the time of a window, if anything is."""
    end_ms = told.began_ms + told.lasted_ms
    if told.sequence <= stream.sequence:
        return BehaviourRefusal.SEQUENCE_NOT_RISING
    if told.began_ms + OVERLAP_MS < stream.ends_ms.get(told.window.modality, 0.0):
        return BehaviourRefusal.WINDOW_OVERLAPS
    if end_ms > passed_ms * (1 + EARLY_SHARE) + EARLY_MS:
        return BehaviourRefusal.WINDOW_AHEAD
    if end_ms < passed_ms * (1 - EARLY_SHARE) - LATE_MS:
        return BehaviourRefusal.WINDOW_STALE
    return None


def _is_of(owner: Owner, tenant: str, subject: str) -> bool:
    return owner.tenant == tenant and owner.subject == subject


def _name() -> str:
    return b64url_encode(random_bytes(NAME_BYTES)).decode()
