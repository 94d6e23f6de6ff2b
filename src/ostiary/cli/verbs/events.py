"""``ostiary events``: import access logs, say which formats and mappings there are, check a mapping.

- Every record is accepted or rejected with its line and a reason; read = accepted + rejected.
- Progress and rejections go to stderr, the summary to stdout.
- Without ``--out`` the events join the tenant's history in the data directory (``events/TENANT.jsonl``).
- With ``--batch`` the files are signed batches of registered producers: only their events are rows for training.
"""

import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.events.batches import import_batches, quarantine, sign
from ostiary.cli.mappings import mapping_command, mappings
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.quality import quality
from ostiary.errors import FaultyInputError
from ostiary.server.places import Places, data_dir
from ostiary.server.settings import load
from ostiary.signals import eventfile
from ostiary.signals.enrichment import Enricher
from ostiary.signals.formats import Format, format_of
from ostiary.signals.formats import formats as all_formats
from ostiary.signals.inventory import Catalogue
from ostiary.signals.opening import chunks_of
from ostiary.signals.pieces import Accepted, EventCounts, Rejected
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.ids import check_tenant

_SHOWN: Final = 20
_TELL_EVERY: Final = 50_000

command = App(
    name="events", help="Import access logs into the history that risk learns from, and measure how good they are."
)
command.command(mapping_command)
command.command(mappings)
command.command(quality)
command.command(sign)
command.command(quarantine)


class Imported(msgspec.Struct):
    """The summary of one import; ``out`` is where the accepted events went, empty for a dry run."""

    format: str
    mapping: str  # digest of the mapping's text, empty for an adapter
    tenant: str
    read: int
    accepted: int
    rejected: int
    codes: dict[str, int]
    out: str
    files: list[dict[str, Any]]


class _Run:
    """One import: reads, enriches, counts, tells."""

    def __init__(self, form: Format, tenant: str, enricher: Enricher) -> None:
        self._format = form
        self._tenant = tenant
        self._enricher = enricher
        self.counts = EventCounts()
        self.files: list[dict[str, Any]] = []

    def events(self, files: list[Path]) -> Iterator[AccessEvent]:
        """Yield the accepted events of all files, enriched."""
        for file in files:
            before, digest = msgspec.structs.replace(self.counts), sha256()
            for outcome in self._format.read(file, self._tenant, digest.update):
                self.counts.count(outcome)
                self._tell(file, outcome)
                if isinstance(outcome, Accepted):
                    yield self._enricher.enrich(outcome.event)
            self.files.append(
                {
                    "file": str(file),
                    "read": self.counts.read - before.read,
                    "accepted": self.counts.accepted - before.accepted,
                    "rejected": self.counts.rejected - before.rejected,
                    "sha256": digest.hexdigest(),
                }
            )

    def _tell(self, file: Path, outcome: Accepted | Rejected) -> None:
        counts = self.counts
        if isinstance(outcome, Rejected) and counts.rejected <= _SHOWN:
            more = "" if counts.rejected < _SHOWN else " (further rejections are counted, not shown)"
            err.print(f"{file}:{outcome.line}: {outcome.code}: {outcome.text}{more}", markup=False)
        if counts.read % _TELL_EVERY == 0:
            err.print(f"{counts.read:,} read, {counts.accepted:,} accepted, {counts.rejected:,} rejected", markup=False)


def _enricher(places: Places, tenant: str) -> Enricher:
    settings = load(places.settings).settings.signals
    own = places.catalogue(tenant)
    file = own if own.exists() else settings.catalogue
    mmdb = (settings.mmdb,) if settings.mmdb else ()
    return Enricher(Catalogue.load(file) if file else None, mmdb, tuple(map(str, settings.trusted_networks)))


