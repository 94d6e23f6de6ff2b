"""``ostiary shadow``: candidates beside the live ones, and what a control or a candidate would have done.

What is started or stopped here is taken up by the running server within seconds.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.deeds import COMMAND_LINE, record_deed

if TYPE_CHECKING:
    from ostiary.server.shadow.report.sheet import Sheet

command = App(name="shadow", help="Candidates beside the live ones, and what would have been.")

What = Annotated[Literal["model", "bundle"], Parameter(help="Which kind of candidate.")]
ControlName = Annotated[str, Parameter(help="A control: deny, reduce, session_lifetime, step_up, terminate.")]
CandidateName = Annotated[
    Literal["", "model", "bundle"], Parameter(help="A running candidate instead of a control of the live model.")
]


@command.command
def start(
    what: What,
    *,
    from_: Annotated[Path | None, Parameter(name="--from", help="Bring it in from here first.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Verify a candidate as a live one would be, and let it run beside the live one."""
    with open_data(data, config) as house:
        check_living(house, tenant)

        def record(digest: str) -> str:
            return record_deed(house, COMMAND_LINE, tenant, "shadow.start", what=what, digest=digest)

        started = house.shadow.candidates.start(tenant, what, COMMAND_LINE, record, from_)
    if json:
        print_json(started)
    else:
        out.print(f"{started.digest} runs beside the live {what}", markup=False)


@command.command
def stop(
    what: What, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Let a candidate run no more; its files and counts stay."""
    with open_data(data, config) as house:
        check_living(house, tenant)

        def record(digest: str) -> str:
            return record_deed(house, COMMAND_LINE, tenant, "shadow.stop", what=what, digest=digest)

        stopped = house.shadow.candidates.stop(tenant, what, record)
    if json:
        print_json(stopped)
    else:
        out.print(f"{stopped.digest} runs no more", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List the candidates that run, how they are, and what was compared and left out in the last day."""
    from ostiary.server.shadow.listing import listed  # noqa: PLC0415 - with the house, half a second

    with open_data(data, config) as house:
        check_living(house, tenant)
        found = listed(house, tenant)
    if json:
        print_json(found)
        return
    rows = [
        {**one, "candidate": one["digest"][7:15], "differ": one["differences"], "why": one["fault"] or one["warning"]}
        for one in found
    ]
    print_table("candidates", ("what", "candidate", "state", "days", "compared", "differ", "missed", "why"), rows)


@command.command
def report(
    *,
    control: ControlName = "",
    candidate: CandidateName = "",
    days: Annotated[float, Parameter(help="How many days, up to now.")] = 14.0,
    budget: Annotated[float | None, Parameter(help="Interruptions a day that are borne.")] = None,
    verdicts: Annotated[Path | None, Parameter(help="CSV of event_id,label instead of the log's own.")] = None,
    anonymous: Annotated[bool, Parameter(negative="", help="Pseudonyms instead of names.")] = False,
    html: Annotated[Path | None, Parameter(help="Write a self-contained page here.")] = None,
    pdf: Annotated[Path | None, Parameter(help="Write a page for print here.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Tell what a control or a candidate would have done to people, from the true log."""
    from ostiary.server.shadow.report.gathering import Asked  # noqa: PLC0415 - with the house, half a second
    from ostiary.server.shadow.report.making import make  # noqa: PLC0415

    if control and candidate:
        raise FaultyInputError("report_of_what", "a report is of a control or of a candidate, not of both")
    if budget is not None and not budget >= 0:
        raise FaultyInputError("budget_invalid", "a budget is at least 0")
    asked = Asked(tenant, control or ("" if candidate else "step_up"), candidate, days, budget, verdicts, anonymous)
    with open_data(data, config) as house:
        check_living(house, tenant)
        sheet, digest = make(house, asked)
    _write(sheet, digest, html, pdf)
    if json:
        from ostiary.server.shadow.report.sheet import shown  # noqa: PLC0415

        print_json(shown(sheet, digest))
    else:
        from ostiary.cli.shadow_told import tell  # noqa: PLC0415

        tell(sheet, digest)


def _write(sheet: "Sheet", digest: str, html: Path | None, pdf: Path | None) -> None:
    if html is not None:
        from ostiary.server.shadow.report.page import page  # noqa: PLC0415 - needs an extra

        _put(html, page(sheet, digest).encode())
    if pdf is not None:
        from ostiary.server.shadow.report.paper import paper  # noqa: PLC0415

        _put(pdf, paper(sheet, digest))


def _put(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as fault:
        raise FaultyInputError("report_unwritable", f"`{path}` cannot be written: {fault.strerror}") from fault
    err.print(f"written: {path}", markup=False)
