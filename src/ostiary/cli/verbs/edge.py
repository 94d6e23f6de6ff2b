"""``ostiary edge``: what a proxy's own configuration lets through."""

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json
from ostiary.errors import RefusedError, UnavailableError
from ostiary.server.edge.lint import Remark, lint

command = App(name="edge", help="Proxies at the edge that ask Ostiary.")


class Checked(msgspec.Struct, frozen=True):
    """What ``edge check --json`` prints."""

    ok: bool
    file: str
    remarks: list[Remark]


@command.command
def check(file: Path, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Look for what fails open in a configuration of Envoy or nginx; ends with 3 when anything does.

    Args:
        file: the configuration.
        json: print one JSON object.
    """
    try:
        remarks = lint(file.read_text("utf-8", errors="replace"))
    except OSError as fault:
        raise UnavailableError("edge_file_unreadable", f"`{file}` cannot be read") from fault
    errors = [one for one in remarks if one.level == "error"]
    if json:
        print_json(Checked(not errors, str(file), remarks))
    else:
        for one in remarks:
            out.print(f"{one.level}: {one.text} ({one.code})", markup=False)
        out.print(f"{len(errors)} errors, {len(remarks) - len(errors)} warnings")
    if errors:
        raise RefusedError(errors[0].code, f"{len(errors)} things in `{file}` let somebody through")
