"""The profiles of one tenant's subjects: a few open, the many packed, the longest unheard-of spilled to a store.

Rules:
- A packed profile is its msgpack bytes, compressed: a tenth of what it takes open. It is opened when its subject comes.
- A store keeps profiles uncompressed: there is room there, and a name can be looked for.
- Order is that of learning. Looking opens a profile, but moves nothing: what is spilled next does not depend on looks.
- Past ``most`` profiles the least recently learned go to the ``ProfileStore`` in one batch, or are forgotten.
- What is packed, spilled, unpacked is the same to the last bit; a profile of another shape is refused with a code.

>>> shelf = Shelf("default", most=2, most_open=1)
>>> for name in ("user:ann", "user:bob", "user:eve"):
...     shelf.keep(name, Subject(events=1))
>>> list(shelf), shelf.opened
(['user:bob', 'user:eve'], 1)
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from zlib import compress, decompressobj
from zlib import error as zlib_error

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.faces import Face, face_of, read_face, write_face
from ostiary.signals.ports import ProfileStore
from ostiary.signals.profiles import Subject
from ostiary.vocabulary.unreadable import UNREADABLE

VERSION: Final = 4
MAX_SUBJECTS: Final = 100_000
MAX_OPEN: Final = 8_192
_BATCHES: Final = 256
_LEVEL: Final = 1
_RAW: Final = -15  # no header, no checksum: what is kept in memory needs none
_MOST_BYTES: Final = 16 << 20


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """The written form of one profile."""

    version: int
    subject: msgspec.Raw


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_kept: Final = msgspec.msgpack.Decoder(_Kept).decode
_decode: Final = msgspec.msgpack.Decoder(Subject).decode


def packed(own: Subject) -> bytes:
    """Return a profile's bytes as they lie in memory and in a snapshot."""
    return compress(_encode(own), _LEVEL, _RAW)


def unpacked(data: bytes) -> Subject:
    """Return the profile that ``packed`` wrote, with room for dimensions that were unknown then.

    Raises:
        FaultyInputError: ``profiles_malformed``.
    """
    return _subject(_inflated(data))


def written(own: Subject | bytes) -> bytes:
    """Return a profile, packed or not, as a store keeps it: with its version."""
    return _encode(_Kept(VERSION, msgspec.Raw(_inflated(own) if isinstance(own, bytes) else _encode(own))))


def read(data: bytes) -> Subject:
    """Return the profile that a store kept.

    Raises:
        FaultyInputError: ``profiles_malformed`` or ``profiles_version``.
    """
    try:
        kept = _decode_kept(data)
    except UNREADABLE as fault:
        raise FaultyInputError("profiles_malformed", "a stored profile cannot be read") from fault
    if kept.version != VERSION:
        raise FaultyInputError("profiles_version", f"profile version `{kept.version}` is not known here")
    return _subject(kept.subject)


def _inflated(data: bytes) -> bytes:
    engine = decompressobj(_RAW)
    try:
        found = engine.decompress(data, _MOST_BYTES)
    except zlib_error as fault:
        raise FaultyInputError("profiles_malformed", "a stored profile cannot be read") from fault
    if not engine.eof or engine.unused_data:
        raise FaultyInputError("profiles_malformed", "a stored profile is cut off, or larger than any can be")
    return found


def _subject(data: bytes | msgspec.Raw) -> Subject:
    try:
        own = _decode(data)
    except UNREADABLE as fault:
        raise FaultyInputError("profiles_malformed", "a stored profile cannot be read") from fault
    own.widen()
    return own


