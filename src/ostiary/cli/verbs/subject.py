"""``ostiary subject``: what is held of a person, and forgetting it.

Names are ``type:id`` as in requests, such as ``user:ann``. A running server keeps profiles in memory: where one runs,
use its admin API, which forgets those too.
"""

import itertools
from typing import Annotated

from cyclopts import App, Parameter

from ostiary.audit.subjects import SubjectAdmin
from ostiary.cli.output import out, print_json, print_jsonl
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.biometrics.exporting import held
from ostiary.server.consented import may_erase
from ostiary.server.conversations import transcript_told
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.forgetting import forget

command = App(name="subject", help="A person's rights: to see what is held, and to be forgotten.")

Subject = Annotated[str, Parameter(help="The person, as type:id, such as user:ann.")]


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
