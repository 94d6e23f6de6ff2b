"""``ostiary model scan``: judges whether files are safe to have, and runs nothing of them.

Exit code 0 when every file is safe or quarantined, 3 when one is refused. ``register`` and ``load`` ask for more: they
judge the format, and a quarantined file is of none that they take.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.artifacts.scanning import Report, scan_paths
from ostiary.cli.output import err, out, plain, print_json

REFUSED: Final = 3
_SHOWN: Final = 5
_CONVERT: Final = (
    "a quarantined file is never loaded: convert it to safetensors or a model's own text inside the sandbox, "
    "`ostiary train convert FILE model.safetensors`, and register what comes out"
)


def scan(
    paths: Annotated[list[Path], Parameter(help="Files and folders; folders are walked, links are refused.")],
    *,
    json: Annotated[bool, Parameter(name="--json", negative="", help="One JSON document.")] = False,
    jsonl: Annotated[bool, Parameter(name="--jsonl", negative="", help="One JSON document a file.")] = False,
) -> None:
    """Look into files without running them; exit code 3 when one is refused."""
    reports = scan_paths(paths)
    if jsonl:
        refused = _print_lines(reports)
    elif json:
        found = list(reports)
        print_json({"files": found})
        refused = _count(found)
    else:
        refused = _print_words(reports)
    if refused:
        sys.exit(REFUSED)


def mount(command: App) -> None:
    """Put the verb into ``ostiary model``."""
    command.command(scan)


def _count(reports: Iterable[Report]) -> int:
    return sum(report.verdict == "refused" for report in reports)


def _print_lines(reports: Iterable[Report]) -> int:
    refused = 0
    for report in reports:
        print_json(report, indent=False)
        refused += report.verdict == "refused"
    return refused


def _print_words(reports: Iterable[Report]) -> int:
    refused = quarantined = count = 0
    for report in reports:
        count += 1
        refused += report.verdict == "refused"
        quarantined += report.verdict == "quarantined"
        out.print(plain(f"{report.verdict:<12}{report.format or '-':<12}{report.file}"), markup=False)
        for told in report.findings[:_SHOWN]:
            where = f"{told.member or '.'}@{told.position}"
            threats = ", ".join(told.threats)
            out.print(plain(f"    {told.code} at {where}: {told.message} ({threats})"), markup=False)
        if len(report.findings) > _SHOWN:
            out.print(f"    and {len(report.findings) - _SHOWN} more", markup=False)
    err.print(f"{count} files, {refused} refused, {quarantined} quarantined", markup=False)
    if quarantined:
        err.print(_CONVERT, markup=False)
    return refused
