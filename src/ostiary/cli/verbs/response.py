"""``ostiary response``: playbooks, what they did, what waits for a person, obligations that were not carried out.

What is agreed to here is done by the running server, within a second.
"""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_jsonl, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.response.plan import Planned, StepState
from ostiary.response.shelf import load_file
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.responses import (
    letter_shown,
    obligation_shown,
    pending_shown,
    playbook_shown,
    rows,
    run_trigger,
    step_shown,
)

command = App(name="response", help="Responses: playbooks, approvals, and what was done.")

StepId = Annotated[str, Parameter(help="The step's id.")]
Digest = Annotated[str, Parameter(help="The digest that `pending` showed with the step.")]
Limit = Annotated[int, Parameter(help="How many at most.")]
_COLUMNS = ("step", "do", "state", "playbook", "trigger", "subject", "device", "outcome", "fault")


def _say(step: Planned, *, json: bool) -> None:
    shown = step_shown(step)
    if json:
        print_json(shown.model_dump(mode="json"))
    else:
        out.print(f"{shown.do} of {shown.playbook}: {shown.state}", markup=False)


@command.command
def playbooks(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List the playbooks in force."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = rows(playbook_shown(house, tenant, book) for book in house.response.shelf.playbooks(tenant))
    if json:
        print_json(found)
    else:
        print_table("playbooks", ("name", "triggers", "steps", "approvals", "phase", "dry_run"), found)


@command.command
def lint(*files: Annotated[Path, Parameter(help="Playbook files.")], json: Json = False) -> None:
    """Check playbook files; each fault is told with its line."""
    faults: list[FaultyInputError] = []
    for path in files:
        try:
            load_file(path)
        except FaultyInputError as fault:
            faults.append(fault)
    if json:
        print_json([{"code": one.code, "line": one.pointer, "message": one.message} for one in faults])
    else:
        for one in faults:
            out.print(f"{one.message} ({one.code})", markup=False)
    if faults:
        raise FaultyInputError(faults[0].code, f"{len(faults)} of {len(files)} playbooks are faulty")


@command.command
def run(
    name: Annotated[str, Parameter(help="The playbook's name.")],
    *,
    subject: Annotated[str, Parameter(help="Whom it is about, `type:id`.")] = "",
    session: Annotated[str, Parameter(help="Which session it is about.")] = "",
    device: Annotated[str, Parameter(help="Which device it is about.")] = "",
    fact: Annotated[tuple[str, ...], Parameter(negative="", help="A fact, `name=value`; repeat for several.")] = (),
    dry_run: Annotated[bool, Parameter(negative="", help="Show what would be done, and do nothing.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Run one playbook by hand; steps that ask for approval still do."""
    facts = {key: value for key, _, value in (one.partition("=") for one in fact)}
    with open_data(data, config) as house:
        check_living(house, tenant)
        about = {"subject": subject, "session": session, "device": device}
        trigger = run_trigger(house, tenant, "dry", facts=facts, **about)
        planned = house.response.executor.run(name, trigger, dry=True)
        if not dry_run:
            record = record_deed(house, COMMAND_LINE, tenant, "playbook.run", playbook=name)
            trigger = run_trigger(house, tenant, record, facts=facts, **about)
            planned = house.response.executor.run(name, trigger, dry=False)
        shown = rows(step_shown(step) for step in planned)
    if json:
        print_json(shown)
    else:
        print_table(name, ("do", "state", "subject", "session", "device"), shown)


@command.command
def pending(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List the steps that wait for a person, with whom each would hit now."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = rows(pending_shown(one) for one in house.response.approvals.pending(tenant))
    if json:
        print_json(found)
    else:
        columns = ("step", "do", "playbook", "why", "subject", "devices", "sessions", "count", "digest")
        print_table("waiting for a person", columns, found)


@command.command
def approve(
    step: StepId,
    *,
    digest: Digest,
    proposal: Proposal = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Agree to one step; the running server does it."""
    from ostiary.server.consented import approve_by  # noqa: PLC0415 - half a second that not every verb needs

    with open_data(data, config) as house:
        done = approve_by(house, COMMAND_LINE, tenant, step, digest, proposal)
    _say(done, json=json)


@command.command
def reject(
    step: StepId,
    *,
    digest: Digest,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Refuse one step for good."""
    with open_data(data, config) as house:
        done = house.response.approvals.reject(tenant, step, digest, COMMAND_LINE)
    _say(done, json=json)


@command.command
def undo(
    step: StepId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Take back what a step did: let a device out of quarantine, a token or a model in again."""
    with open_data(data, config) as house:
        done = house.response.approvals.undo(tenant, step, COMMAND_LINE)
    _say(done, json=json)


@command.command
def journal(
    *,
    state: Annotated[tuple[StepState, ...], Parameter(negative="", help="Only steps in this state.")] = (),
    limit: Limit = 100,
    jsonl: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List the newest steps, newest first."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = rows(step_shown(step) for step in house.response.approvals.listed(tenant, state, max(0, limit)))
    if jsonl:
        print_jsonl(found)
    elif json:
        print_json(found)
    else:
        print_table("steps", _COLUMNS, found)


@command.command
def obligations(
    *,
    unexecuted: Annotated[bool, Parameter(negative="", help="Only those that were not carried out.")] = False,
    limit: Limit = 100,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List the obligations that enforcement points answer for, newest first."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = house.response.obligations.listed(tenant, unexecuted=unexecuted, limit=max(0, limit))
        shown = rows(obligation_shown(one) for one in found)
    if json:
        print_json(shown)
    else:
        print_table("obligations", ("decision_id", "obligation", "type", "pep", "subject", "standing", "detail"), shown)


@command.command
def letters(
    *,
    again: Annotated[str, Parameter(help="Send this dead letter again.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List the letters that were given up, or send one again."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        if again:
            if again not in {one.letter_id for one in house.response.outbox.dead(tenant)}:
                raise RefusedError("letter_unknown", f"there is no dead letter `{again[:80]}`")
            record_deed(house, COMMAND_LINE, tenant, "letter.again", letter=again)
            house.response.outbox.again(tenant, again)
        found = rows(letter_shown(one) for one in house.response.outbox.dead(tenant))
    if json:
        print_json(found)
    else:
        print_table("dead letters", ("letter", "sink", "sequence", "kind", "attempts", "fault"), found)