class Shelf:
    """Profiles by ``type:id``, least recently learned first. Not safe for threads: the book holds the lock."""

    __slots__ = ("_faces", "_kept", "_open", "_store", "_tenant", "epoch", "most", "most_open")

    def __init__(
        self, tenant: str, store: ProfileStore | None = None, most: int = MAX_SUBJECTS, most_open: int = MAX_OPEN
    ) -> None:
        """Begin empty.

        Args:
            tenant: whose subjects they are.
            store: keeps what no longer fits.
            most: profiles in memory.
            most_open: how many of them may lie open.
        """
        self._tenant = tenant
        self._store = store
        self.epoch = 1
        self.most = max(1, most)
        self.most_open = max(1, most_open)
        self._kept: OrderedDict[str, Subject | bytes] = OrderedDict()
        self._open: OrderedDict[str, None] = OrderedDict()
        self._faces: dict[str, bytes] = {}  # of the packed ones

    def __len__(self) -> int:
        """Return how many profiles are in memory."""
        return len(self._kept)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, least recently learned first."""
        return iter(self._kept)

    def __getitem__(self, key: str) -> Subject:
        """Return the profile in memory or store, opened."""
        own = self.find(key)
        if own is None:
            raise KeyError(key)
        return own

    @property
    def opened(self) -> int:
        """How many profiles lie open."""
        return len(self._open)

    def find(self, key: str) -> Subject | None:
        """Return a profile from memory or store, or ``None``; one in the store stays there."""
        own = self._kept.get(key)
        if own is None:
            data = None if self._store is None else self._store.load(self._tenant, key)
            return None if data is None else read(data)
        if isinstance(own, bytes):
            own = self._kept[key] = unpacked(own)
            del self._faces[key]
            self._open[key] = None
            self._pack()
        return own

    def face(self, key: str) -> Subject | Face | None:
        """Return what is looked at of another subject: its profile if that lies open, else its face. Opens nothing."""
        own = self._kept.get(key)
        if isinstance(own, bytes):
            return read_face(self._faces[key])
        return self.find(key) if own is None else own

    def keep(self, key: str, own: Subject) -> None:
        """Put a profile in the place of the most recently learned."""
        self._kept[key] = own
        self._faces.pop(key, None)
        self._kept.move_to_end(key)
        self._open[key] = None
        self._open.move_to_end(key)
        if len(self._open) > self.most_open:
            self._pack()
        if len(self._kept) > self.most:
            self._spill()

    def put_back(self, key: str, own: Subject) -> None:
        """Keep a profile that ``find`` gave and that was changed otherwise than by learning: in its place."""
        if key in self._kept:
            self._kept[key] = own
            self._faces.pop(key, None)
            self._open[key] = None
            self._pack()
        elif self._store is not None:
            self._store.save(self._tenant, self.epoch, {key: written(own)})

    def drop(self, key: str) -> bool:
        """Erase a profile from memory and store; return whether it was in memory."""
        if self._store is not None:
            self._store.erase(self._tenant, key)
        self._open.pop(key, None)
        self._faces.pop(key, None)
        return self._kept.pop(key, None) is not None

    def all_packed(self) -> dict[str, bytes]:
        """Return everything in memory in its order, packed."""
        return {key: own if isinstance(own, bytes) else packed(own) for key, own in self._kept.items()}

    def load(self, kept: Mapping[str, bytes]) -> None:
        """Put packed profiles on an empty shelf in their order, each of them read once to see that it can be.

        Raises:
            FaultyInputError: ``profiles_malformed``.
        """
        for key, data in kept.items():
            self._faces[key] = write_face(face_of(unpacked(data)))
            self._kept[key] = data
        while len(self._kept) > self.most:
            self._spill()

    def forget_colleague(self, who: str, keys: Iterable[str]) -> None:
        """Take a subject's name out of the colleagues of some others in memory."""
        for key in keys:
            own = self._kept.get(key)
            if isinstance(own, bytes):
                opened = unpacked(own)
                if opened.forget(who):
                    self._kept[key] = packed(opened)
            elif own is not None:
                own.forget(who)

    def spilled_naming(self, who: str) -> list[tuple[str, int]]:
        """Return key and epoch of all spilled versions that name a subject. Long, and safe without the book's lock."""
        return [] if self._store is None else [(key, epoch) for key, epoch in self._store.naming(self._tenant, who)]

    def forget_spilled(self, who: str, key: str, epoch: int) -> None:
        """Take a subject's name out of one spilled version, if it is still there."""
        data = None if self._store is None else self._store.load(self._tenant, key, epoch)
        own = None if data is None else read(data)
        if self._store is not None and own is not None and own.forget(who):
            self._store.rewrite(self._tenant, key, epoch, written(own))

    def _pack(self) -> None:
        while len(self._open) > self.most_open:
            key, _ = self._open.popitem(last=False)
            own = self._kept[key]
            if not isinstance(own, bytes):
                self._kept[key] = packed(own)
                self._faces[key] = write_face(face_of(own))

    def _spill(self) -> None:
        """Make room: one profile more than fits drives out a whole batch, since a store writes many as fast as one."""
        batch: dict[str, bytes] = {}
        for _ in range(len(self._kept) - self.most + (self.most // _BATCHES if self._store is not None else 0)):
            key, own = self._kept.popitem(last=False)
            self._open.pop(key, None)
            self._faces.pop(key, None)
            if self._store is not None:
                batch[key] = written(own)
        if self._store is not None:
            self._store.save(self._tenant, self.epoch, batch)
