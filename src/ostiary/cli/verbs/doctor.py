"""``ostiary doctor``: what is well, what to know, what is wrong and the one thing that mends it."""

import sys

from rich.text import Text

from ostiary.cli.output import out, print_json
from ostiary.cli.places import Config, Data, Json, settings_of
from ostiary.server.checkup import Finding, State, examine, wrong
from ostiary.server.places import Places, data_dir
from ostiary.vocabulary.clock import SystemClock

_LOOKS = {State.FINE: ("green", "fine "), State.MIND: ("yellow", "mind "), State.WRONG: ("red", "WRONG")}


def command(*, data: Data = None, config: Config = None, json: Json = False) -> None:
    """Look at clock, keys, permissions, engine, log, disk, tenants and every option that lets something through."""
    places = Places(data_dir(data))
    found = list(examine(places, lambda: settings_of(data, config).settings, SystemClock()))
    if json:
        print_json(found)
    else:
        for finding in found:
            _show(finding)
    if wrong(found):
        sys.exit(1)


def _show(finding: Finding) -> None:
    style, word = _LOOKS[finding.state]
    out.print(Text(word, style), Text(f"{finding.check}: {finding.text}"))
    if finding.mend and finding.state is not State.FINE:
        out.print(Text(f"      → {finding.mend}"))
