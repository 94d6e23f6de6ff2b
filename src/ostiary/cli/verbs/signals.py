"""``ostiary signals``: shared signals with other domains (SSF 1.0, CAEP 1.0, RISC 1.0)."""

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant
from ostiary.cli.signals.receivers import receivers
from ostiary.cli.signals.shared import open_signals
from ostiary.cli.signals.streams import streams
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.server.signals_shown import decoded

MAX_FILE: Final = 65_536

command = App(name="signals", help="Shared signals: what other domains hear of us, and we of them.")
command.command(streams)
command.command(receivers)


@command.command
def decode(
    file: Annotated[Path, Parameter(help="File that holds one event token; `-` is standard input.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show what an event token says and which receivers would believe it; ends with 5 when none does."""
    token = _read(file)
    with open_signals(data, config, tenant) as (house, signals):
        found = decoded(signals, tenant, token, house.clock.now_ns())
    if json:
        print_json(found)
    else:
        out.print(f"event     {found['event'] or 'of an unknown type'}", markup=False)
        for name, verdict in found["receivers"].items():
            out.print(f"{name:<9} {verdict}", markup=False)
        print_json(found["claims"])
    if not found["verified"]:
        raise VerificationError("set_not_believed", "no receiver of this tenant believes the event token")


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read(MAX_FILE + 1) if str(file) == "-" else file.read_bytes()[: MAX_FILE + 1]
        return raw.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise FaultyInputError("file_unreadable", f"`{file}` cannot be read as an event token") from fault
