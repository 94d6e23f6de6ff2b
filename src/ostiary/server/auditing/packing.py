"""Makes a pack for auditors: one zip that proves itself offline, signed as a whole with the log's key.

    README.md            how to verify it, and what that proves
    manifest.json        what was asked for, by whom, of which log; how many records
    records.jsonl        the records, each with its proof (``gathering``)
    checkpoint, vkeys    the log's signed word, and its verifier keys
    earlier.checkpoint, consistency.json     that the log only grew since the pack before
    report.json, report.pdf                  what the period came to

1. The signature stands in the zip's comment and covers every byte before it: there is no byte that may be changed.
2. It is a signed note (C2SP) of two lines, by the log's key, and cannot be read as a checkpoint.
3. That it was made is on record, with the digest of what was signed, before anybody can take it away.
4. A pack lies in the data directory, open to nobody else; only so many are kept.
"""

import base64
import hashlib
import os
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final, cast

import msgspec

from ostiary.audit import SYSTEM_TENANT
from ostiary.audit.settings import LOG_PURPOSE
from ostiary.audit.tlog.checkpoints import Checkpoint, parse_body
from ostiary.audit.tlog.notes import parse_note, sign_text, write_note
from ostiary.audit.tlog.tiles import consistency_proof
from ostiary.audit.verifier import Report
from ostiary.errors import RefusedError, UnavailableError
from ostiary.keys import SigningKey
from ostiary.keys.files import private_folder
from ostiary.server.auditing.gathering import Gathered, Gathering
from ostiary.server.auditing.jobs import Job, PackMade, PackWanted
from ostiary.server.auditing.paper import paper
from ostiary.server.auditing.tally import Figures
from ostiary.server.auditing.verifying import FOLDER, Progress
from ostiary.server.deeds import record_deed
from ostiary.server.places import Places
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import check_tenant

HEADER: Final = "ostiary-audit-pack/v1"
MOST_PACKS: Final = 5
_STAMP: Final = (1980, 1, 1, 0, 0, 0)
README: Final = """# Audit pack of Ostiary

Tenant `{tenant}`, log `{origin}`, {records:,} records, made {made} by `{by}`.

Verify it without us and without a network:

    ostiary audit verify PACK.zip --key 'VKEY'

`VKEY` is the log's verifier key. Take it from where you trust it (`ostiary audit checkpoint` on the server, a witness,
an earlier pack), not from `vkeys` in this file: that file is here only so that you can compare.

What a good answer proves:

- no byte of this file was changed since the log's key signed it;
- every record is in the log that the checkpoint signs, at the place it says, and says what was recorded then;
- if there is an `earlier.checkpoint`: the log only grew since the pack before;
- with `--witness-key`: the witnesses named saw this state of the log.

What it does not prove: that these are all records. `ostiary audit verify` of the whole log (its tiles are public)
shows that none was taken out, and the entries' kinds and times can be counted there without opening them.

`records.jsonl` has one record a line; `record` is what was recorded, `entry` and `path` are its proof.
{withheld}{paper}"""


def pack_file(places: Places, tenant: str, job: str) -> Path:
    """Return where a pack lies."""
    return places.root / FOLDER / "packs" / check_tenant(tenant) / f"{job}.zip"


def remove_pack(places: Places, job: Job) -> None:
    """Take a pack away."""
    pack_file(places, job.tenant, job.id).unlink(missing_ok=True)


def make_pack(house: House, job: Job, report: Report, earlier: Job | None, progress: Progress) -> PackMade:
    """Make the pack that a job asks for.

    Args:
        house: whose log.
        job: what is wanted, by whom.
        report: of the verification that was just made.
        earlier: the pack before, for the proof that the log only grew.
        progress: told how far it is.

    Raises:
        FaultyInputError: ``audit_pack_too_large``.
        UnavailableError: the disk or the log is away.
    """
    place = pack_file(house.places, job.tenant, job.id)
    private_folder(place.parent)
    try:
        with NamedTemporaryFile(dir=place.parent, suffix=".new") as file:
            made = _written(house, job, report, earlier, progress, cast("IO[bytes]", file))
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, place)
    except OSError as fault:
        raise UnavailableError("audit_pack_failed", f"the pack cannot be written: {fault.strerror}") from fault
    _keep_few(place.parent)
    return made


