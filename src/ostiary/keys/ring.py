"""The ring of signing keys: one active key for each tenant and purpose, older ones kept for verification.

- A key is made on first use; ``rotate`` makes the next one. Retired keys verify for ever, their secret half is erased.
- During an overlap the old key signs beside the new one, so that verifiers can learn the new key.
- The key id holds tenant and purpose: ``acme.metadata.3f9a…``; a key of one tenant is never found under another.
- Several processes may share a ring: changes are made under a lock and seen by the others at their next use.
- Everything private is 0600 in folders of 0700; a looser file is refused (see ``files``).
"""

import os
import re
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from typing_extensions import override

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys.files import erase, locked, private_folder, read_private, write_private
from ostiary.keys.signing import SigningKey
from ostiary.keys.verifying import EDDSA, VerifyingKey
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import check_tenant
from ostiary.vocabulary.unreadable import UNREADABLE

_PURPOSE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
_INDEX: Final = "ring.json"
_SECOND_NS: Final = 1_000_000_000
_PLACES: Final = 1024  # whose folders are known by heart; anybody may ask for the keys of a tenant that is none


class RingEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One key of a ring, public part. ``signs_until_ns`` is ``None`` while the key is the active one."""

    kid: str
    alg: str
    jwk: dict[str, str]
    created_ns: int
    signs_until_ns: int | None = None


class _Loaded(msgspec.Struct):
    stamp: tuple[int, int, int]
    entries: tuple[RingEntry, ...]
    secrets: dict[str, SigningKey]


class KeyRing:
    """Signing keys in a folder, by tenant and purpose."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Use ``directory``, which is made with mode 0700 when it is missing.

        Raises:
            RefusedError: ``key_permissions`` when group or others may enter it.
        """
        self._directory = private_folder(directory)
        self._clock = clock
        self._lock = threading.RLock()
        self._loaded: dict[Path, _Loaded] = {}

    @override
    def __repr__(self) -> str:
        """Name the folder only."""
        return f"KeyRing({str(self._directory)!r})"

    def active(self, tenant: str, purpose: str, alg: str = EDDSA) -> SigningKey:
        """Return the key that signs now, made on first use."""
        return self.signers(tenant, purpose, alg)[0]

    def signers(self, tenant: str, purpose: str, alg: str = EDDSA) -> list[SigningKey]:
        """Return the active key, then the older ones that still sign during their overlap."""
        folder = self._folder(tenant, purpose)
        with self._lock:
            loaded = self._load(folder)
            if not any(entry.alg == alg and entry.signs_until_ns is None for entry in loaded.entries):
                loaded = self._make(folder, tenant, purpose, alg)
            now = self._clock.now_ns()
            for kid in {entry.kid for entry in loaded.entries if not _signs(entry, now)} & loaded.secrets.keys():
                del loaded.secrets[kid]
                erase(folder / f"{kid}.pem")
            try:
                return self._usable(folder, loaded, alg, now)
            except (UnavailableError, FaultyInputError):
                with locked(folder):  # another process rotates, and erases the file that we were about to read
                    return self._usable(folder, self._load(folder), alg, now)

    def rotate(self, tenant: str, purpose: str, alg: str = EDDSA, *, overlap_s: int = 0) -> SigningKey:
        """Make a new active key; the old one signs for ``overlap_s`` more seconds, then only verifies."""
        folder = self._folder(tenant, purpose)
        with self._lock:
            private_folder(folder.parent)
            with locked(private_folder(folder)):
                self._add(folder, tenant, purpose, alg, overlap_s)
            return self.active(tenant, purpose, alg)

    def entries(self, tenant: str, purpose: str) -> tuple[RingEntry, ...]:
        """Return every key ever made for a purpose, oldest first; nothing secret is in it."""
        with self._lock:
            return self._load(self._folder(tenant, purpose)).entries

    def all_public(self, tenant: str, purpose: str) -> list[VerifyingKey]:
        """Return every public key ever made for a purpose, newest first: retired keys still verify."""
        return [VerifyingKey.from_jwk(entry.jwk) for entry in reversed(self.entries(tenant, purpose))]

    def jwks(self, tenant: str, purpose: str, *, recent_s: int | None = None) -> dict[str, Any]:
        """Return the JSON Web Key Set of a purpose (RFC 7517 §5), newest first.

        With ``recent_s`` keys are left out that stopped signing longer ago: what they have signed is over by then.
        """
        since_ns = None if recent_s is None else self._clock.now_ns() - recent_s * _SECOND_NS
        kept = (
            entry for entry in reversed(self.entries(tenant, purpose)) if since_ns is None or _signs(entry, since_ns)
        )
        return {"keys": [dict(entry.jwk) for entry in kept]}

    def purposes(self, tenant: str) -> list[str]:
        """Return the purposes for which a tenant has keys, in order."""
        home = self._directory / check_tenant(tenant)
        return sorted(path.parent.name for path in home.glob(f"*/{_INDEX}"))

    def shred_tenant(self, tenant: str) -> int:
        """Erase every secret and public key of a tenant; return how many files went."""
        home = self._directory / check_tenant(tenant)
        with self._lock:
            files = [path for path in home.glob("*/*") if path.is_file()]
            for path in files:
                erase(path)
                self._loaded.pop(path.parent, None)
            return len(files)

    def _folder(self, tenant: str, purpose: str) -> Path:
        return _folder_of(self._directory, tenant, purpose)

    def _load(self, folder: Path) -> _Loaded:
        index = _index_of(folder)
        try:
            status = os.stat(index)  # noqa: PTH116 - of a text: every signature begins with it
        except FileNotFoundError:
            return _Loaded((0, 0, 0), (), {})
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        known = self._loaded.get(folder)
        if known is None or known.stamp != stamp:
            known = _Loaded(stamp, _decode(folder / _INDEX), {})
            self._loaded[folder] = known
        return known

    def _make(self, folder: Path, tenant: str, purpose: str, alg: str) -> _Loaded:
        private_folder(folder.parent)
        with locked(private_folder(folder)):
            loaded = self._load(folder)
            made_meanwhile = any(entry.alg == alg and entry.signs_until_ns is None for entry in loaded.entries)
            return loaded if made_meanwhile else self._add(folder, tenant, purpose, alg, 0)

    def _add(self, folder: Path, tenant: str, purpose: str, alg: str, overlap_s: int) -> _Loaded:
        before = self._load(folder).entries
        now = self._clock.now_ns()
        key = SigningKey.generate("", alg)
        kid = f"{tenant}.{purpose}.{key.public.thumbprint()}"
        write_private(folder / f"{kid}.pem", key.private_pem())
        fresh = RingEntry(kid, alg, {**key.public.jwk(), "kid": kid}, now)
        after = (*(_retired(entry, alg, now + overlap_s * _SECOND_NS) for entry in before), fresh)
        write_private(folder / _INDEX, msgspec.json.encode(after))
        self._erase_expired(folder, after, now)
        return self._load(folder)

    def _usable(self, folder: Path, loaded: _Loaded, alg: str, now: int) -> list[SigningKey]:
        usable = [entry for entry in loaded.entries if entry.alg == alg and _signs(entry, now)]
        usable.sort(key=lambda entry: (entry.signs_until_ns is not None, -entry.created_ns))
        return [self._secret(folder, loaded, entry) for entry in usable]

    def _secret(self, folder: Path, loaded: _Loaded, entry: RingEntry) -> SigningKey:
        if entry.kid not in loaded.secrets:
            loaded.secrets[entry.kid] = SigningKey.from_pem(entry.kid, read_private(folder / f"{entry.kid}.pem"))
        return loaded.secrets[entry.kid]

    @staticmethod
    def _erase_expired(folder: Path, entries: tuple[RingEntry, ...], now: int) -> None:
        for entry in entries:
            if not _signs(entry, now):
                erase(folder / f"{entry.kid}.pem")


@lru_cache(_PLACES)
def _folder_of(directory: Path, tenant: str, purpose: str) -> Path:
    if not _PURPOSE.match(purpose):
        raise FaultyInputError("key_purpose_invalid", f"`{purpose[:50]}` is no key purpose: use a-z, 0-9 and hyphens")
    return directory / check_tenant(tenant) / purpose


@lru_cache(_PLACES)
def _index_of(folder: Path) -> str:
    return str(folder / _INDEX)


def _signs(entry: RingEntry, now: int) -> bool:
    return entry.signs_until_ns is None or entry.signs_until_ns > now


def _retired(entry: RingEntry, alg: str, until_ns: int) -> RingEntry:
    if entry.alg != alg or entry.signs_until_ns is not None:
        return entry
    return msgspec.structs.replace(entry, signs_until_ns=until_ns)


def _decode(index: Path) -> tuple[RingEntry, ...]:
    try:
        return msgspec.json.decode(read_private(index), type=tuple[RingEntry, ...])
    except UNREADABLE as fault:
        raise UnavailableError("key_unavailable", f"the key ring `{index}` is damaged") from fault
