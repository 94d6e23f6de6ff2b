"""Verifying one receipt (C2SP tlog-proof) offline: this entry is in that log, says its key and so many witnesses."""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.audit.verifier.entries import Entry, read_entry
from ostiary.audit.verifier.signed import Head, Vkey, read_checkpoint, unbase64
from ostiary.audit.verifier.trees import SIZE, hash_leaf, includes
from ostiary.errors import FaultyInputError, VerificationError

_LIMIT: Final = 1 << 18
_STEPS: Final = 64
_DIGITS: Final = 19


class Receipt(msgspec.Struct, frozen=True):
    """A verified receipt: the entry, its place, and the checkpoint that covers it."""

    index: int
    entry: Entry
    origin: str
    size: int
    cosigned_by: list[str]


def verify_receipt(data: bytes, keys: Sequence[Vkey], witnesses: Sequence[Vkey] = (), need: int = 0) -> Receipt:
    """Verify a receipt whose ``extra`` line is the entry.

    Raises:
        FaultyInputError: ``receipt_malformed``, ``entry_malformed``, ``checkpoint_malformed``.
        VerificationError: ``checkpoint_unsigned``, ``signature_invalid``, ``not_included``, ``unwitnessed``.
    """
    index, path, extra, note = _take_apart(data)
    head = read_checkpoint(note, keys, witnesses)
    cosigned = sorted({name for name, _ in head.cosigners})
    if len(cosigned) < need:
        raise VerificationError("unwitnessed", f"{len(cosigned)} of {need} witnesses have cosigned the checkpoint")
    _check_included(index, path, extra, head)
    return Receipt(index, read_entry(extra), head.origin, head.size, cosigned)


def _check_included(index: int, path: list[bytes], entry: bytes, head: Head) -> None:
    if not includes(index, head.size, hash_leaf(entry), path, head.root):
        text = f"the receipt does not prove entry {index} of the {head.size} that the checkpoint covers"
        raise VerificationError("not_included", text)


def _take_apart(data: bytes) -> tuple[int, list[bytes], bytes, bytes]:
    fault = FaultyInputError("receipt_malformed", "this is no receipt with an entry in it")
    head, blank, note = data[:_LIMIT].partition(b"\n\n")
    rows = head.decode(errors="replace").split("\n")
    if not blank or len(data) > _LIMIT or len(rows) < 3 or rows[0] != "c2sp.org/tlog-proof@v1":  # noqa: PLR2004 - extra, index
        raise fault
    extra, number, steps = rows[1].removeprefix("extra "), rows[2].removeprefix("index "), rows[3:]
    if extra == rows[1] or not number.isascii() or not number.isdigit() or len(number) > _DIGITS or len(steps) > _STEPS:
        raise fault
    try:
        path = [unbase64(step) for step in steps]
        entry = unbase64(extra)
    except ValueError:
        raise fault from None
    if any(len(step) != SIZE for step in path) or str(int(number)) != number:
        raise fault
    return int(number), path, entry, note
