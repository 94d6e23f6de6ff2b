"""Restores a backup into a new data directory, as one log.

1. Nothing is overwritten. Until all is done the directory is called ``….restoring``: what has its name is whole.
2. The backup verifies, the keys are those of its log, and every payload opens; or nothing is restored.
3. A log that others have seen longer, a list of erasures among them, is a rollback. It is refused, unless that is
   accepted by name; then it goes on under a new name, for under the old one it would fork.
4. Erasures that came after the backup are done again. Where nobody can tell what they were, that must be said.
5. The directory that is replaced is marked and can never be opened again: two living copies would fork the log. One
   out of our reach is noticed by witnesses and by everybody who remembers (docs/how-to/back-up-and-restore.md).
6. What was ended in the directory that is replaced stays ended (``backup.ends``); what else was revoked is said.
7. The restored log tells that it was restored, from what, and what was lost.
"""

import shutil
from pathlib import Path
from typing import Any

import msgspec

from ostiary.audit.renaming import rename_log
from ostiary.audit.settings import SYSTEM_TENANT
from ostiary.audit.verifier import Verifier
from ostiary.audit.verifier.signed import read_vkey
from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys import open_keys
from ostiary.keys.files import sync_folder, write_private
from ostiary.server.backup.checking import ROLLBACK, Checked, Trusted, check_backup, open_private
from ostiary.server.backup.contents import DATABASE, FILES, copy_in, make_folder
from ostiary.server.backup.ends import end_again
from ostiary.server.backup.erasures import DoneAgain, ErasureList, erase_again, erasures_in, read_erasures
from ostiary.server.backup.manifest import LogState
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.storage.sqlite import open_source, open_store
from ostiary.vocabulary.clock import Clock


class Wanted(msgspec.Struct, frozen=True):
    """What is restored, and how.

    Attributes:
        folder: the backup, unpacked.
        target: the new data directory.
        passphrase: opens the keys in the backup; else ``keys`` or ``replaces`` says where keys lie.
        keys: a copy of the key folder that was kept elsewhere.
        replaces: the data directory whose place the new one takes, if it is still there.
        erasures: a signed list of erasures; ``replaces`` is read for them as well.
        no_erasures: somebody says that nobody was erased since, or that it cannot be known.
        accept_rollback: somebody says that the end of the log is lost.
    """

    folder: Path
    target: Path
    passphrase: str = ""
    keys: Path | None = None
    replaces: Path | None = None
    erasures: bytes = b""
    no_erasures: bool = False
    accept_rollback: bool = False


class Restored(msgspec.Struct, frozen=True):
    """What was restored: where, from which backup, the log's name, entries as backed up, and what was done to it."""

    place: str
    backup: str
    origin: str
    size: int
    rollback: str
    erased_again: DoneAgain
    record_id: str
    notes: list[str]


def restore(wanted: Wanted, trusted: Trusted, clock: Clock) -> Restored:
    """Restore a backup; see the rules at the top.

    Raises:
        VerificationError: ``rollback``, ``keys_foreign``, and whatever ``check_backup`` raises.
        RefusedError: ``restore_exists``, ``erasures_unknown``, ``erasures_foreign``, ``erasures_stale``,
            ``keys_missing``.
        UnavailableError: the disk refuses.
    """
    if wanted.target.exists() and (not wanted.target.is_dir() or any(wanted.target.iterdir())):
        raise RefusedError("restore_exists", f"`{wanted.target}` is there: a restore never overwrites")
    if not (wanted.no_erasures or wanted.erasures or wanted.replaces):
        text = "who was erased after this backup would be back: say `--erasures`, `--replaces` or `--no-erasures`"
        raise RefusedError("erasures_unknown", text)
    trusted = _with_old(trusted, wanted.replaces)
    checked = check_backup(wanted.folder, trusted)
    erasures = _erasures(wanted, checked)
    checked = _with_lists(checked, erasures)
    if checked.rollback and not wanted.accept_rollback:
        raise VerificationError("rollback", f"{checked.rollback}: `--accept-rollback` goes on under a new name")
    building = wanted.target.with_name(f"{wanted.target.name}.restoring")
    if building.exists():
        raise RefusedError("restore_exists", f"`{building}` is left of a restore that did not end: remove it")
    try:
        places = _lay_out(wanted, checked, building)
        _check_log(places, checked, trusted)
        restored = _open_and_tell(wanted, checked, places, erasures, clock)
        if wanted.target.exists():
            wanted.target.rmdir()  # it is empty
        if wanted.replaces is not None:  # before the new one lives
            write_private(Places(wanted.replaces).retired, f"{wanted.target.resolve()}\n".encode())
        building.rename(wanted.target)
        sync_folder(wanted.target.parent)
    except OSError as fault:
        raise UnavailableError("restore_failed", f"the backup could not be restored: {fault}") from fault
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return restored


def _with_old(trusted: Trusted, replaces: Path | None) -> Trusted:
    """Let what the old directory last signed count as seen: it is the best witness of its own end."""
    if replaces is None:
        return trusted
    places = Places(replaces)
    with open_source(places.database, places.keys, payloads=False) as source:
        note = source.checkpoint()
    return msgspec.structs.replace(trusted, witnessed=lambda origin: [*trusted.witnessed(origin), note])


