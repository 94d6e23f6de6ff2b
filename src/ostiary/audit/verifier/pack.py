"""Verifies a pack for auditors offline: the zip itself, its log's checkpoint, and each record in it.

All of this must be true:

1. The note in the zip's comment is signed by a key of the log that we trust, over every byte before the comment.
2. The checkpoint in it is signed by such a key, and by as many witnesses as demanded.
3. Every record is in the tree that the checkpoint signs, is what its entry committed to, is what was asked for, comes
   once and in order; and there are as many as the manifest says.
4. What the pack before saw, and what we remember, are beginnings of this log.

Nothing is unpacked to disk, and nothing is read without a limit.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from ostiary.audit.verifier.entries import Entry, commits_to, read_entry
from ostiary.audit.verifier.memory import Memory
from ostiary.audit.verifier.report import Attack, Finding
from ostiary.audit.verifier.signed import Head, Vkey, origin_of, read_checkpoint, read_signed, read_vkey, unbase64
from ostiary.audit.verifier.trees import extends, hash_leaf, includes, prefix_roots
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError

HEADER: Final = "ostiary-audit-pack/v1"
_MEMBERS: Final = frozenset(
    {
        "README.md",
        "checkpoint",
        "consistency.json",
        "earlier.checkpoint",
        "manifest.json",
        "records.jsonl",
        "report.json",
        "report.pdf",
        "vkeys",
    }
)
_NEEDED: Final = frozenset({"checkpoint", "manifest.json", "records.jsonl", "vkeys"})
_EOCD: Final = b"PK\x05\x06"
_EOCD_BYTES: Final = 22
_COMMENT_LIMIT: Final = 65_535
_SMALL_LIMIT: Final = 4 << 20
_LINE_LIMIT: Final = 8 << 20
_TOTAL_LIMIT: Final = 2 << 30
_STEPS: Final = 64
_SHOWN: Final = 20
_PIECE: Final = 1 << 20
_SALT: Final = 32


class PackReport(msgspec.Struct):
    """The outcome; ``verified`` means nothing was found wrong."""

    origin: str = ""
    tenant: str = ""
    size: int = 0
    records: int = 0
    opened: int = 0
    without: int = 0
    signed_by: list[str] = []
    cosigned_by: list[str] = []
    earlier_size: int | None = None
    remembered_size: int | None = None
    first_use: bool = False
    findings: list[Finding] = []
    notes: list[str] = []

    @property
    def verified(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings

    def add(self, attack: Attack, index: int | None, text: str, evidence: str) -> None:
        """Add a finding, up to a number."""
        if len(self.findings) < _SHOWN:
            self.findings.append(Finding(attack, index, text, evidence))


def is_pack(path: Path) -> bool:
    """Return whether a file may be a pack: any file is, that is no folder."""
    return path.is_file()


def origin_of_pack(path: Path) -> str:
    """Return the origin that a pack claims, unverified; empty where none can be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return origin_of(_small(archive, "checkpoint"))
    except Exception:  # noqa: BLE001 - nothing is believed of it, and nothing can be read
        return ""


def verify_pack(
    path: Path,
    keys: Sequence[Vkey] = (),
    witnesses: Sequence[Vkey] = (),
    need: int = 0,
    memory: Memory | None = None,
) -> PackReport:
    """Verify a pack.

    Args:
        path: the file.
        keys: of the log, from elsewhere; without any, those remembered, and at last those in the pack itself.
        witnesses: verifier keys of witnesses that are trusted.
        need: how many of them must have cosigned.
        memory: what is remembered of the log.

    Raises:
        UnavailableError: ``file_unavailable``: that says nothing about it.
    """
    report = PackReport()
    try:
        with path.open("rb") as file:
            _verify(file, report, keys, witnesses, need, memory)
    except OSError as fault:
        raise UnavailableError("file_unavailable", f"`{path}` cannot be read: {fault.strerror}") from fault
    except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError, EOFError, ArithmeticError) as fault:
        report.add(Attack.BROKEN, None, f"this is no pack, or it was changed: {str(fault)[:120]}", "the file")
    except FaultyInputError as fault:
        report.add(Attack.BROKEN, None, fault.message, "the file")
    except VerificationError as fault:
        report.add(Attack.UNSIGNED, None, fault.message, "the signatures")
    except Exception as fault:  # noqa: BLE001 - whatever a decompressor says of changed bytes
        report.add(Attack.BROKEN, None, f"the pack cannot be read: {type(fault).__name__}", "the file")
    return report


