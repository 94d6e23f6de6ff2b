"""``ostiary backup``: make, verify and restore backups of a data directory, and list erasures for a restore.

    ostiary backup create --to /srv/backups/monday.tar
    ostiary backup verify /srv/backups/monday.tar
    ostiary backup restore --from /srv/backups/monday.tar --data NEW --keys KEYS --erasures erasures.json

Exits with 5 when a backup does not verify, or when its log is older than what was seen of it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.audit.verifier import Memory
from ostiary.audit.verifier.memory import default_memory, load_memory
from ostiary.audit.verifier.signed import read_vkey
from ostiary.audit.verifier.verify import remember_checkpoint
from ostiary.cli.output import err, out, print_json
from ostiary.cli.places import Config, Data, Json, open_data
from ostiary.cli.verifying import read_bytes, vkeys_of, witnessed_by
from ostiary.errors import FaultyInputError
from ostiary.server.backup.checking import Checked, Trusted, check_backup, opened
from ostiary.server.places import Places
from ostiary.storage.sqlite import open_source
from ostiary.vocabulary.clock import SystemClock

_FAILED: Final = 5
_PASSPHRASE_LIMIT: Final = 4_096

command = App(name="backup", help="Backups of a data directory: made while it serves, verified, restored as one log.")

PassphraseFile = Annotated[
    Path | None, Parameter(help="File with the passphrase that keys and configuration are sealed under.")
]
Keys = Annotated[
    tuple[str, ...], Parameter(name="--key", negative="", help="The log's verifier key, or a file with some.")
]
Remember = Annotated[Path | None, Parameter(help="Where this log is remembered. Default: your state folder.")]
Checkpoint = Annotated[Path | None, Parameter(help="Compare with a checkpoint that somebody else kept.")]
Witness = Annotated[
    tuple[str, ...], Parameter(negative="", help="Address of a witness whose checkpoints are compared.")
]
WitnessKeys = Annotated[
    tuple[str, ...], Parameter(name="--witness-key", negative="", help="Verifier key of a witness that you trust.")
]


@command.command
def create(
    *,
    to: Annotated[Path, Parameter(help="New folder, or new file whose name ends in `.tar`.")],
    data: Data = None,
    config: Config = None,
    include_keys: Annotated[
        bool, Parameter(negative="", help="Put keys and configuration in, sealed under the passphrase.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Back a data directory up while a server may be running on it; keys are left out unless asked for."""
    from ostiary.server.backup.making import make_backup  # noqa: PLC0415 - half a second that not every verb needs

    if include_keys != (passphrase_file is not None):
        raise FaultyInputError("usage", "`--include-keys` and `--passphrase-file` go together")
    with open_data(data, config) as house:
        made = make_backup(house, to, _passphrase(passphrase_file), _Telling())
    if json:
        print_json(made)
        return
    out.print(f"{made.place}: {made.files:,} files, {made.bytes:,} bytes, log to entry {made.size:,}", markup=False)
    if made.keys == "absent":
        err.print(f"not in it: {', '.join(made.left_out)}; keep the key folder elsewhere", style="yellow", markup=False)


@command.command
def verify(
    backup: Annotated[Path, Parameter(help="Folder or `.tar` file.")],
    *,
    data: Annotated[Path | None, Parameter(help="Data directory of this log, for its keys.")] = None,
    passphrase_file: PassphraseFile = None,
    key: Keys = (),
    remember: Remember = None,
    checkpoint: Checkpoint = None,
    witness: Witness = (),
    witness_key: WitnessKeys = (),
    json: Json = False,
) -> None:
    """Verify every byte of a backup and the log in it; with the passphrase, its keys and payloads too."""
    trusted = _trusted(data, key, remember, checkpoint, witness, witness_key)
    with opened(backup) as folder:
        checked = check_backup(folder, trusted, _passphrase(passphrase_file))
    if json:
        print_json(_told(checked))
    else:
        _show(checked)
    if checked.rollback:
        sys.exit(_FAILED)


