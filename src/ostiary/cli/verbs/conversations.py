"""``ostiary conversations``: list, export, delete and verify them in a data directory, for whoever holds its keys.

Owners do this at the door ``/conversations`` of a server; here an administrator of the machine does it for them, and a
record says so.
"""

import time
from typing import Annotated, Any

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_jsonl, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.gateway.conversations import verify as look
from ostiary.gateway.conversations.parts import unknown
from ostiary.server.conversations import transcript_told
from ostiary.server.deeds import COMMAND_LINE, record_deed

command = App(name="conversations", help="Conversations with language models, encrypted for their owners.")

User = Annotated[str, Parameter(help="Whose, as type:id, such as user:ann.")]
_SECOND_NS = 1_000_000_000


@command.command(name="list")
def list_(
    user: User, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """List a user's conversations, newest first."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        record_deed(house, COMMAND_LINE, tenant, "conversation.list")
        rows: list[dict[str, Any]] = [
            {
                "id": one.id,
                "title": one.title,
                "messages": one.count,
                "bytes": one.size,
                "created": one.created_ns // _SECOND_NS,
                "updated": one.updated_ns // _SECOND_NS,
            }
            for one in house.conversations.all(tenant, _named(user))
        ]
    if json:
        print_json(rows)
        return
    for row in rows:
        row["updated"] = time.strftime("%Y-%m-%d %H:%M", time.gmtime(row["updated"]))
    print_table(f"conversations of {user}", ["id", "title", "messages", "updated"], rows)


@command.command
def export(
    user: User,
    conversation: Annotated[str, Parameter(help="Only this one.")] = "",
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Write a user's conversations to stdout: one a line, or a JSON list with `--json`."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        record_deed(house, COMMAND_LINE, tenant, "conversation.export")
        if conversation:
            found = iter((house.conversations.read(tenant, _named(user), conversation),))
        else:
            found = house.conversations.export(tenant, _named(user))
        told = (transcript_told(one) for one in found)
        if json:
            print_json(list(told))
        else:
            print_jsonl(told)


@command.command
def delete(
    user: User,
    conversation: Annotated[str, Parameter(help="Which one.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    dry_run: Annotated[bool, Parameter(negative="", help="Tell what would be done, and do nothing.")] = False,
    yes: Annotated[bool, Parameter(negative="", help="Do it: this cannot be undone.")] = False,
    json: Json = False,
) -> None:
    """Delete a conversation for good: its key is destroyed, no backup of the database brings it back."""
    if not yes and not dry_run:
        raise FaultyInputError("not_confirmed", "this cannot be undone: say `--yes`")
    with open_data(data, config) as house:
        check_living(house, tenant)
        if not house.conversations.owns(tenant, _named(user), conversation):  # one that is damaged goes as well
            raise unknown()
        if not dry_run:
            deed = record_deed(house, COMMAND_LINE, tenant, "conversation.delete", conversation=conversation)
            house.conversations.delete(tenant, user, conversation, deed)
    if json:
        print_json({"id": conversation, "done": not dry_run})
    else:
        out.print(f"{conversation} {'would be' if dry_run else 'is'} gone for good", markup=False)


@command.command
def verify(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """Open every conversation of a tenant and check it: chain, head, log. Exit 5 when one was tampered with."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = look(house.conversations.parts, tenant)
    if json:
        print_json(found)
    else:
        out.print(f"{found.whole:,} conversations are whole, {len(found.wrong):,} are not", markup=False)
        for conversation, code in found.wrong.items():
            out.print(f"{conversation} {code}", markup=False)
    if found.wrong:
        raise VerificationError("conversation_damaged", f"{len(found.wrong)} conversations do not verify")


def _named(user: str) -> str:
    kind, colon, name = user.partition(":")
    if not colon or not kind or not name:
        raise FaultyInputError("subject_invalid", f"`{user[:80]}` is not type:id, such as user:ann")
    return user