def _verify(
    file: IO[bytes],
    report: PackReport,
    keys: Sequence[Vkey],
    witnesses: Sequence[Vkey],
    need: int,
    memory: Memory | None,
) -> None:
    # 1. every byte is signed
    note, digest = _whole(file)
    with zipfile.ZipFile(file) as archive:
        _check_members(archive)
        checkpoint = _small(archive, "checkpoint")
        trusted = _trusted(archive, keys, memory, report)
        _check_signed(note, digest, trusted, origin_of(checkpoint))
        # 2. the checkpoint
        head = read_checkpoint(checkpoint, trusted, witnesses)
        report.origin, report.size, report.signed_by = head.origin, head.size, list(head.signers)
        report.cosigned_by = sorted({name for name, _ in head.cosigners})
        if len(report.cosigned_by) < need:
            text = f"{len(report.cosigned_by)} of {need} witnesses have cosigned the checkpoint"
            report.add(Attack.UNWITNESSED, None, text, "the cosignatures")
        # 3. the records
        _Records(head, _object(_small(archive, "manifest.json")), report).check(archive)
        # 4. the log only grew
        _check_earlier(archive, head, trusted, report)
    _check_memory(head, memory, report)


def _whole(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Return the comment, and the digest of all that stands before it."""
    end = file.seek(0, 2)
    file.seek(max(0, end - _EOCD_BYTES - _COMMENT_LIMIT))
    tail = file.read()
    at = tail.rfind(_EOCD)
    while at >= 0 and len(tail) - at - _EOCD_BYTES != int.from_bytes(tail[at + 20 : at + 22], "little"):
        at = tail.rfind(_EOCD, 0, at)
    if at < 0:
        raise FaultyInputError("pack_malformed", "this is no zip file with a signature at its end")
    note = tail[at + _EOCD_BYTES :]
    hashed, left = hashlib.sha256(), end - len(note)
    file.seek(0)
    while left:
        piece = file.read(min(_PIECE, left))
        hashed.update(piece)
        left -= len(piece)
        if not piece:
            raise FaultyInputError("pack_malformed", "the file became shorter while it was read")
    return note, hashed.digest()


def _check_members(archive: zipfile.ZipFile) -> None:
    names = [one.filename for one in archive.infolist()]
    if len(set(names)) != len(names) or not _NEEDED <= set(names) <= _MEMBERS:
        raise FaultyInputError("pack_malformed", "the pack holds other files than a pack does")
    if sum(one.file_size for one in archive.infolist()) > _TOTAL_LIMIT:
        raise FaultyInputError("pack_malformed", "the pack is larger than any pack")


def _trusted(
    archive: zipfile.ZipFile, keys: Sequence[Vkey], memory: Memory | None, report: PackReport
) -> Sequence[Vkey]:
    if keys:
        return keys
    if memory is not None:
        return [read_vkey(text) for text in memory.keys]
    report.first_use = True
    report.notes.append("no key was given and none is remembered: the key in the pack itself was trusted as it is")
    return [read_vkey(text) for text in _small(archive, "vkeys").decode("ascii", "replace").split()]


def _check_signed(note: bytes, digest: bytes, trusted: Sequence[Vkey], origin: str) -> None:
    text, _ = read_signed(note, [key for key in trusted if key.name == origin])
    if text != f"{HEADER}\n{base64.b64encode(digest).decode()}\n":
        raise VerificationError("pack_altered", "the pack is not what was signed")


def _check_earlier(archive: zipfile.ZipFile, head: Head, trusted: Sequence[Vkey], report: PackReport) -> None:
    if "earlier.checkpoint" not in archive.namelist():
        return
    before = read_checkpoint(_small(archive, "earlier.checkpoint"), trusted)
    told = _object(_small(archive, "consistency.json"))
    path = [unbase64(step) for step in _texts(told.get("path"))]
    report.earlier_size = before.size
    if not extends(before.size, head.size, before.root, head.root, path):
        text = f"the log of {head.size} entries does not continue the {before.size} of the pack before"
        report.add(Attack.REWRITE, None, text, "the consistency proof")


def _check_memory(head: Head, memory: Memory | None, report: PackReport) -> None:
    if memory is None or memory.origin != head.origin or memory.leaves is None or head.size > memory.size:
        return
    report.remembered_size = memory.size
    if prefix_roots(memory.leaves, [head.size]).get(head.size) != head.root:
        text = f"the log that we remember had other {head.size} first entries"
        report.add(Attack.SPLIT_VIEW, None, text, "what was remembered")


class _Records:
    """Checks the records one by one."""

    def __init__(self, head: Head, manifest: dict[str, Any], report: PackReport) -> None:
        self._head = head
        self._manifest = manifest
        self._report = report
        wanted = manifest.get("wanted")
        self._wanted: dict[str, Any] = wanted if isinstance(wanted, dict) else {}
        self._last = -1
        self._tenant = ""

    def check(self, archive: zipfile.ZipFile) -> None:
        report, told = self._report, self._manifest
        report.tenant = str(told.get("tenant", ""))[:80]
        if (told.get("origin"), told.get("size")) != (self._head.origin, self._head.size):
            report.add(Attack.BROKEN, None, "the manifest is of another log than the checkpoint", "manifest.json")
        for number, line in enumerate(_lines(archive)):
            self._one(number, _object(line))
        if report.records != told.get("records"):
            text = f"the manifest counts {told.get('records')} records, here are {report.records}"
            report.add(Attack.DELETE, None, text, "manifest.json")

    def _one(self, number: int, told: dict[str, Any]) -> None:
        report, index, text = self._report, told.get("index"), told.get("entry")
        report.records += 1
        if not isinstance(index, int) or not isinstance(text, str):
            report.add(Attack.BROKEN, None, f"line {number + 1} is no record", "records.jsonl")
            return
        data, path = text.encode(), [unbase64(step) for step in _texts(told.get("path"))]
        if not includes(index, self._head.size, hash_leaf(data), path, self._head.root):
            report.add(Attack.MODIFY, index, f"entry {index} is not in the log", "its inclusion proof")
            return
        if index <= self._last:
            report.add(Attack.REORDER, index, f"entry {index} comes twice or out of order", "records.jsonl")
        self._last = index
        self._entry(index, read_entry(data), told)

    def _entry(self, index: int, entry: Entry, told: dict[str, Any]) -> None:
        report, wanted = self._report, self._wanted
        self._tenant = self._tenant or entry.tenant
        end_ns = wanted.get("to_ns") or 1 << 63
        if entry.tenant != self._tenant or not wanted.get("from_ns", 0) <= entry.ts < end_ns:
            report.add(Attack.BROKEN, index, f"entry {index} is not what the pack is to hold", "manifest.json")
        if wanted.get("kind") and entry.kind != wanted["kind"]:
            report.add(Attack.BROKEN, index, f"entry {index} is of another kind", "manifest.json")
        opening = told.get("opening")
        if not isinstance(opening, str):
            report.without += 1
            return
        opened = unbase64(opening)
        if not commits_to(entry, opened) or _read(opened[_SALT:]) != told.get("record"):
            text = f"the payload of entry {index} is not the one that was recorded"
            report.add(Attack.MODIFY, index, text, "the payload's commitment")
            return
        report.opened += 1


def _lines(archive: zipfile.ZipFile) -> Iterator[bytes]:
    with archive.open("records.jsonl") as file:
        while line := file.readline(_LINE_LIMIT):
            if not line.endswith(b"\n"):
                raise FaultyInputError("pack_malformed", "a record in the pack is longer than any record")
            yield line


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(_SMALL_LIMIT + 1)
    if len(data) > _SMALL_LIMIT:
        raise FaultyInputError("pack_malformed", f"`{name}` in the pack is larger than it may be")
    return data


def _object(data: bytes) -> dict[str, Any]:
    told = _read(data)
    if told is None:
        raise FaultyInputError("pack_malformed", "a file in the pack is no JSON object")
    return told


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        told: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _texts(told: object) -> list[str]:
    found = [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
    if len(found) > _STEPS or (isinstance(told, list) and len(found) != len(told)):
        raise FaultyInputError("pack_malformed", "a proof in the pack is no proof")
    return found