def _written(
    house: House, job: Job, report: Report, earlier: Job | None, progress: Progress, file: IO[bytes]
) -> PackMade:
    wanted = job.wanted or PackWanted()
    note, head = _head(house)
    gathering = Gathering(house, job.tenant, wanted, head.size, job.withhold)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        with archive.open(_member("records.jsonl"), "w", force_zip64=True) as lines:
            done = gathering.write(lines, progress)
        progress("deciding a sample again", done.records, done.records)
        figures = gathering.tally.figures(house, job.tenant)
        told = _manifest(job, wanted, head, done, house.clock.now_ns())
        pdf = _paper(told, figures, report)
        _put(archive, "manifest.json", msgspec.json.format(msgspec.json.encode(told)))
        _put(archive, "report.json", msgspec.json.encode({"figures": figures, "verification": report}))
        _put(archive, "checkpoint", note)
        _put(archive, "vkeys", "".join(f"{key.vkey()}\n" for key in house.log.public_keys()).encode())
        _put_earlier(house, archive, earlier, head.size)
        _put(archive, "README.md", _readme(told, paper_in=bool(pdf)).encode())
        if pdf:
            _put(archive, "report.pdf", pdf)
        progress("signing", done.records, done.records)
    digest = _sign(house, head.origin, file)
    told_of = {"pack": job.id, "records": done.records, "digest": f"sha256:{digest.hex()}"}
    record_deed(house, job.by, job.tenant, "audit.pack.made", **told_of)
    return PackMade(
        records=done.records,
        withheld=done.withheld,
        bytes=file.seek(0, os.SEEK_END),
        digest=f"sha256:{digest.hex()}",
        paper=bool(pdf),
        checkpoint=note.decode(),
    )


def _head(house: House) -> tuple[bytes, Checkpoint]:
    """Return the newest checkpoint, with witnesses' words where they cosigned that very one."""
    newest, cosigned = house.log.checkpoint(), house.log.store.cosigned()
    same = bool(cosigned) and cosigned.partition(b"\n\n")[0] == newest.partition(b"\n\n")[0]
    note = cosigned if same else newest
    return note, parse_body(parse_note(note).text)


def _manifest(job: Job, wanted: PackWanted, head: Checkpoint, done: Gathered, now_ns: int) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "ostiary-audit-pack",
        "tenant": job.tenant,
        "origin": head.origin,
        "size": head.size,
        "by": job.by,
        "made_ns": now_ns,
        "wanted": {name: getattr(wanted, name) for name in wanted.__struct_fields__},
        "records": done.records,
        "withheld": done.withheld,
        "erased": done.erased,
    }


def _put_earlier(house: House, archive: zipfile.ZipFile, earlier: Job | None, size: int) -> None:
    note = earlier.pack.checkpoint.encode() if earlier is not None and earlier.pack is not None else b""
    if not note:
        return
    before = parse_body(parse_note(note).text).size
    path = consistency_proof(before, size, house.log.store.tile)
    told = {"from": before, "to": size, "path": [base64.b64encode(step).decode() for step in path]}
    _put(archive, "earlier.checkpoint", note)
    _put(archive, "consistency.json", msgspec.json.encode(told))


def _sign(house: House, origin: str, file: IO[bytes]) -> bytes:
    """Sign the file as it is with an empty comment, and put the note into the comment; return the digest."""
    keys = house.ring.signers(SYSTEM_TENANT, LOG_PURPOSE)
    # How long the comment will be stands before it and is signed with the rest: signatures are all of one length.
    length = len(_note(bytes(32), origin, keys))
    file.seek(-2, os.SEEK_END)
    file.write(length.to_bytes(2, "little"))
    file.flush()
    file.seek(0)
    digest = hashlib.file_digest(cast("Any", file), "sha256").digest()
    file.seek(0, os.SEEK_END)
    file.write(_note(digest, origin, keys))
    return digest


def _note(digest: bytes, origin: str, keys: Sequence[SigningKey]) -> bytes:
    text = f"{HEADER}\n{base64.b64encode(digest).decode()}\n".encode()
    return write_note(text, [sign_text(text, origin, key) for key in keys])


def _paper(told: dict[str, Any], figures: Figures, report: Report) -> bytes:
    try:
        return paper(told, figures, report)
    except UnavailableError as no:
        if no.code == "extra_missing":  # the pack is whole without; its README says so
            return b""
        raise


def _readme(told: dict[str, Any], *, paper_in: bool) -> str:
    made = datetime.fromtimestamp(told["made_ns"] // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    hidden = f"\n{told['withheld']} records are about `{told['by']}` and came without payload.\n"
    no_paper = "\nThere is no `report.pdf`: the server was installed without `ostiary[report]`.\n"
    return README.format(
        **{name: told[name] for name in ("tenant", "origin", "records", "by")},
        made=made,
        withheld=hidden if told["withheld"] else "",
        paper="" if paper_in else no_paper,
    )


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(_member(name), data)


def _keep_few(folder: Path) -> None:
    for old in sorted(folder.glob("*.zip"))[:-MOST_PACKS]:  # names are in the order of time
        old.unlink(missing_ok=True)


def read_pack(house: House, job: Job) -> Path:
    """Return the file of a pack that is done and still kept.

    Raises:
        RefusedError: ``audit_pack_unknown``.
    """
    place = pack_file(house.places, job.tenant, job.id)
    if job.pack is None or not place.is_file():
        raise RefusedError("audit_pack_unknown", "this pack is not kept any more: make it again")
    return place
