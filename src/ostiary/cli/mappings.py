"""``ostiary events mappings`` and ``ostiary events mapping check``: which mappings there are, and whether one is sound.

- Every fault of a mapping is told with its file and line; with one the exit code is 1.
- With a sample the first events are shown as they would be read, and the first rejections; nothing is written.
- A sample of which nothing is accepted is a fault too: the mapping does not fit the log.
"""

import sys
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.errors import FaultyInputError
from ostiary.server.places import DEFAULT_TENANT
from ostiary.signals.anylog.faults import FaultyMappingError
from ostiary.signals.anylog.mapping import Mapping
from ostiary.signals.anylog.shelf import shipped, shipped_names
from ostiary.signals.anylog.targets import TARGETS
from ostiary.signals.formats import load_file
from ostiary.signals.pieces import Accepted, EventCounts

_SHOWN: Final = 5
_MOST: Final = 100_000

mapping_command = App(name="mapping", help="Mappings that read any log: check one.")

Json = Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")]


class Checked(msgspec.Struct):
    """What was found; ``faults`` is empty when the mapping is sound, ``never_told`` are fields silent in the sample."""

    file: str
    name: str = ""
    digest: str = ""
    reads: str = ""
    fields: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    never_told: tuple[str, ...] = ()
    faults: list[dict[str, Any]] = []
    counts: EventCounts | None = None
    events: list[dict[str, Any]] = []
    rejections: list[dict[str, Any]] = []

    @property
    def is_sound(self) -> bool:
        """Return whether the mapping can be used, and fits its sample when there is one."""
        return not self.faults and (self.counts is None or self.counts.accepted > 0 or self.counts.read == 0)


def mappings(*, json: Json = False) -> None:
    """List the mappings that ship with Ostiary; `--mapping NAME` uses one."""
    found = [mapping for name in shipped_names() if (mapping := shipped(name)) is not None]
    rows = [{"mapping": one.name, "reads": one.input.form, "describe": one.describe} for one in found]
    if json:
        print_json([{**row, "digest": one.digest} for row, one in zip(rows, found, strict=True)])
    else:
        print_table("mappings", ["mapping", "reads", "describe"], rows)


@mapping_command.command
def check(
    file: Annotated[str, Parameter(help="A mapping's YAML file, or the name of a shipped one.")],
    *,
    sample: Annotated[
        Path | None, Parameter(allow_leading_hyphen=True, help="A log to read with it, plain or gzip; - is stdin.")
    ] = None,
    limit: Annotated[int, Parameter(help="Read at most so many records of the sample.")] = _MOST,
    show: Annotated[int, Parameter(help="How many events and rejections to show.")] = _SHOWN,
    json: Json = False,
) -> None:
    """Say whether a mapping is sound, and what it makes of a sample."""
    checked = Checked(file)
    try:
        mapping = shipped(file) or load_file(Path(file))
    except FaultyInputError as fault:
        told = fault.faults if isinstance(fault, FaultyMappingError) else (fault,)
        checked.faults = [{"line": int(one.pointer or 1), "code": one.code, "text": one.message} for one in told]
    else:
        _describe(checked, mapping)
        if sample is not None:
            _try(checked, mapping, sample, limit, show)
    if json:
        print_json(checked)
    else:
        _tell(checked)
    if not checked.is_sound:
        sys.exit(1)


def _describe(checked: Checked, mapping: Mapping) -> None:
    checked.name, checked.digest, checked.reads = mapping.name, mapping.digest, mapping.input.form
    checked.fields = mapping.fields
    checked.columns = tuple(".".join(map(str, path)) for path in mapping.columns)


def _try(checked: Checked, mapping: Mapping, sample: Path, limit: int, show: int) -> None:
    counts = checked.counts = EventCounts()
    silent = set(mapping.fields)
    for outcome in islice(mapping.read_file(sample, DEFAULT_TENANT), limit):
        counts.count(outcome)
        if isinstance(outcome, Accepted):
            silent -= {name for name in silent if TARGETS[name].is_told(outcome.event)}
            if len(checked.events) < show:
                checked.events.append({"line": outcome.line, **msgspec.to_builtins(outcome.event)})
        elif len(checked.rejections) < show:
            checked.rejections.append({"line": outcome.line, "code": outcome.code, "text": outcome.text})
    checked.never_told = tuple(name for name in mapping.fields if name in silent) if counts.accepted else ()


def _tell(checked: Checked) -> None:
    for fault in checked.faults:
        err.print(f"{checked.file}:{fault['line']}: {fault['code']}: {fault['text']}", markup=False)
    if checked.faults:
        return
    told = f"{len(checked.fields)} fields from {len(checked.columns)} columns of {checked.reads}"
    out.print(f"{checked.file}: `{checked.name}` is sound: {told}, {checked.digest}", markup=False)
    for event in checked.events:
        out.print(msgspec.json.encode(event).decode(), markup=False)
    for each in checked.rejections:
        err.print(f"line {each['line']}: {each['code']}: {each['text']}", markup=False)
    if checked.counts is not None:
        counts = checked.counts
        text = f"{counts.read:,} read = {counts.accepted:,} accepted + {counts.rejected:,} rejected"
        out.print(text, markup=False)
    if checked.never_told:
        out.print(f"never told in this sample: {', '.join(checked.never_told)}", markup=False)
