"""``ostiary detection``: what somebody should look at: list, and show one with all that belongs to it."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.server.analyst.detections import DetectionFilter, detections_of
from ostiary.server.analyst.finding import detection_of

command = App(name="detection", help="Detections: cases, decisions spoken against, alarms, findings, playbook runs.")

Kind = Literal[
    "", "case", "denied", "drift", "extraction", "injection", "leak", "playbook", "poisoning", "risk", "sigma"
]


@command.command(name="list")
def list_(
    *,
    kind: Annotated[Kind, Parameter(help="Only of this kind.")] = "",
    state: Annotated[Literal["", "open", "closed"], Parameter(help="Only open or only closed ones.")] = "",
    subject: Annotated[str, Parameter(help="Only about this subject, `type:id`.")] = "",
    tag: Annotated[str, Parameter(help="Only with this technique or risk, such as AML.T0012.")] = "",
    rule: Annotated[str, Parameter(help="Only of this rule.")] = "",
    days: Annotated[float, Parameter(help="How far back.")] = 7.0,
    limit: Annotated[int, Parameter(help="How many at most.")] = 100,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List detections, newest first; filters are joined by AND."""
    wanted = DetectionFilter(kind, state, subject, tag, rule, days)
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = detections_of(house, tenant, wanted, max(0, limit))
    rows = [one.model_dump(mode="json") for one in found]
    if json:
        print_json(rows)
    else:
        told = [{**row, "tags": " ".join(row["tags"]), "rules": " ".join(row["rules"])} for row in rows]
        columns = ("id", "kind", "effect", "title", "subject", "state", "verdict", "rules", "tags")
        print_table("detections", columns, told)


@command.command
def show(
    detection: Annotated[str, Parameter(help="Its id, as listed.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show one detection: its case, rules, signals, findings, steps, and what people said of it."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = detection_of(house, tenant, detection)
    if json:
        print_json(found.model_dump(mode="json"))
        return
    row = found.row
    out.print(f"{row.kind} {row.state} {row.verdict} {row.title}".replace("  ", " "), markup=False)
    for rule in found.rules:
        out.print(f"{rule.effect:<9} {rule.rule}: {rule.explanation}", markup=False)
    for finding in found.findings:
        out.print(f"{finding.rule} in {finding.place} {finding.atlas} {finding.owasp}", markup=False)
    for step in found.steps:
        out.print(f"{step.do} {step.state} {step.outcome}", markup=False)
    for said in found.said:
        out.print(f"{said.by}: {said.verdict}, {said.reason}", markup=False)
