"""``ostiary store``: copy a whole store into another one, and verify that it is the same."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from ostiary.audit.verifier import Verifier
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, settings_of
from ostiary.errors import UnavailableError
from ostiary.server.places import Places, data_dir
from ostiary.server.storing import open_side, open_side_source
from ostiary.storage.copying import Copied, copy_store
from ostiary.vocabulary.clock import SystemClock

_FAILED: Final = 5

command = App(name="store", help="The store: records, registries, tables.")


@command.command
def copy(
    *,
    from_: Annotated[str, Parameter(name="--from", help="URL, @FILE with a URL, data directory or database file.")],
    to: Annotated[str, Parameter(help="The same. It must be empty, or hold the beginning of this copy.")],
    data: Data = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Copy every table, compare counts and digests, and verify the log at the destination. Stop the servers first.

    A copy that was interrupted goes on where it stopped. A URL with a password is better given by @FILE: arguments are
    seen by others on the machine. Keys are not copied: they stay in the data directory.
    """
    if "://" not in from_ and not from_.startswith("@") and not Path(from_).exists():
        raise UnavailableError("storage_unavailable", f"there is no `{from_}`")
    settings, clock = settings_of(data, config).settings.store, SystemClock()
    with open_side(from_, clock, settings) as source, open_side(to, clock, settings) as destination:
        copied = copy_store(source, destination, _progress)
    found = _verified(Places(data_dir(data)), to, settings)
    if json:
        print_json({"tables": copied, "log": found})
    else:
        _show(copied, found)
    if not found["verified"]:
        sys.exit(_FAILED)


def _verified(places: Places, where: str, settings: Any) -> dict[str, Any]:
    with open_side_source(where, places.keys, settings) as log:
        try:
            log.checkpoint()
        except UnavailableError:
            return {"verified": True, "size": 0, "findings": []}  # a log without a first record has nothing to verify
        verifier = Verifier(log, None)
        verifier.run()
    report = verifier.report
    return {"verified": report.verified, "size": report.size, "findings": report.findings}


def _show(copied: list[Copied], found: dict[str, Any]) -> None:
    rows = [{"table": one.table, "rows": one.rows, "sha256": one.digest[:16]} for one in copied if one.rows]
    print_table("copied and compared", ["table", "rows", "sha256"], rows)
    for finding in found["findings"]:
        out.print(f"{finding.attack.value}: {finding.text}", style="red", markup=False)
    if found["verified"]:
        out.print(f"the log of {found['size']:,} entries is verified at the destination", style="green")


def _progress(table: str, done: int, total: int) -> None:
    err.print(f"{table}: {done:,} of {total:,}" if total else table, markup=False, style="dim")
