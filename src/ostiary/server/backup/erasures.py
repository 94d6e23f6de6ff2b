"""Erasures that came after a backup, and doing them again: whoever was forgotten stays forgotten in a restored log.

1. The list names nobody: it holds index ranges of the log, as the records of erasures do, and ids of deleted tenants.
   It is signed by the log's key, so it can be kept anywhere and read by a restore long after.
2. A restored log still holds what was erased, keys included; that is where a range's person is found. The person is
   then forgotten in every room. One whose name no payload tells is erased from the log, and that is said.
"""

import base64
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.audit.entry import SALT_BYTES
from ostiary.audit.erasure import ErasureRecord, erase_indexes, read_erasure
from ostiary.audit.log import open_row
from ostiary.audit.ports import RecordRow, Selection
from ostiary.audit.settings import SYSTEM_TENANT
from ostiary.audit.verifier.signed import Vkey, origin_of
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import SigningKey
from ostiary.server.backup.manifest import LogState
from ostiary.server.forgetting import forget, forget_tenant
from ostiary.server.places import Places
from ostiary.server.settings.store import StoreSection
from ostiary.server.storing import open_source
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE

_LIMIT: Final = 64 << 20
_DOMAIN: Final = b"ostiary/erasures/v1\n"
_TRIED_ROWS: Final = 64
_TRIED_NAMES: Final = 2_000
_DEPTH: Final = 24
_TENANT: Final = "tenant.delete"
_SUBJECT: Final = "subject.erase"


class ErasureList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every erasure that a log has on record, in order, and how far the log went when it was read."""

    v: int
    origin: str
    size: int
    erasures: list[ErasureRecord]


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: str
    signature: str


class DoneAgain(msgspec.Struct, frozen=True):
    """What was erased once more: persons, persons without a name, tenants, payloads."""

    persons: int = 0
    nameless: int = 0
    tenants: int = 0
    payloads: int = 0


def erasures_in(places: Places, store: StoreSection) -> ErasureList:
    """Read the erasures of a data directory, which is only read: it may be the one that is to be replaced.

    Raises:
        UnavailableError: ``log_unavailable``, ``keys_missing``.
    """
    with open_source(places, store) as source:
        if source.opener is None:
            raise UnavailableError("keys_missing", f"`{places.root}` has no keys that open its records of erasures")
        note = source.checkpoint()
        found = (read_erasure(opened[SALT_BYTES:]) for opened in source.opened_of(SYSTEM_TENANT, "admin"))
        told = [one for one in found if one is not None]
    return ErasureList(1, origin_of(note), int(note.split(b"\n")[1]), told)


def sign_erasures(told: ErasureList, key: SigningKey) -> bytes:
    """Return a list as it is written into a file."""
    body = msgspec.json.encode(told)
    signature = key.sign(_DOMAIN + body)
    return msgspec.json.encode(_Signed(base64.b64encode(body).decode(), base64.b64encode(signature).decode())) + b"\n"


def read_erasures(data: bytes, trusted: list[Vkey]) -> ErasureList:
    """Return a list that one of the log's keys signed.

    Raises:
        FaultyInputError: ``erasures_malformed``.
        VerificationError: ``erasures_untrusted``.
    """
    try:
        if len(data) > _LIMIT:
            raise FaultyInputError("erasures_malformed", "the list of erasures is larger than any that we write")
        signed = msgspec.json.decode(data, type=_Signed)
        body = base64.b64decode(signed.body, validate=True)
        signature = base64.b64decode(signed.signature, validate=True)
        if not any(vkey.key.verify(signature, _DOMAIN + body) for vkey in trusted):
            raise VerificationError("erasures_untrusted", "no key of this log signed the list of erasures")
        return msgspec.json.decode(body, type=ErasureList)
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        raise FaultyInputError("erasures_malformed", f"the list of erasures cannot be read: {fault}") from fault


def erase_again(house: House, told: ErasureList, backed_up: LogState) -> DoneAgain:
    """Do in a restored house what a later state of the log that was backed up says was erased.

    Raises:
        RefusedError: ``erasures_foreign``: they are of another log.
    """
    if told.origin != backed_up.origin:
        text = f"the erasures are of the log `{told.origin}`, the backup is of `{backed_up.origin}`"
        raise RefusedError("erasures_foreign", text)
    persons = nameless = tenants = payloads = 0
    for record in told.erasures:
        if record.action == _TENANT:
            if house.tenants.find(record.note) is not None:
                payloads += forget_tenant(house, record.note).count
                tenants += 1
            continue
        rows = [row for row in _rows(house, record, backed_up.size) if row.sealed is not None]
        if record.action == _SUBJECT:
            for row in {(one.tenant, one.tag): one for one in rows}.values():
                named, count = _forget_owner(house, row)
                persons, nameless, payloads = persons + named, nameless + (not named), payloads + count
        elif rows:
            payloads += erase_indexes(house.log, house.clock, "restore.erase", [row.idx for row in rows]).count
    return DoneAgain(persons, nameless, tenants, payloads)


def _rows(house: House, record: ErasureRecord, size: int) -> Iterator[RecordRow]:
    for start, end in record.erased:
        yield from house.log.store.rows(start, min(end, size))


def _forget_owner(house: House, row: RecordRow) -> tuple[bool, int]:
    """Forget whom a row is about; return whether the name was found, and how many payloads went."""
    name = _name_of(house, row)
    if name:
        kind, _, plain = name.partition(":")
        return True, forget(house, row.tenant, kind, plain).count
    with house.log.store.transaction() as transaction:
        indexes = transaction.sealed_indexes(Selection(row.tenant, tag=row.tag))
    house.store.delete_key(row.tenant, row.tag)
    house.vault.drop_cache()
    return False, erase_indexes(house.log, house.clock, "restore.erase", indexes).count


def _name_of(house: House, row: RecordRow) -> str:
    """Return the subject (``type:id``) whose tag a row carries, found in what its payloads say; empty for none."""
    for one in house.log.store.select(Selection(row.tenant, tag=row.tag), _TRIED_ROWS):
        opened = open_row(house.vault, one)
        try:
            told = msgspec.json.decode(opened[SALT_BYTES:]) if opened else None
        except UNREADABLE:
            continue
        for number, name in enumerate(_names(told)):
            if number > _TRIED_NAMES:
                break
            if house.vault.tag(row.tenant, name) == row.tag:
                return name
    return ""


def _names(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield every text in a payload that could be a subject; ``type`` and ``id`` side by side are one, too."""
    if depth > _DEPTH:
        return
    if isinstance(value, str) and ":" in value:
        yield value
    if isinstance(value, dict):
        if isinstance(value.get("type"), str) and isinstance(value.get("id"), str):
            yield f"{value['type']}:{value['id']}"
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner, depth + 1)
