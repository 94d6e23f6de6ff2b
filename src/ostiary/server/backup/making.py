"""Makes a backup while the server runs: recorded first, copied under one read transaction, signed, then renamed.

1. The deed is in the log before a byte is copied: a copy of everything is never taken unnoticed, and the record of a
   backup is in that backup.
2. Until the last byte is on disk it is called ``….partial``: what has its name is whole.
3. Keys are in it only when asked for, under a passphrase; otherwise the backup says that they are not.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ostiary import __version__
from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.verifier.signed import read_checkpoint, read_vkey
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.keys import sha256_hex
from ostiary.keys.files import sync_folder
from ostiary.keys.passphrase import MIN_CHARACTERS, seal_with_passphrase
from ostiary.server.backup.contents import (
    DATABASE,
    FILES,
    SEALED,
    copy_in,
    left_out,
    listed,
    make_folder,
    pack_private,
    plain_files,
    write_archive,
)
from ostiary.server.backup.manifest import NAME, BackedUp, LogState, Manifest, sign_manifest
from ostiary.server.backup.secrets import secret_files
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.wiring import House
from ostiary.storage.sqlite import copy_database, open_source

Progress = Callable[[str, int, int], None]
ARCHIVE: Final = ".tar"


class Made(msgspec.Struct, frozen=True):
    """A backup that was made: where, its id (SHA-256 of the manifest), how far its log goes, what is in it."""

    place: str
    id: str
    origin: str
    size: int
    files: int
    bytes: int
    keys: str
    left_out: list[str]
    record_id: str


def make_backup(house: House, target: Path, passphrase: str, progress: Progress) -> Made:
    """Back a data directory up into the new folder or ``.tar`` file ``target``.

    Args:
        house: the data directory, open; a server may be running on it.
        target: where the backup goes; nothing may be there.
        passphrase: what keys and configuration are sealed under; empty leaves them out.
        progress: told of the step, and how much of how much is done.

    Raises:
        FaultyInputError: ``passphrase_weak``.
        RefusedError: ``backup_exists``, ``backup_inside``, ``backup_elsewhere``: the store is no file.
        UnavailableError: the log cannot be written, or the disk refuses; then there is no backup.
    """
    if passphrase and len(passphrase) < MIN_CHARACTERS:
        raise FaultyInputError("passphrase_weak", f"a passphrase needs {MIN_CHARACTERS} characters or more")
    if house.settings.store.backend != "sqlite":
        text = "the records lie in PostgreSQL: back them up with pg_dump, and this directory's files beside it"
        raise RefusedError("backup_elsewhere", text)
    folder = target.with_name(f"{target.name}.partial")
    if target.exists() or folder.exists():
        raise RefusedError("backup_exists", f"`{target}` or its `.partial` is there: nothing is overwritten")
    if target.resolve().is_relative_to(house.places.root.resolve()):
        raise RefusedError("backup_inside", "a backup inside the data directory is lost with it")
    deed = record_deed(house, COMMAND_LINE, SYSTEM_TENANT, "backup.create", keys=bool(passphrase))
    try:
        make_folder(folder)
        manifest = _fill(house, folder, passphrase, progress)
        signed = sign_manifest(manifest, house.ring.active(SYSTEM_TENANT, LOG_PURPOSE))
        (folder / NAME).write_bytes(signed)
        _finish(folder, target)
    except OSError as fault:
        raise UnavailableError("backup_failed", f"the backup could not be written: {fault}") from fault
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    state, files = manifest.predicate, manifest.subject
    return Made(
        place=str(target),
        id=sha256_hex(signed),
        origin=state.log.origin,
        size=state.log.size,
        files=len(files),
        bytes=sum(one.size for one in files),
        keys=state.keys,
        left_out=state.left_out,
        record_id=deed,
    )


def _fill(house: House, folder: Path, passphrase: str, progress: Progress) -> Manifest:
    places, secrets = house.places, secret_files(house)
    copy_database(places.database, folder / DATABASE, lambda done, total: progress("pages", done, total))
    log = _state_of(house, folder)
    names = list(plain_files(places, secrets))
    for number, name in enumerate(names):
        copy_in(places.root / name, folder / FILES / name)
        progress("files", number + 1, len(names))
    if passphrase:
        sealed = seal_with_passphrase(pack_private(places, secrets), passphrase, log.origin.encode())
        (folder / SEALED).write_bytes(sealed)
    told = BackedUp(
        made_ns=house.clock.now_ns(),
        version=__version__,
        log=log,
        keys="sealed" if passphrase else "absent",
        left_out=left_out(secrets, keys=bool(passphrase)),
    )
    return Manifest(subject=listed(folder), predicate=told)


def _state_of(house: House, folder: Path) -> LogState:
    """Return where the log stands in the copy, not in the original, which goes on."""
    keys = [key.vkey() for key in house.log.public_keys()]
    with open_source(folder / DATABASE, folder / "no-keys", payloads=False) as source:
        head = read_checkpoint(source.checkpoint(), [read_vkey(text) for text in keys])
    return LogState(origin=head.origin, size=head.size, root=head.root.hex(), checkpoint=head.note.decode(), keys=keys)


def _finish(folder: Path, target: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    if target.suffix != ARCHIVE:
        folder.rename(target)
        sync_folder(target.parent)
        return
    beside = target.with_name(f"{target.name}.writing")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        write_archive(folder, file)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(target)
    sync_folder(target.parent)