def _erasures(wanted: Wanted, checked: Checked) -> list[ErasureList]:
    keys = [read_vkey(text) for text in checked.manifest.predicate.log.keys]
    found = [read_erasures(wanted.erasures, keys)] if wanted.erasures else []
    for one in found:
        if one.origin != checked.log.origin:
            text = f"the erasures are of the log `{one.origin}`, the backup is of `{checked.log.origin}`"
            raise RefusedError("erasures_foreign", text)
        if one.size < checked.log.size:
            text = f"the list was written at entry {one.size}, the backup at {checked.log.size}: it tells nothing since"
            raise RefusedError("erasures_stale", text)
    if wanted.replaces is not None:
        old = Places(wanted.replaces)
        found.append(erasures_in(old, load(old.settings).settings.store))
    return found


def _with_lists(checked: Checked, erasures: list[ErasureList]) -> Checked:
    """Let what a list of erasures was signed at count as seen: the log was at least that long."""
    longest = max((one.size for one in erasures if one.origin == checked.log.origin), default=0)
    if longest <= checked.log.size:
        return checked
    text = f"a list of erasures was signed when the log had {longest} entries, and the backup has {checked.log.size}"
    return msgspec.structs.replace(checked, seen_longer=text)


def _lay_out(wanted: Wanted, checked: Checked, building: Path) -> Places:
    make_folder(building)
    places = Places(building)
    for one in checked.manifest.subject:
        if one.name == DATABASE:
            told = copy_in(wanted.folder / one.name, places.database)
        elif one.name.startswith(f"{FILES}/"):
            told = copy_in(wanted.folder / one.name, building / one.name.removeprefix(f"{FILES}/"))
        else:
            continue
        if told != (one.size, one.digest["sha256"]):
            raise VerificationError("backup_altered", f"`{one.name[:200]}` was altered while it was restored")
    _lay_out_keys(wanted, checked, places)
    return places


def _lay_out_keys(wanted: Wanted, checked: Checked, places: Places) -> None:
    living = wanted.keys or (Places(wanted.replaces).keys if wanted.replaces is not None else None)
    if wanted.passphrase and checked.manifest.predicate.keys == "sealed":
        open_private(wanted.folder, checked.manifest, wanted.passphrase, places.root)
        if living is None:
            return
        shutil.rmtree(places.keys)  # a living folder knows what was shredded since
    if living is None or not living.is_dir():
        text = "the keys are not in this backup, or no passphrase was given: say `--keys` or `--replaces`"
        raise RefusedError("keys_missing", text)
    for path in sorted(living.rglob("*")):
        copy_in(path, places.keys / path.relative_to(living)) if path.is_file() else None


def _check_log(places: Places, checked: Checked, trusted: Trusted) -> None:
    """Verify the log where it lies now, with the keys that lie beside it, payloads included."""
    with open_source(places.database, places.keys) as source:
        keys = [read_vkey(text) for text in source.published_keys()]
        verifier = Verifier(
            source,
            trusted.remembered(checked.log.origin),
            keys=keys,
            witnesses=trusted.witnesses,
            witnessed=[checked.manifest.predicate.log.checkpoint.encode()],
        )
        verifier.run()
    worse = [one for one in verifier.report.findings if one.attack not in ROLLBACK]
    if not keys or worse or not verifier.report.payloads.looked:
        text = worse[0].text if worse else "they hold no key of this log"
        raise VerificationError("keys_foreign", f"the keys are not those of the log in the backup: {text}")


def _open_and_tell(
    wanted: Wanted, checked: Checked, places: Places, erasures: list[ErasureList], clock: Clock
) -> Restored:
    notes = list(checked.notes)
    if checked.rollback:
        with open_store(places.database, clock) as store:
            ring, _ = open_keys(places.keys, store, clock)
            notes.append(f"the log goes on as `{rename_log(store, ring)}`: give that name and its keys to witnesses")
    ended, lost = end_again(places, wanted.replaces, clock)
    notes.extend(lost)
    options: dict[str, Any] = {"audit": {"origin": ""}}
    faults: list[str] = []
    settings = load(places.settings if places.settings.exists() else None, options=options).settings
    with open_house(places, settings, clock, lambda reason, _fault: faults.append(reason)) as house:
        again = _again(house, erasures, checked.manifest.predicate.log)
        head = house.log.head()
        told = {
            "backup": checked.id,
            "size": checked.log.size,
            "was": checked.log.origin,
            "rollback": checked.rollback,
            "erased_again": msgspec.to_builtins(again),
            "ended_again": ended,
            "erasures_known": bool(erasures),
        }
        record_id = record_deed(house, COMMAND_LINE, SYSTEM_TENANT, "backup.restore", **told)
    notes.extend(f"opening it told `{reason}`" for reason in dict.fromkeys(faults))
    if again.nameless:
        notes.append(f"{again.nameless} erased persons are gone from the log; no payload told in which rooms else")
    return Restored(
        place=str(wanted.target),
        backup=checked.id,
        origin=head.origin,
        size=checked.log.size,
        rollback=checked.rollback,
        erased_again=again,
        record_id=record_id,
        notes=notes,
    )


def _again(house: House, lists: list[ErasureList], backed_up: LogState) -> DoneAgain:
    done = [erase_again(house, one, backed_up) for one in lists]
    total = {name: sum(getattr(one, name) for one in done) for name in DoneAgain.__struct_fields__}
    return DoneAgain(**total)
