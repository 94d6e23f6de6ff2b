"""``ostiary subject``: who is risky, what is held of a person, and forgetting it.

Names are ``type:id`` as in requests, such as ``user:ann``. A running server keeps profiles in memory: where one runs,
use its admin API, which forgets those too.
"""

import itertools
from typing import Annotated, Literal

from cyclopts import App, Parameter

from ostiary.audit.subjects import SubjectAdmin
from ostiary.cli.output import out, print_json, print_jsonl, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.analyst.subject import SubjectShown, subject_of
from ostiary.server.analyst.subjects import SubjectFilter, subjects_of
from ostiary.server.biometrics.exporting import held
from ostiary.server.consented import may_erase
from ostiary.server.conversations import transcript_told
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.forgetting import forget

command = App(name="subject", help="Subjects by risk, and a person's rights: to see what is held, to be forgotten.")

Subject = Annotated[str, Parameter(help="The person, as type:id, such as user:ann.")]


Level = Literal["", "unknown", "low", "medium", "high"]
State = Literal["", "active", "reduced", "step_up", "ended", "none"]


@command.command(name="list")
def list_(
    *,
    type_: Annotated[str, Parameter(name="--type", help="Only of this type, such as user.")] = "",
    name: Annotated[str, Parameter(help="Only those with this in their id.")] = "",
    level: Annotated[Level, Parameter(help="Only of this risk.")] = "",
    state: Annotated[State, Parameter(help="Only in this state.")] = "",
    limit: Annotated[int, Parameter(help="How many at most.")] = 100,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List people and workloads, those with the riskiest living session first."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = subjects_of(house, tenant, SubjectFilter(type_, name, level, state), max(0, limit))
    rows = [one.model_dump(mode="json") for one in found]
    if json:
        print_json(rows)
    else:
        print_table("subjects", ("subject", "level", "score", "state", "sessions", "cases"), rows)


@command.command
def show(
    subject: Subject, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one: facts, sessions, devices, risk, rhythm, cases; conversations are counted only."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = subject_of(house, tenant, subject)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        _tell(found)


def _tell(found: SubjectShown) -> None:
    row = found.row
    facts = {
        "subject": row.subject,
        "risk": f"{row.level} {'' if row.score is None else format(row.score, '.2f')}".strip(),
        "state": row.state,
        "groups": ", ".join(found.groups),
        "sessions": f"{row.sessions} live, {len(found.ended)} ended",
        "devices": ", ".join(one.name or one.device for one in found.devices),
        "passkeys": str(len(found.passkeys)),
        "decisions": ", ".join(f"{count} {name}" for name, count in sorted(found.effects.items())),
        "cases": str(len(found.cases)),
        "verdicts": ", ".join(f"{count} {word}" for word, count in found.feedback.items() if count),
    }
    for name, value in facts.items():
        if value:
            out.print(f"{name:<10} {value}", markup=False)


@command.command
def export(
    subject: Subject,
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    jsonl: Annotated[bool, Parameter(negative="", help="One record a line, as they are read.")] = False,
) -> None:
    """Write all that is held of a person to stdout, as JSON: what the log has, conversations, and of behaviour."""
    _parts(subject)
    with open_data(data, config) as house:
        records = SubjectAdmin(house.log, house.clock).export(tenant, subject)
        talks = house.conversations.export(tenant, subject)
        behaviour = held(house.templates, tenant, subject)
        record_deed(house, COMMAND_LINE, tenant, "subject.export")
        if jsonl:
            told_behaviour = [{"biometrics": behaviour}] if behaviour else []
            print_jsonl(itertools.chain(records, (transcript_told(one) for one in talks), told_behaviour))
        else:
            told = {"tenant": tenant, "subject": subject, "records": list(records)}
            talked = {"conversations": [transcript_told(one) for one in talks]}
            print_json({**told, **talked, **({"biometrics": behaviour} if behaviour else {})})


@command.command
def erase(
    subject: Subject,
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    yes: Annotated[bool, Parameter(negative="", help="Do it: this cannot be undone.")] = False,
    reason: Annotated[str, Parameter(help="The legal reason; needed where the tenant has people.")] = "",
    proposal: Proposal = "",
    json: Json = False,
) -> None:
    """Forget a person: key destroyed, payloads overwritten, profile and imported history erased; proofs stay valid."""
    kind, name = _parts(subject)
    if not yes:
        raise FaultyInputError("not_confirmed", "this cannot be undone: say `--yes`")
    with open_data(data, config) as house:
        consent = may_erase(house, COMMAND_LINE, tenant, subject, reason, proposal)
        if consent.proposal:  # erasing writes a record of its own, which names no agreement
            record_deed(house, COMMAND_LINE, tenant, "subject.erase", **consent.told)
        erased = forget(house, tenant, kind, name)
    if json:
        print_json(erased)
    else:
        out.print(f"forgotten: {erased.count:,} payloads erased (record {erased.record_id})", markup=False)


def _parts(subject: str) -> tuple[str, str]:
    kind, colon, name = subject.partition(":")
    if not colon or not kind or not name:
        raise FaultyInputError("subject_invalid", f"`{subject[:80]}` is not type:id, such as user:ann")
    return kind, name
