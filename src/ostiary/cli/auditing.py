"""Packs for auditors from the command line: made from a data directory, verified anywhere."""

import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from ostiary.audit.verifier.memory import default_memory, load_memory
from ostiary.audit.verifier.pack import PackReport, origin_of_pack, verify_pack
from ostiary.audit.verifier.signed import Vkey
from ostiary.cli.output import err, out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, UnavailableError

_FAILED: Final = 5
_NS: Final = 1_000_000_000
When = Annotated[str, Parameter(negative="", help="A day or moment (RFC 3339); UTC where no zone is said.")]


def pack(
    file: Annotated[Path, Parameter(help="Where to write the pack, such as `november.zip`.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    from_: Annotated[When, Parameter(name="--from")] = "",
    to: When = "",
    kind: Annotated[str, Parameter(help="Only records of this kind, such as `decision` or `admin`.")] = "",
    by: Annotated[str, Parameter(help="Only what this person, key or enforcement point did.")] = "",
    subject: Annotated[str, Parameter(help="Only what is about this subject, `type:id`.")] = "",
    json: Json = False,
) -> None:
    """Make a signed pack for auditors: records with proofs, and a report. `ostiary audit verify PACK` proves it."""
    from ostiary.server.auditing.direct import make_directly  # noqa: PLC0415 - what other verbs do not need
    from ostiary.server.auditing.jobs import PackWanted  # noqa: PLC0415

    wanted = PackWanted(from_ns=moment_ns(from_), to_ns=moment_ns(to), kind=kind, by=by, subject=subject)
    with open_data(data, config) as house:
        check_living(house, tenant)
        house.warm_up(lambda reason, fault: err.print(f"{reason}: {fault}", style="yellow", markup=False))
        place, made = make_directly(house, tenant, wanted, _Telling())
        keys = [one.vkey() for one in house.log.public_keys()]
    try:
        shutil.copyfile(place, file)
        file.chmod(0o600)
    except OSError as fault:
        raise UnavailableError("export_failed", f"`{file}` cannot be written: {fault.strerror}") from fault
    if json:
        print_json({"file": str(file), "keys": keys, **msgspec.to_builtins(made)})
        return
    out.print(f"{made.records:,} records written to {file}", markup=False)
    err.print(f"verify it anywhere: ostiary audit verify {file} --key '{keys[0]}'", markup=False, style="dim")


def memory_place(file: Path, remember: Path | None) -> Path | None:
    """Return where the log that a pack claims to be of is remembered."""
    if remember is not None:
        return remember
    origin = origin_of_pack(file)
    return default_memory(origin) if origin else None


def verify_one(
    file: Path, keys: Sequence[Vkey], witnesses: Sequence[Vkey], need: int, place: Path | None, *, json: bool
) -> None:
    """Verify a pack and say the outcome; exits with 5 when anything is wrong."""
    memory = load_memory(place) if place is not None else None
    report = verify_pack(file, keys, witnesses, need, memory)
    if json:
        print_json({**msgspec.to_builtins(report), "verified": report.verified})
    else:
        _show(report)
    if not report.verified:
        sys.exit(_FAILED)


def moment_ns(text: str) -> int:
    """Return a moment in nanoseconds since 1970, 0 for none.

    >>> moment_ns("2026-11-27"), moment_ns("")
    (1795737600000000000, 0)

    Raises:
        FaultyInputError: ``time_invalid``.
    """
    if not text:
        return 0
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise FaultyInputError("time_invalid", f"`{text[:40]}` is no moment, such as 2026-11-01") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()) * _NS


class _Telling:
    """Says each step once, beside the output."""

    def __init__(self) -> None:
        self._step = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._step = step
            err.print(f"{step} ({done:,} of {total:,})" if total else step, markup=False, style="dim")


def _show(report: PackReport) -> None:
    for note in report.notes:
        err.print(note, markup=False, style="dim")
    if report.origin:
        out.print(f"pack of tenant {report.tenant}, log {report.origin}, {report.size:,} entries", markup=False)
    out.print(f"records: {report.records:,}, {report.opened:,} as recorded, {report.without:,} without payload")
    if report.earlier_size is not None:
        out.print(f"continues the {report.earlier_size:,} entries of the pack before")
    if report.remembered_size is not None:
        out.print(f"agrees with the {report.remembered_size:,} entries remembered from elsewhere")
    if report.cosigned_by:
        out.print(f"cosigned by {', '.join(report.cosigned_by)}", markup=False)
    for finding in report.findings:
        place = "" if finding.index is None else f" at entry {finding.index}"
        text = f"{finding.attack.value}{place}: {finding.text} (seen by: {finding.evidence})"
        out.print(text, style="red", markup=False)
    if report.verified:
        out.print("verified", style="green")
