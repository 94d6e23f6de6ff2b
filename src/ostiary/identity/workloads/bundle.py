"""Reads SPIFFE bundles: a trust domain's keys, which may move on and never back (SPIFFE Trust Domain and Bundle §4).

Rules:

- Only keys with ``use`` ``jwt-svid`` count; others (``x509-svid``, unknown or no ``use``) are left out.
- A bundle replaces the one before it whole: a key that is gone is refused from then on, one that is new is believed
  beside the others. A bundle without any key is a bundle: nobody is believed.
- ``spiffe_sequence`` never goes back, never stands still while the content changes, and never disappears. The last
  one seen is kept in ``SequenceMarks``, so that an old bundle is refused after a restart too.
- ``spiffe_refresh_hint`` may make us look more often than the settings say, never less often.

What is refused is one ``UnavailableError``: the last good bundle serves until it is too old (``jwks``), then nobody.
"""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ostiary.errors import UnavailableError
from ostiary.identity.algorithms import KeyRefusedError, PublicKey, import_public
from ostiary.identity.jwks import MAX_KEYS, KeySet
from ostiary.identity.reasons import Refusal
from ostiary.identity.strict import NotStrictError, is_name, parse_object
from ostiary.keys.hashing import sha256

USE: Final = "jwt-svid"
_SEQUENCE: Final = "spiffe_sequence"
_HINT: Final = "spiffe_refresh_hint"
_MIN_REFRESH_S: Final = 10
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Mark:
    """The last bundle that was believed: its sequence, and SHA-256 of its keys."""

    sequence: int
    digest: bytes


class SequenceMarks(Protocol):
    """Keeps the last bundle's mark of each tenant's trust domains. Thread-safe."""

    def mark(self, tenant: str, trust_domain: str) -> Mark | None:
        """Return the last mark, if any."""
        ...

    def keep(self, tenant: str, trust_domain: str, mark: Mark) -> None:
        """Keep a mark; it is safe when this returns."""
        ...


class MemoryMarks:
    """Marks that a restart forgets."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._marks: dict[tuple[str, str], Mark] = {}

    def mark(self, tenant: str, trust_domain: str) -> Mark | None:
        """Return the last mark, if any."""
        with self._lock:
            return self._marks.get((tenant, trust_domain))

    def keep(self, tenant: str, trust_domain: str, mark: Mark) -> None:
        """Keep a mark."""
        with self._lock:
            self._marks[tenant, trust_domain] = mark


@dataclass(frozen=True, slots=True)
class BundleReader:
    """Reads one trust domain's bundles, in the order in which they come."""

    tenant: str
    trust_domain: str
    marks: SequenceMarks

    def __call__(self, document: bytes) -> KeySet:
        """Return the keys of a bundle.

        Raises:
            UnavailableError: ``jwks_unavailable`` when it is malformed or older than one that was believed.
        """
        bundle = _bundle(document)
        keys = _keys(bundle["keys"])
        self._move_on(bundle, keys)
        hint = _integer(bundle, _HINT)
        return KeySet(keys, 0 if hint is None else min(max(hint, _MIN_REFRESH_S), _DAY_S))

    def _move_on(self, bundle: Mapping[str, Any], keys: Mapping[str, PublicKey]) -> None:
        sequence, last = _integer(bundle, _SEQUENCE), self.marks.mark(self.tenant, self.trust_domain)
        if sequence is None:
            if last is not None:
                raise _unavailable(f"the bundle of `{self.trust_domain}` has lost its sequence")
            return
        mark = Mark(sequence, _digest(keys))
        if last is not None and sequence < last.sequence:
            raise _unavailable(f"the bundle of `{self.trust_domain}` went back from {last.sequence} to {sequence}")
        if last is not None and sequence == last.sequence and mark != last:
            raise _unavailable(f"the bundle of `{self.trust_domain}` changed without a new sequence")
        if mark != last:
            self.marks.keep(self.tenant, self.trust_domain, mark)


def _bundle(document: bytes) -> dict[str, Any]:
    try:
        bundle = parse_object(document)
    except NotStrictError as error:
        raise _unavailable(f"the bundle is unacceptable: {error.fault.value}") from error
    entries = bundle.get("keys")
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise _unavailable(f"the bundle has no list of at most {MAX_KEYS} keys")
    return bundle


def _keys(entries: list[Any]) -> dict[str, PublicKey]:
    ours = [entry for entry in entries if isinstance(entry, dict) and entry.get("use") == USE]
    times = Counter(entry["kid"] for entry in ours if isinstance(entry.get("kid"), str))
    found = [key for key in map(_usable, ours) if key is not None]
    return {key.kid: key for key in found if times[key.kid] == 1}


def _usable(entry: Mapping[str, Any]) -> PublicKey | None:
    if not is_name(entry.get("kid")):
        return None
    try:
        return import_public(
            {**entry, "use": "sig"}
        )  # ``jwt-svid`` is for signatures, and ``algorithms`` need not know
    except KeyRefusedError:
        return None


def _integer(bundle: Mapping[str, Any], name: str) -> int | None:
    value = bundle.get(name)
    if value is not None and (type(value) is not int or value < 0):
        raise _unavailable(f"`{name}` of the bundle is no count")
    return value


def _digest(keys: Mapping[str, PublicKey]) -> bytes:
    return sha256(json.dumps(sorted((kid, key.thumbprint) for kid, key in keys.items())).encode())


def _unavailable(message: str) -> UnavailableError:
    return UnavailableError(Refusal.JWKS_UNAVAILABLE, message)
