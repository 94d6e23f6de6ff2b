"""``ostiary redteam``: run the attacks against what is in force, with each defence and without it.

- ``run --json`` prints one line for each attack: ``{"attack","atlas","without","with","n"}``, rates from 0 to 1.
- The report is signed and kept under its digest, which a promotion's gate and its approval name.
- Exit code 3 when a defence did not hold.
"""

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import settings_of
from ostiary.cli.risk.shared import need_extra, reader_of, scorer_of, write_lines
from ostiary.keys import KeyRing
from ostiary.redteam.report import KIND, encode, report_of
from ostiary.redteam.running import Ran, all_attacks, chosen
from ostiary.redteam.running import run as run_attacks
from ostiary.redteam.world import FULL, QUICK, Past, World
from ostiary.risk.verdicts import read_verdicts
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.reports import Reports
from ostiary.server.storing import open_store
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

command = App(name="redteam", help="Attack Ostiary's own defences, and report what holds.")
_REFUSED: Final = 3
_EARLIER: Final = 0.7


@command.command(name="list")
def list_(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the attacks."""
    rows = [{"attack": one.name, "atlas": one.atlas, "describe": one.describe} for one in all_attacks()]
    if json:
        print_json(rows)
    else:
        print_table("attacks", ["attack", "atlas", "describe"], rows)


@command.command
def run(
    *names: Annotated[str, Parameter(help="Attacks, or how their names begin. Default: all.")],
    data: Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")] = None,
    tenant: Annotated[str, Parameter(help="Tenant.")] = DEFAULT_TENANT,
    model: Annotated[
        Path | None, Parameter(help="Folder of a model. Default: the installed one, else a trial one.")
    ] = None,
    events: Annotated[Path | None, Parameter(help="History to attack in. Default: a simulated organisation.")] = None,
    mapping: Annotated[str, Parameter(name="--mapping", help="How to read --events.")] = "",
    labels: Annotated[Path | None, Parameter(help="Verdicts on --events: CSV with event_id,label.")] = None,
    seed: Annotated[int, Parameter(help="Of everything random.")] = 7,
    full: Annotated[bool, Parameter(negative="", help="More people, more tries: minutes become an hour.")] = False,
    keep: Annotated[bool, Parameter(help="Keep the signed report in the data directory.")] = True,
    out_file: Annotated[Path | None, Parameter(name="--out", help="Write the report here as well.")] = None,
    json: Annotated[bool, Parameter(negative="", help="One JSON line for each attack.")] = False,
) -> None:
    """Run attacks; each is told with its ATLAS technique, and its success without the defence and with it."""
    need_extra()
    places = Places(data_dir(data))
    check_tenant(tenant)
    installed = model or (places.model(tenant) if places.model(tenant).is_dir() else None)
    loaded = scorer_of(installed, places, tenant) if installed is not None else None
    past = _past(events, mapping, labels, tenant) if events is not None else None
    with World(seed, FULL if full else QUICK, model=loaded, past=past, tell=_tell) as world:
        ran: list[Ran] = []
        for one in run_attacks(chosen(names), world, _fault):
            ran.append(one)
            if json:
                write_lines([one.line])
        body = encode(report_of(world, ran, loaded.digest if loaded else ""))
    if not json:
        _show(ran)
    if out_file is not None:
        out_file.write_bytes(body)
    if keep and places.root.is_dir():
        _keep(places, tenant, loaded.digest if loaded else "", body)
    if not all(one.passed for one in ran):
        sys.exit(_REFUSED)


def _past(events: Path, mapping: str, labels: Path | None, tenant: str) -> Past:
    told = list(reader_of(events, mapping, tenant))
    told.sort(key=lambda event: event.time_ns)
    verdicts = read_verdicts(labels) if labels is not None else {}
    border = told[int(len(told) * _EARLIER)].time_ns if told else 0
    return Past(
        told,
        {name: one.label for name, one in verdicts.items()},
        {name: one.attack or name for name, one in verdicts.items() if one.label},
        border,
    )


def _keep(places: Places, tenant: str, about: str, body: bytes) -> None:
    clock = SystemClock()
    with open_store(places, settings_of(places.root, None).settings.store, clock) as store:
        kept = Reports(store.snapshots, KeyRing(places.keys / "ring", clock)).keep(
            tenant, KIND, about, body, clock.now_ns()
        )
    err.print(f"report {kept.digest}, signed with {kept.kid}", markup=False)


def _show(ran: list[Ran]) -> None:
    rows = [
        {
            "attack": one.line.attack,
            "ATLAS": one.line.atlas,
            "without": f"{one.line.without:.1%}",
            "with": f"{one.line.guarded:.1%}",
            "tries": one.line.n,
            "holds": "yes" if one.passed else one.fault or "NO",
        }
        for one in ran
    ]
    print_table("attacks that succeed", ["attack", "ATLAS", "without", "with", "tries", "holds"], rows)
    held = sum(one.passed for one in ran)
    out.print(f"{held} of {len(ran)} defences hold", markup=False)


def _tell(text: str) -> None:
    err.print(text, markup=False)


def _fault(name: str, fault: BaseException) -> None:
    err.print(f"{name} broke off: {type(fault).__name__}: {fault}", markup=False)
