"""The written form of a whole book: msgpack, with its version, everything in its order."""

from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.profiles import Group, Regular, Thing
from ostiary.signals.shelf import VERSION, Shelf
from ostiary.signals.tables import Tables
from ostiary.vocabulary.unreadable import UNREADABLE

__all__ = ["Snapshot", "read_snapshot", "tables_of", "write_snapshot"]


class Snapshot(msgspec.Struct, array_like=True):
    """A book as bytes hold it; ``epoch`` is that of the profile store it goes with."""

    version: int
    tenant: str
    subjects: dict[str, bytes]
    groups: dict[str, Group]
    everyone: Group
    resources: dict[str, Thing]
    devices: dict[str, Thing]
    networks: dict[str, Thing]
    company: dict[str, dict[str, int]]
    circles: dict[str, str] = {}
    epoch: int = 0
    regulars: dict[str, dict[str, Regular]] = {}


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Snapshot).decode


def write_snapshot(tenant: str, tables: Tables, epoch: int) -> bytes:
    """Return everything in ``tables`` as bytes."""
    t = tables
    shared = (t.groups, t.everyone, t.resources, t.devices, t.networks, t.company, t.circles.labels)
    return _encode(Snapshot(VERSION, tenant, t.subjects.all_packed(), *shared, epoch, t.regulars))


def read_snapshot(data: bytes, tenant: str) -> Snapshot:
    """Return what ``write_snapshot`` wrote for ``tenant``.

    Raises:
        FaultyInputError: ``profiles_malformed``, ``profiles_version`` or ``profiles_wrong_tenant``.
    """
    try:
        kept = _decode(data)
    except UNREADABLE as fault:
        raise FaultyInputError("profiles_malformed", "the stored profiles cannot be read") from fault
    if kept.version != VERSION:
        raise FaultyInputError("profiles_version", f"profiles version `{kept.version}` is not known here")
    if kept.tenant != tenant:
        raise FaultyInputError("profiles_wrong_tenant", "the profiles belong to another tenant")
    for group in (kept.everyone, *kept.groups.values()):
        group.widen()
    return kept


def tables_of(kept: Snapshot, shelf: Shelf) -> Tables:
    """Return the tables of a snapshot; its subjects go onto ``shelf``, which must have room for them.

    Raises:
        FaultyInputError: ``profiles_malformed``.
    """
    shelf.load(kept.subjects)
    tables = Tables(shelf)
    tables.everyone = kept.everyone
    for name in ("groups", "resources", "devices", "networks", "company", "regulars"):
        getattr(tables, name).update(getattr(kept, name))
    tables.circles.load(kept.circles)
    return tables
