"""Verifies a backup.

All of this must be true:

1. The manifest has its one spelling and is signed by a key of the log.
2. Every file it lists is there with its size and digest, and nothing else is. An archive is byte for byte what its
   files give when they are packed again.
3. The database is whole and of a schema that this Ostiary knows.
4. The log in it verifies, ends where the manifest says, and is a continuation of what is remembered or witnessed of it.
5. With the passphrase: keys open, and every payload is what its entry committed to.

A log that is sound but shorter than what was seen of it is a ``rollback``: the backup is good, and entries are missing.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec

from ostiary.artifacts.object_digest import hasher
from ostiary.audit.verifier import Memory, Report, Verifier
from ostiary.audit.verifier.report import Attack
from ostiary.audit.verifier.signed import Vkey, read_vkey
from ostiary.errors import UnavailableError, VerificationError
from ostiary.keys import sha256_hex
from ostiary.keys.passphrase import open_with_passphrase
from ostiary.server.backup.contents import DATABASE, SEALED, SEALED_LIMIT, digest_of, listed, unpack, write_archive
from ostiary.server.backup.manifest import NAME, SIZE_LIMIT, Manifest, claimed, read_manifest
from ostiary.storage.sqlite import check_database, open_source

ROLLBACK: Final = frozenset({Attack.RESTORE, Attack.TRUNCATE})
_LARGEST: Final = 1 << 50
Remembered = Callable[[str], Memory | None]


class Trusted(msgspec.Struct, frozen=True):
    """Against what a backup is held.

    Attributes:
        keys: the log's keys as the caller has them; without any, remembered ones, else those in the backup itself.
        remembered: gives what is remembered of a log by its name.
        witnessed: checkpoints of it that witnesses or other clients keep.
        witnesses: keys of witnesses.
    """

    keys: Sequence[Vkey] = ()
    remembered: Remembered = lambda _origin: None
    witnessed: Callable[[str], Sequence[bytes]] = lambda _origin: ()
    witnesses: Sequence[Vkey] = ()


class Checked(msgspec.Struct, frozen=True):
    """A backup that verified: its id, its manifest, what the log's verifier said, and what to know about it.

    ``seen_longer`` says, in words, who else saw the log longer than it is here.
    """

    id: str
    manifest: Manifest
    log: Report
    schema: int
    payloads: bool
    notes: list[str]
    seen_longer: str = ""

    @property
    def rollback(self) -> str:
        """What was seen of this log that the backup does not hold, in words; empty when nothing was."""
        told = [one.text for one in self.log.findings if one.attack in ROLLBACK]
        return "; ".join([*told, self.seen_longer] if self.seen_longer else told)


@contextmanager
def opened(place: Path) -> Iterator[Path]:
    """Give a backup's folder; an archive is unpacked into a temporary one beside it.

    Raises:
        UnavailableError: ``backup_missing``.
        VerificationError: ``backup_malformed``: bytes of the archive belong to no file.
        FaultyInputError: ``backup_malformed``.
    """
    if place.is_dir():
        yield place
        return
    if not place.is_file():
        raise UnavailableError("backup_missing", f"there is no backup at `{place}`")
    folder = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        with place.open("rb") as file:
            _, given = digest_of(file)
            file.seek(0)
            unpack(file, folder, limit=_LARGEST)
        if _packed_again(folder) != given:
            raise VerificationError("backup_malformed", "bytes of the archive were altered that belong to no file")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_backup(folder: Path, trusted: Trusted, passphrase: str = "") -> Checked:
    """Verify the backup in ``folder``; with ``passphrase`` its keys and payloads too.

    Raises:
        VerificationError: ``backup_malformed``, ``backup_untrusted``, ``backup_altered``, ``database_damaged``,
            ``log_refused``, ``passphrase_refused``.
        UnavailableError: ``backup_missing``, ``schema_refused``.
    """
    # 1. the manifest
    data = _manifest_bytes(folder)
    notes: list[str] = []
    origin = claimed(data).predicate.log.origin
    memory = trusted.remembered(origin)
    manifest = read_manifest(data, _keys(trusted, memory, data, notes))
    # 2. the files
    _same_files(manifest, folder)
    # 3. the database
    schema = check_database(folder / DATABASE)
    # 4. and 5. the log
    with _keys_of(folder, manifest, passphrase) as keys:
        log = _verified(folder, keys, manifest, memory, trusted)
    if manifest.predicate.keys == "absent":
        notes.append("keys and configuration are not in it: without the key folder no payload of it can be read")
    elif not passphrase:
        notes.append("keys are sealed and were not opened: payloads were not compared")
    if memory is None and not trusted.keys:
        notes.append("nothing was remembered of this log: that it is not older than it should be cannot be told")
    return Checked(sha256_hex(data), manifest, log, schema, payloads=log.payloads.looked, notes=notes)


def open_private(folder: Path, manifest: Manifest, passphrase: str, target: Path) -> None:
    """Write the sealed keys and configuration of a backup below ``target``.

    Raises:
        VerificationError: ``passphrase_refused``.
    """
    sealed = (folder / SEALED).read_bytes()
    plain = open_with_passphrase(sealed, passphrase, manifest.predicate.log.origin.encode())
    unpack(BytesIO(plain), target, limit=SEALED_LIMIT)


def _manifest_bytes(folder: Path) -> bytes:
    try:
        with (folder / NAME).open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as fault:
        raise UnavailableError("backup_missing", f"`{folder}` holds no backup: {fault.strerror}") from fault
    if len(data) > SIZE_LIMIT:
        raise VerificationError("backup_malformed", "the manifest is larger than any that we write")
    return data


def _keys(trusted: Trusted, memory: Memory | None, data: bytes, notes: list[str]) -> list[Vkey]:
    if trusted.keys:
        return list(trusted.keys)
    if memory is not None:
        return [read_vkey(text) for text in memory.keys]
    notes.append("first visit: the key in the backup was trusted as it is; pass the log's key with `--key`")
    return [read_vkey(text) for text in claimed(data).predicate.log.keys]


def _same_files(manifest: Manifest, folder: Path) -> None:
    wanted, found = {one.name: one for one in manifest.subject}, {one.name: one for one in listed(folder)}
    if missing := sorted(wanted.keys() - found.keys()):
        raise VerificationError("backup_altered", f"`{missing[0][:200]}` is missing from the backup")
    if more := sorted(found.keys() - wanted.keys()):
        raise VerificationError("backup_altered", f"`{more[0][:200]}` was added to the backup")
    for name, one in wanted.items():
        if found[name] != one:
            raise VerificationError("backup_altered", f"`{name[:200]}` was altered")


@contextmanager
def _keys_of(folder: Path, manifest: Manifest, passphrase: str) -> Iterator[Path | None]:
    """Give the backup's opened key folder, ``None`` when there is none to be opened."""
    if not passphrase or manifest.predicate.keys == "absent":
        yield None
        return
    private = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        open_private(folder, manifest, passphrase, private)
        yield private / "keys"
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _verified(folder: Path, keys: Path | None, manifest: Manifest, memory: Memory | None, trusted: Trusted) -> Report:
    told = manifest.predicate.log
    pinned = list(trusted.keys) or [read_vkey(text) for text in told.keys]
    with open_source(folder / DATABASE, keys or folder / "no-keys", payloads=keys is not None) as source:
        verifier = Verifier(
            source,
            memory,
            keys=pinned,
            witnesses=trusted.witnesses,
            witnessed=[told.checkpoint.encode(), *trusted.witnessed(told.origin)],
            payloads=keys is not None,
        )
        verifier.run()
    report = verifier.report
    if (report.origin, report.size) != (told.origin, told.size):
        raise VerificationError("log_refused", "the log in the backup does not end where the manifest says")
    worse = [one for one in report.findings if one.attack not in ROLLBACK]
    if worse:
        raise VerificationError("log_refused", f"the log in the backup does not verify: {worse[0].text}")
    return report


class _Hashing:
    """A file that is only hashed."""

    def __init__(self) -> None:
        self.digest = hasher("sha256")

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def _packed_again(folder: Path) -> str:
    sink = _Hashing()
    write_archive(folder, sink)
    return sink.digest.hexdigest()
