"""``ostiary case``: what a person must look into: list, show, comment, assign, close with a verdict."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.response.cases import Verdict
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.responses import CaseShown, case_shown, rows

command = App(name="case", help="Cases: what a person must look into.")

CaseId = Annotated[str, Parameter(help="The case's id, `case_…`.")]


def _say(case: CaseShown, *, json: bool) -> None:
    if json:
        print_json(case.model_dump(mode="json"))
        return
    for member in ("case", "title", "state", "verdict", "subject", "assignee", "opened_by", "closed_by"):
        value = getattr(case, member)
        if value:
            out.print(f"{member:<10} {value}", markup=False)
    for link in case.links:
        out.print(f"{'link':<10} {link}", markup=False)
    for comment in case.comments:
        out.print(f"{comment.by}: {comment.text}", markup=False)


@command.command(name="list")
def list_(
    *,
    state: Annotated[Literal["", "open", "closed"], Parameter(help="Only open or only closed ones.")] = "",
    limit: Annotated[int, Parameter(help="How many at most.")] = 100,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List cases, newest first."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = [case_shown(case) for case in house.response.cases.listed(tenant, state, max(0, limit))]
    if json:
        print_json(rows(found))
    else:
        print_table("cases", ("case", "state", "verdict", "title", "subject", "assignee"), rows(found))


@command.command
def show(
    case: CaseId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one case."""
    with open_data(data, config) as house:
        found = case_shown(house.response.cases.find(tenant, case))
    _say(found, json=json)


@command.command
def comment(
    case: CaseId,
    text: Annotated[str, Parameter(help="What is to be said.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Add a comment."""
    with open_data(data, config) as house:
        house.response.cases.find(tenant, case)
        record_deed(house, COMMAND_LINE, tenant, "case.comment", case=case)
        changed = house.response.cases.comment(tenant, case, COMMAND_LINE, house.clock.now_ns(), text)
    _say(case_shown(changed), json=json)


@command.command
def assign(
    case: CaseId,
    assignee: Annotated[str, Parameter(help="Who looks into it.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Give a case to somebody."""
    with open_data(data, config) as house:
        house.response.cases.find(tenant, case)
        record_deed(house, COMMAND_LINE, tenant, "case.assign", case=case, assignee=assignee)
        changed = house.response.cases.assign(tenant, case, assignee)
    _say(case_shown(changed), json=json)


@command.command
def close(
    case: CaseId,
    *,
    verdict: Annotated[Verdict, Parameter(help="What it turned out to be.")],
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Close a case with a verdict."""
    with open_data(data, config) as house:
        house.response.cases.find(tenant, case)
        record_deed(house, COMMAND_LINE, tenant, "case.close", case=case, verdict=verdict.value)
        changed = house.response.cases.close(tenant, case, COMMAND_LINE, house.clock.now_ns(), verdict)
    _say(case_shown(changed), json=json)
