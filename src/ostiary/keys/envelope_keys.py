"""The keys of conversations: a data key a user and epoch, a share a conversation. Outside the database, on purpose.

- A backup of the database holds no key at all, so what is destroyed here is unreadable in every copy of it.
- Data keys lie wrapped by the tenant's key (``envelope_ports``). A share is random; it is worth nothing without them.
- ``shred`` destroys a conversation's share, ``shred_user`` a user's data keys; the user's ``floor`` says from which
  epoch on keys may be made, so that a database from before cannot bring an old epoch back.
- Everything is private (``files``); users stand there as keyed hashes, never by name.

The folder: ``index/TENANT.key`` hashes names, ``kek/…`` is the file wrapper's, ``data/TENANT/OWNER/`` holds
``EPOCH.dek``, ``CONVERSATION.share`` and ``floor``.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.keys.envelope import KEY_BYTES, ConversationKey, Place, joined, wipe
from ostiary.keys.envelope_cache import SecretCache
from ostiary.keys.envelope_ports import KeyWrapper, Wrapped
from ostiary.keys.files import erase, locked, private_folder, read_private, write_private
from ostiary.keys.hashing import keyed_hash, random_bytes
from ostiary.keys.tenant_secrets import TenantSecrets
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import check_tenant
from ostiary.vocabulary.unreadable import UNREADABLE

_CACHE_S: Final = 60.0
_CACHED: Final = 8_192
_OWNER_BYTES: Final = 16
_OWNER: Final = re.compile(r"[0-9a-f]{32}\Z")
_CONVERSATION: Final = re.compile(r"[0-9A-Za-z_]{1,64}\Z")


class EnvelopeKeys:
    """Keys of conversations in a folder; safe for several threads and processes."""

    def __init__(
        self, directory: Path, wrapper: KeyWrapper, clock: Clock, cache_s: float = _CACHE_S, cached: int = _CACHED
    ) -> None:
        """Use ``directory``; unwrapped keys stay in memory for ``cache_s`` seconds at most."""
        self._directory = directory
        self._names = TenantSecrets(directory / "index")
        self._cache = SecretCache(clock, cache_s, cached)
        self.wrapper = wrapper

    @override
    def __repr__(self) -> str:
        """Name the folder only."""
        return f"EnvelopeKeys({str(self._directory)!r})"

    def owner(self, tenant: str, user: str) -> str:
        """Return the keyed hash under which a user is known: 32 hex digits, others in each tenant."""
        return keyed_hash(self._names.of(tenant), joined(b"owner", user.encode()))[:_OWNER_BYTES].hex()

    @contextmanager
    def open(self, place: Place, *, sealing: bool = False, fresh: bool = False) -> Iterator[ConversationKey]:
        """Lend the key of a conversation and epoch; it is overwritten at the end.

        Args:
            place: tenant, user (as ``owner`` tells it), conversation and epoch of what is to be opened or sealed.
            sealing: make the epoch's data key where there is none yet.
            fresh: the conversation is new: make its share.

        Raises:
            RefusedError: ``conversation_shredded`` when a key is gone.
            UnavailableError: ``key_unavailable``.
        """
        folder = self._folder(place.tenant, place.user)
        whose = place.tenant, place.user
        data_key = self._cache.get((*whose, place.epoch), lambda: self._data_key(folder, place, make=sealing or fresh))
        share = self._cache.get((*whose, place.conversation), lambda: self._share(folder, place, make=fresh))
        key = ConversationKey(data_key, bytes(share), place)
        wipe(data_key)
        wipe(share)
        try:
            yield key
        finally:
            key.forget()

    def floor(self, tenant: str, owner: str) -> int:
        """Return the first epoch that may have a key."""
        return _floor(self._folder(tenant, owner))

    def holds(self, tenant: str, owner: str, conversation: str) -> bool:
        """Return whether a conversation has its share."""
        return _share_file(self._folder(tenant, owner), conversation).exists()

    def epochs(self, tenant: str, owner: str) -> list[int]:
        """Return the epochs that have a data key, ascending."""
        return sorted(int(path.stem) for path in self._folder(tenant, owner).glob("*.dek") if path.stem.isdecimal())

    def owners(self, tenant: str) -> list[str]:
        """Return every user of a tenant that has keys, sorted."""
        folder = self._directory / "data" / check_tenant(tenant)
        return sorted(path.name for path in folder.iterdir() if _OWNER.match(path.name)) if folder.is_dir() else []

    def shred(self, tenant: str, owner: str, conversation: str) -> bool:
        """Destroy a conversation's share for ever; return whether it was there."""
        folder = self._folder(tenant, owner)
        was_there = self.holds(tenant, owner, conversation)
        if folder.is_dir():
            with locked(folder):
                erase(_share_file(folder, conversation))
        self._cache.drop(lambda name: name == (tenant, owner, conversation))
        return was_there

    def shred_user(self, tenant: str, owner: str, floor: int, conversations: Iterable[str] = ()) -> int:
        """Destroy a user's data keys below the epoch ``floor``, for ever, and these shares; return how many keys went.

        Shares of conversations that are made meanwhile, in a later epoch, are none of ``conversations``.
        """
        folder = private_folder(self._folder(tenant, owner))
        with locked(folder):
            write_private(folder / "floor", b"%d" % max(floor, _floor(folder)))
            gone = [epoch for epoch in self.epochs(tenant, owner) if epoch < floor]
            for path in (
                *(folder / f"{epoch}.dek" for epoch in gone),
                *(_share_file(folder, one) for one in conversations),
            ):
                erase(path)
        self._forget(tenant, owner)
        return len(gone)

    def retire(self, tenant: str, owner: str, floor: int) -> int:
        """Destroy a user's data keys below an epoch under which nothing is sealed any more; return how many."""
        folder = self._folder(tenant, owner)
        gone = [epoch for epoch in self.epochs(tenant, owner) if epoch < floor]
        if gone:
            with locked(folder):
                write_private(folder / "floor", b"%d" % max(floor, _floor(folder)))
                for epoch in gone:
                    erase(folder / f"{epoch}.dek")
            self._forget(tenant, owner)
        return len(gone)

    def rewrap(self, tenant: str) -> Iterator[str]:
        """Wrap every data key of a tenant by its current key, yielding each user that is done; nothing is re-encrypted.

        It may be broken off and begun anew: what is wrapped already is left as it is.
        """
        current = self.wrapper.current(tenant)
        for owner in self.owners(tenant):
            folder = self._folder(tenant, owner)
            with locked(folder):
                for epoch in self.epochs(tenant, owner):
                    self._rewrap(folder / f"{epoch}.dek", tenant, _bound(tenant, owner, epoch), current)
            yield owner

    def shred_tenant(self, tenant: str) -> None:
        """Destroy all that a tenant has, for ever."""
        self.wrapper.shred(tenant)
        for owner in self.owners(tenant):
            folder = self._folder(tenant, owner)
            with locked(folder):
                for path in sorted(folder.iterdir()):
                    if path.name != ".lock":
                        erase(path)
        self._names.erase(tenant)
        self._cache.drop()

    def drop_cache(self) -> None:
        """Forget every unwrapped key."""
        self._cache.drop()

    def _forget(self, tenant: str, owner: str) -> None:
        self._cache.drop(lambda name: isinstance(name, tuple) and name[:2] == (tenant, owner))

    def _data_key(self, folder: Path, place: Place, *, make: bool) -> bytes:
        path, bound = folder / f"{place.epoch}.dek", _bound(place.tenant, place.user, place.epoch)
        if place.epoch < _floor(folder) or not (make or path.exists()):
            raise _shredded()
        if not path.exists():
            # Wrapped inside the lock: else the tenant's key could be rotated and destroyed before this is written.
            with locked(private_folder(folder)):
                if place.epoch < _floor(folder):
                    raise _shredded()
                if not path.exists():  # INVARIANT: a data key is never replaced by another one
                    fresh = self.wrapper.wrap(place.tenant, random_bytes(KEY_BYTES), bound)
                    write_private(path, msgspec.json.encode(fresh))
        key = self.wrapper.unwrap(place.tenant, _wrapped(path), bound)
        if len(key) != KEY_BYTES:
            raise UnavailableError("key_unavailable", "a data key is damaged")
        return key

    @staticmethod
    def _share(folder: Path, place: Place, *, make: bool) -> bytes:
        path = _share_file(folder, place.conversation)
        if make:
            with locked(private_folder(folder)):
                if not path.exists():
                    write_private(path, random_bytes(KEY_BYTES))
        try:
            share = read_private(path)
        except UnavailableError:
            if not path.exists():
                raise _shredded() from None
            raise
        if len(share) != KEY_BYTES:
            raise UnavailableError("key_unavailable", "a conversation's key is damaged")
        return share

    def _rewrap(self, path: Path, tenant: str, bound: bytes, current: str) -> None:
        wrapped = _wrapped(path)
        if wrapped.version != current:
            key = self.wrapper.unwrap(tenant, wrapped, bound)
            write_private(path, msgspec.json.encode(self.wrapper.wrap(tenant, key, bound)))

    def _folder(self, tenant: str, owner: str) -> Path:
        if not _OWNER.match(owner):
            raise FaultyInputError("owner_invalid", f"`{owner[:50]}` is no owner of conversations")
        return self._directory / "data" / check_tenant(tenant) / owner


def _share_file(folder: Path, conversation: str) -> Path:
    if not _CONVERSATION.match(conversation):
        raise FaultyInputError("conversation_invalid", "this is no id of a conversation")
    return folder / f"{conversation}.share"


def _floor(folder: Path) -> int:
    path = folder / "floor"
    if not path.exists():
        return 0
    told = read_private(path)
    if not told.isdigit():
        raise UnavailableError("key_unavailable", f"`{path}` is damaged")
    return int(told)


def _wrapped(path: Path) -> Wrapped:
    if not path.exists():
        raise _shredded()
    try:
        return msgspec.json.decode(read_private(path), type=Wrapped)
    except UNREADABLE:
        raise UnavailableError("key_unavailable", f"the key file `{path}` is damaged") from None


def _bound(tenant: str, owner: str, epoch: int) -> bytes:
    return joined(b"ostiary/data-key/v1", tenant.encode(), owner.encode(), b"%d" % epoch)


def _shredded() -> RefusedError:
    return RefusedError("conversation_shredded", "the key of this conversation was destroyed, it cannot be read")
