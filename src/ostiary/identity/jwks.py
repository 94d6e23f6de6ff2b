"""One issuer's public keys: parsed strictly, cached, and never fetched more often than allowed.

Rules:

- A key is used only when it has a key id, a kind and purpose from ``algorithms``, and no private or symmetric part.
  Two keys with one id are both left out: there must be no doubt whose signature it is.
- A document is due after ``refresh_s``. While fetching fails, the last good one serves until ``max_stale_s``;
  after that nobody is believed (``jwks_unavailable``).
- An unknown key id causes at most one fetch per ``miss_interval_s``, and stays unknown for ``unknown_s``, so that
  made-up key ids cannot be used to hammer the issuer.
- One thread fetches; the others go on with what there is.

>>> class Inline:
...     def fetch(self): return b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}'
>>> from ostiary.identity.settings import JwksSettings
>>> IssuerKeys(Inline(), JwksSettings()).find("a", now_ns=0)
Traceback (most recent call last):
...
ostiary.errors.UnavailableError: the issuer's JWKS has no usable key
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.algorithms import KeyRefusedError, PublicKey, import_public
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import JwksSettings
from ostiary.identity.strict import NotStrictError, is_name, parse_object

MAX_KEYS: Final = 100
MAX_UNKNOWN: Final = 1000
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class KeySet:
    """What one document says: usable keys by id, and how soon it asks to be read again (0: it does not say)."""

    keys: Mapping[str, PublicKey]
    refresh_s: int = 0


def read_jwks(document: bytes) -> KeySet:
    """Read a plain JWKS document, as ``parse_jwks`` does."""
    return KeySet(parse_jwks(document))


def parse_jwks(document: bytes) -> dict[str, PublicKey]:
    """Return the usable keys of a JWKS document by key id; other keys are left out (RFC 7517 §5).

    Raises:
        UnavailableError: ``jwks_unavailable`` when the document is faulty or holds no usable key.
    """
    try:
        entries = parse_object(document).get("keys")
    except NotStrictError as error:
        raise _unavailable(f"the issuer's JWKS is unacceptable: {error.fault.value}") from error
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise _unavailable(f"the issuer's JWKS has no list of at most {MAX_KEYS} keys")
    found = [key for key in map(_usable, entries) if key is not None]
    times = Counter(entry["kid"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("kid"), str))
    keys = {key.kid: key for key in found if times[key.kid] == 1}
    if not keys:
        raise _unavailable("the issuer's JWKS has no usable key")
    return keys


def _usable(entry: Any) -> PublicKey | None:
    if not isinstance(entry, dict) or not is_name(entry.get("kid")):
        return None
    try:
        return import_public(entry)
    except KeyRefusedError:
        return None


@dataclass(frozen=True, slots=True)
class _Snapshot:
    said: KeySet
    document: bytes
    fetched_ns: int
    generation: int

    @property
    def keys(self) -> Mapping[str, PublicKey]:
        """The keys by id."""
        return self.said.keys

    def due_ns(self, refresh_s: int) -> int:
        """Return when it is to be fetched again: after ``refresh_s``, or sooner when it asks for that."""
        return self.fetched_ns + min(refresh_s, self.said.refresh_s or refresh_s) * _SECOND_NS


@dataclass(frozen=True, slots=True)
class KeysTold:
    """How an issuer's keys stand.

    Attributes:
        fetched_ns: when they were fetched last; 0 while they were not.
        count: how many there are.
        fault: why they could not be fetched last, empty when they could.
    """

    fetched_ns: int
    count: int
    fault: str


class IssuerKeys:
    """The keys of one issuer. Thread-safe."""

    def __init__(
        self,
        source: KeySource,
        settings: JwksSettings,
        *,
        fixed: bool = False,
        read: Callable[[bytes], KeySet] = read_jwks,
    ) -> None:
        """Fetch nothing yet.

        Args:
            source: where the document is.
            settings: how often it is fetched, and how old it may become.
            fixed: the document cannot change, so an unknown key id needs no second look.
            read: makes keys of it; raises ``UnavailableError`` for one that is refused.
        """
        self._source = source
        self._read = read
        self._settings = settings
        self._fixed = fixed
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None
        self._failed_until_ns = 0
        self._failure: UnavailableError | None = None
        self._missed_until_ns = 0
        self._unknown: OrderedDict[str, int] = OrderedDict()

    @property
    def generation(self) -> int:
        """Grows whenever the keys change; what was verified under an older generation is verified again."""
        return self._snapshot.generation if self._snapshot else 0

    def told(self) -> "KeysTold":
        """Tell how the keys stand, for people; nothing is fetched."""
        seen, fault = self._snapshot, self._failure
        return KeysTold(
            seen.fetched_ns if seen else 0, len(seen.keys) if seen else 0, fault.message if fault is not None else ""
        )

    def find(self, kid: str, now_ns: int) -> tuple[PublicKey, int]:
        """Return the key with this id, and the generation it was found in.

        Raises:
            RefusedError: ``token_key_unknown``, ``token_key_lookup_limited``.
            UnavailableError: ``jwks_unavailable``.
        """
        snapshot = self._current(now_ns)
        if kid not in snapshot.keys:
            snapshot = self._after_miss(kid, now_ns)
        return snapshot.keys[kid], snapshot.generation

    def refresh(self, now_ns: int) -> None:
        """Fetch now; for a background task, so that requests seldom wait for the network.

        Raises:
            UnavailableError: ``jwks_unavailable``; keys fetched earlier stay.
        """
        with self._lock:
            self._fetch(now_ns)

    def _current(self, now_ns: int) -> _Snapshot:
        snapshot = self._snapshot
        if snapshot is not None and now_ns < snapshot.due_ns(self._settings.refresh_s):
            return snapshot
        if self._lock.acquire(blocking=self._is_too_stale(snapshot, now_ns)):  # what serves no more is waited for
            try:
                self._fetch_when_due(snapshot, now_ns)
            finally:
                self._lock.release()
        return self._not_too_stale(now_ns)

    def _fetch_when_due(self, seen: _Snapshot | None, now_ns: int) -> None:
        quicker = self._snapshot is not seen and not self._is_too_stale(self._snapshot, now_ns)
        if quicker or now_ns < self._failed_until_ns:
            return  # another thread was quicker, or it failed a moment ago
        try:
            self._fetch(now_ns)
        except UnavailableError as error:
            self._failure = error  # kept for `_not_too_stale`, which raises it unless an older document still serves

    def _is_too_stale(self, snapshot: _Snapshot | None, now_ns: int) -> bool:
        return snapshot is None or now_ns >= snapshot.fetched_ns + self._settings.max_stale_s * _SECOND_NS

    def _not_too_stale(self, now_ns: int) -> _Snapshot:
        snapshot = self._snapshot
        if snapshot is None or self._is_too_stale(snapshot, now_ns):
            message = self._failure.message if self._failure else "the issuer's keys are too old"
            raise _unavailable(message) from self._failure
        return snapshot

    def _after_miss(self, kid: str, now_ns: int) -> _Snapshot:
        with self._lock:
            snapshot = self._snapshot
            if snapshot is not None and kid in snapshot.keys:
                return snapshot
            if self._fixed or self._unknown.get(kid, 0) > now_ns:
                raise _unknown_key()
            if now_ns < self._missed_until_ns:
                raise RefusedError(
                    Refusal.TOKEN_KEY_LOOKUP_LIMITED, "the key id is unknown, and it is too early to ask"
                )
            self._missed_until_ns = now_ns + self._settings.miss_interval_s * _SECOND_NS
            snapshot = self._fetch(now_ns)
            if kid not in snapshot.keys:
                self._remember_unknown(kid, now_ns)
                raise _unknown_key()
            return snapshot

    def _remember_unknown(self, kid: str, now_ns: int) -> None:
        self._unknown[kid] = now_ns + self._settings.unknown_s * _SECOND_NS
        self._unknown.move_to_end(kid)
        if len(self._unknown) > MAX_UNKNOWN:
            self._unknown.popitem(last=False)

    def _fetch(self, now_ns: int) -> _Snapshot:
        try:
            document = self._source.fetch()
            before = self._snapshot
            if before is not None and document == before.document:
                self._snapshot = _Snapshot(before.said, document, now_ns, before.generation)
            else:
                self._snapshot = _Snapshot(self._read(document), document, now_ns, self.generation + 1)
                self._unknown.clear()
        except UnavailableError:
            self._failed_until_ns = now_ns + self._settings.retry_s * _SECOND_NS
            raise
        self._failure = None
        self._failed_until_ns = 0
        return self._snapshot


def _unknown_key() -> RefusedError:
    return RefusedError(Refusal.TOKEN_KEY_UNKNOWN, "the issuer has no key with the id that the token names")


def _unavailable(message: str) -> UnavailableError:
    return UnavailableError(Refusal.JWKS_UNAVAILABLE, message)
