"""``ostiary feedback``: say what a decision turned out to be: confirm, dismiss, safe; and what follows from it."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.feedback.book import FeedbackBook
from ostiary.server.feedback.labels import labels_of

command = App(name="feedback", help="Verdicts of people on decisions and sessions; they become labels.")

Target = Annotated[str, Parameter(help="A decision, `dec_…`, or a session's id.")]
Reason = Annotated[str, Parameter(help="Why.")]


def _say(
    target: str, verdict: str, reason: str, data: Path | None, config: Path | None, tenant: str, *, json: bool
) -> None:
    named = target if target.startswith(("decision:", "session:")) else _named(target)
    with open_data(data, config) as house:
        check_living(house, tenant)
        said = FeedbackBook(house).say(tenant, named, verdict, reason, by=COMMAND_LINE, source="command line")
    if json:
        print_json(said)
    else:
        out.print(f"{said.id}: {said.target} {said.verdict}, {len(said.events)} accesses", markup=False)
        if said.replaces:
            out.print(f"replaces {said.replaces}", markup=False)


def _named(target: str) -> str:
    return f"decision:{target}" if target.startswith("dec_") else f"session:{target}"


@command.command
def confirm(
    target: Target,
    *,
    reason: Reason,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Say that it was not the subject: the alarm was right."""
    _say(target, "confirm", reason, data, config, tenant, json=json)


@command.command
def dismiss(
    target: Target,
    *,
    reason: Reason,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Say that it was a false alarm."""
    _say(target, "dismiss", reason, data, config, tenant, json=json)


@command.command
def safe(
    target: Target,
    *,
    reason: Reason,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Say that it was the subject, known for sure."""
    _say(target, "safe", reason, data, config, tenant, json=json)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List verdicts, newest first, replaced ones too."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = list(FeedbackBook(house).all(tenant))[::-1]
    if json:
        print_json(found)
    else:
        columns = ("id", "target", "verdict", "by", "source", "reason")
        print_table("verdicts", columns, [msgspec.to_builtins(said) for said in found])


@command.command
def precision(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """Show how many judged proposals of each adaptive rule were right."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        rows = [
            {**msgspec.to_builtins(row), "precision": row.precision} for row in FeedbackBook(house).precision(tenant)
        ]
    if json:
        print_json(rows)
    else:
        print_table("judged by people", ("rule", "confirmed", "dismissed", "precision"), rows)


@command.command
def labels(
    *,
    out_file: Annotated[Path | None, Parameter(name="--out", help="Where the CSV goes. Default: stdout.")] = None,
    most_share: Annotated[float, Parameter(help="How much of each label one analyst may give, 0 to 1.")] = 1.0,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Export verdicts as labels for `risk train --labels`, with where they come from."""
    if not 0 < most_share <= 1:
        raise FaultyInputError("share_invalid", "a share is more than 0 and at most 1")
    with open_data(data, config) as house:
        check_living(house, tenant)
        made, provenance = labels_of(FeedbackBook(house).by_event(tenant), most_share)
        record_deed(
            house,
            COMMAND_LINE,
            tenant,
            "feedback.export",
            digest=provenance.digest,
            labels=provenance.labels,
            by=provenance.by,
        )
    if out_file is not None:
        out_file.write_bytes(made)
    elif not json:
        sys.stdout.write(made.decode())
    if json:
        print_json(provenance)
    else:
        err.print(f"{provenance.labels} labels, {provenance.impostors} impostors, {provenance.digest}", markup=False)