@command.command
def restore(
    *,
    from_: Annotated[Path, Parameter(name="--from", help="Folder or `.tar` file.")],
    data: Annotated[Path, Parameter(help="New data directory; it must not be there, or be empty.")],
    passphrase_file: PassphraseFile = None,
    keys: Annotated[Path | None, Parameter(help="Key folder that was kept elsewhere.")] = None,
    replaces: Annotated[
        Path | None,
        Parameter(help="Data directory whose place this takes: read for erasures, never opened again."),
    ] = None,
    erasures: Annotated[Path | None, Parameter(help="List that `backup erasures` wrote after the backup.")] = None,
    no_erasures: Annotated[
        bool, Parameter(negative="", help="Nobody was erased since the backup, or it cannot be known.")
    ] = False,
    accept_rollback: Annotated[
        bool, Parameter(negative="", help="The end of the log is lost: go on under a new name.")
    ] = False,
    key: Keys = (),
    remember: Remember = None,
    checkpoint: Checkpoint = None,
    witness: Witness = (),
    witness_key: WitnessKeys = (),
    json: Json = False,
) -> None:
    """Restore a backup into a new data directory; refused when its log is older than what was seen of it."""
    from ostiary.server.backup.restoring import (  # noqa: PLC0415 - half a second that not every verb needs
        Wanted,
    )
    from ostiary.server.backup.restoring import restore as restore_backup  # noqa: PLC0415

    trusted = _trusted(replaces, key, remember, checkpoint, witness, witness_key)
    with opened(from_) as folder:
        wanted = Wanted(
            folder,
            data,
            passphrase=_passphrase(passphrase_file),
            keys=keys,
            replaces=replaces,
            erasures=read_bytes(erasures) if erasures is not None else b"",
            no_erasures=no_erasures,
            accept_rollback=accept_rollback,
        )
        restored = restore_backup(wanted, trusted, SystemClock())
    if json:
        print_json(restored)
        return
    out.print(f"{restored.place}: log `{restored.origin}`, {restored.size:,} entries", markup=False)
    if restored.rollback:
        out.print(f"rollback: {restored.rollback}", style="red", markup=False)
    for note in restored.notes:
        err.print(note, style="yellow", markup=False)


@command.command
def erasures(
    *,
    to: Annotated[Path, Parameter(help="Where to write the list; an older one is replaced.")],
    data: Data = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Write the signed list of all erasures so far, which names nobody; keep a fresh one beside the backups."""
    from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT  # noqa: PLC0415 - as below
    from ostiary.keys.files import write_private  # noqa: PLC0415 - as below
    from ostiary.server.backup.erasures import erasures_in, sign_erasures  # noqa: PLC0415 - half a second

    with open_data(data, config) as house:
        told = erasures_in(house.places, house.settings.store)
        write_private(to, sign_erasures(told, house.ring.active(SYSTEM_TENANT, LOG_PURPOSE)))
    if json:
        print_json({"place": str(to), "origin": told.origin, "size": told.size, "erasures": len(told.erasures)})
    else:
        out.print(f"{len(told.erasures):,} erasures of {told.size:,} entries written to {to}", markup=False)


def _trusted(
    data: Path | None,
    key: Sequence[str],
    remember: Path | None,
    checkpoint: Path | None,
    witness: Sequence[str],
    witness_key: Sequence[str],
) -> Trusted:
    keys = vkeys_of(key)
    if not keys and data is not None:
        places = Places(data)
        with open_source(places.database, places.keys, payloads=False) as source:
            keys = [read_vkey(text) for text in source.published_keys()]
    if checkpoint is not None and not keys:
        raise FaultyInputError("key_missing", "a checkpoint from elsewhere needs the log's key: pass `--key`")

    def remembered(origin: str) -> Memory | None:
        if checkpoint is not None:
            return remember_checkpoint(read_bytes(checkpoint), keys)
        return load_memory(remember or default_memory(origin))

    def witnessed(origin: str) -> list[bytes]:
        return witnessed_by(witness, origin) if witness else []

    return Trusted(keys=keys, remembered=remembered, witnessed=witnessed, witnesses=vkeys_of(witness_key))


def _passphrase(file: Path | None) -> str:
    if file is None:
        return ""
    text = read_bytes(file)[:_PASSPHRASE_LIMIT].decode(errors="replace").strip("\r\n")
    if not text:
        raise FaultyInputError("passphrase_weak", f"`{file}` holds no passphrase")
    return text


class _Telling:
    """Says each step once, on stderr."""

    def __init__(self) -> None:
        self._step = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._step = step
            err.print(f"copying {step} ({done:,} of {total:,})", markup=False, style="dim")


def _told(checked: Checked) -> dict[str, object]:
    told = checked.manifest.predicate
    return {
        "verified": not checked.rollback,
        "id": checked.id,
        "made_ns": told.made_ns,
        "version": told.version,
        "schema": checked.schema,
        "origin": told.log.origin,
        "size": told.log.size,
        "files": len(checked.manifest.subject),
        "keys": told.keys,
        "left_out": told.left_out,
        "payloads": msgspec.to_builtins(checked.log.payloads),
        "remembered_size": checked.log.remembered_size,
        "rollback": checked.rollback,
        "notes": checked.notes,
    }


def _show(checked: Checked) -> None:
    told = checked.manifest.predicate
    for note in checked.notes:
        err.print(note, markup=False, style="dim")
    out.print(
        f"log {told.log.origin}, {told.log.size:,} entries, {len(checked.manifest.subject):,} files", markup=False
    )
    if checked.rollback:
        out.print(f"rollback: {checked.rollback}", style="red", markup=False)
    else:
        out.print("verified", style="green")