def _ledger(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise FaultyInputError("events_malformed", f"`{path}` cannot be read") from fault


def _digest(file: Path) -> str:
    digest = sha256()
    for _ in chunks_of(file, digest.update):
        pass
    return digest.hexdigest()


def _fresh(files: list[Path], name: str, ledger: dict[str, str]) -> list[Path]:
    """Return the files that were not imported before; standard input cannot be looked at twice."""
    fresh = []
    for file in files:
        if str(file) != "-" and (known := ledger.get(f"{name}:{_digest(file)}")) is not None:
            err.print(f"{file}: already imported as `{known}`, left out", markup=False)
        else:
            fresh.append(file)
    return fresh


@command.command(name="import")
def import_(
    *files: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="Log files, plain or gzip; - is standard input.")
    ],
    format: Annotated[str, Parameter(name="--format", help="Format; `ostiary events formats` lists them.")] = "",  # noqa: A002
    mapping: Annotated[str, Parameter(name="--mapping", help="Instead: a mapping's name or YAML file.")] = "",
    data: Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")] = None,
    tenant: Annotated[str, Parameter(help="Tenant.")] = "default",
    out_file: Annotated[Path | None, Parameter(name="--out", help="Write here instead of the data directory.")] = None,
    limit: Annotated[int | None, Parameter(help="Stop after so many accepted events.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Read and count, write nothing.")] = False,
    batch: Annotated[
        bool, Parameter(negative="", help="The files are signed batches of registered producers.")
    ] = False,
    json: Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")] = False,
) -> None:
    """Read access logs and keep their events in one form; bad records are reported and the rest goes on."""
    check_tenant(tenant)
    if batch:
        _check_batches(list(files), alone=not (format or mapping or out_file or limit or dry_run))
        import_batches(files, data, tenant, json=json)
        return
    form = _format(format, mapping)
    _check_files(list(files))
    places = Places(data_dir(data))
    run = _Run(form, tenant, _enricher(places, tenant))
    stored = places.history(tenant)
    ledger_file = stored.with_suffix(".imports.json")
    keep = not dry_run and out_file is None
    ledger = _ledger(ledger_file) if keep else {}
    events = islice(run.events(_fresh(list(files), form.name, ledger) if keep else list(files)), limit)
    target = None if dry_run else out_file or stored
    if target is None:
        for _ in events:
            pass
    else:
        eventfile.write(target, events, append=keep)
    if keep:
        ledger.update({f"{form.name}:{each['sha256']}": each["file"] for each in run.files if each["accepted"]})
        beside = ledger_file.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(ledger))
        beside.replace(ledger_file)
    _summary(run, form, tenant, str(target or ""), json=json)


def _format(name: str, mapping: str) -> Format:
    if bool(name) == bool(mapping):
        raise FaultyInputError("option_invalid", "name either a --format or a --mapping")
    return format_of(name or mapping)


def _check_batches(files: list[Path], *, alone: bool) -> None:
    if not alone:
        raise FaultyInputError("option_invalid", "--batch goes with --data, --tenant and --json alone")
    _check_files(files)


def _check_files(files: list[Path]) -> None:
    if not files:
        raise FaultyInputError("input_missing", "name at least one file, or - for standard input")
    for file in files:
        if str(file).startswith("-") and str(file) != "-":
            err.print(f"Unknown option: {file}.", markup=False)
            sys.exit(2)
        if str(file) != "-" and not file.is_file():
            raise FaultyInputError("input_unreadable", f"there is no file `{file}`")


def _summary(run: _Run, form: Format, tenant: str, target: str, *, json: bool) -> None:
    counts = run.counts
    summary = Imported(
        format=form.name,
        mapping=form.digest,
        tenant=tenant,
        read=counts.read,
        accepted=counts.accepted,
        rejected=counts.rejected,
        codes=counts.codes,
        out=target,
        files=run.files,
    )
    if json:
        print_json(summary)
    else:
        out.print(f"{counts.read:,} read = {counts.accepted:,} accepted + {counts.rejected:,} rejected", markup=False)
        for code, number in sorted(counts.codes.items(), key=lambda item: -item[1]):
            out.print(f"  {number:,} {code}", markup=False)
        if target:
            out.print(f"written to {target}", markup=False)
    if counts.read and not counts.accepted:
        sys.exit(1)


@command.command
def formats(
    *, json: Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")] = False
) -> None:
    """List the formats that can be imported."""
    rows = [{"format": each.name, "describe": each.describe} for each in all_formats().values()]
    if json:
        print_json(rows)
    else:
        print_table("formats", ["format", "describe"], rows)
