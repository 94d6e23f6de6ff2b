"""Keys of conversations for the verb ``keys``: the next data key of users, the next key of a tenant, and shredding.

    ostiary keys rotate conversations                     every user begins a new data key; older messages follow
    ostiary keys rotate conversations --user user:ann     one user
    ostiary keys rotate conversations --reencrypt         … and all older messages are brought over before it ends
    ostiary keys rotate conversations --wrapping          the tenant's key: wrapped anew, nothing is re-encrypted
    ostiary keys shred user:ann [--conversation ID]       gone for good, from backups of the database too

A running server may go on writing meanwhile.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from ostiary.cli.output import err, out, print_json
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.gateway.conversations import Rotation, Shredding
from ostiary.server.deeds import COMMAND_LINE, record_deed

if TYPE_CHECKING:
    from ostiary.server.wiring import House

CONVERSATIONS: Final = "conversations"
DryRun = Annotated[bool, Parameter(negative="", help="Tell what would be done, and do nothing.")]
_ROUND: Final = 500


class Rotated(msgspec.Struct, frozen=True):
    """What is to be rotated."""

    tenant: str
    user: str
    wrapping: bool
    reencrypt: bool


def rotate_conversations(house: "House", wanted: Rotated, *, dry_run: bool) -> dict[str, Any]:
    """Rotate keys of conversations and tell what was done.

    Raises:
        RefusedError: ``user_unknown``.
        FaultyInputError: ``usage``.
        UnavailableError: ``conversation_not_read``: some could not be brought over; a key is away, or the log.
    """
    if wanted.wrapping and (wanted.user or wanted.reencrypt):
        raise FaultyInputError("usage", "`--wrapping` is for a tenant, and re-encrypts nothing")
    parts, rotation = house.conversations.parts, Rotation(house.conversations.parts)
    if dry_run:
        users = 1 if wanted.user else len(parts.store.owners(wanted.tenant))
        return {"tenant": wanted.tenant, "users": users, "left": parts.store.stale_count(wanted.tenant), "done": False}
    deed = record_deed(house, COMMAND_LINE, wanted.tenant, "conversation_keys.rotate", wrapping=wanted.wrapping)
    if wanted.wrapping:
        return {"tenant": wanted.tenant, **msgspec.structs.asdict(rotation.rewrap(wanted.tenant, deed)), "done": True}
    told: dict[str, Any] = {"tenant": wanted.tenant, "done": True}
    if wanted.user:
        told |= {"users": 1, "epoch": rotation.turn(wanted.tenant, wanted.user, deed)}
    else:
        told["users"] = rotation.turn_all(wanted.tenant, deed)
    if wanted.reencrypt:
        told["reencrypted"] = _bring_over(rotation, wanted)
        told["destroyed"] = Shredding(parts).tend(wanted.tenant)
    return {**told, "left": parts.store.stale_count(wanted.tenant)}


def _bring_over(rotation: Rotation, wanted: Rotated) -> int:
    done = 0
    while True:
        progress = rotation.reencrypt(wanted.tenant, _ROUND, wanted.user)
        done += progress.done
        if progress.failed:
            first = next(iter(progress.failed.items()))
            text = f"{len(progress.failed)} conversations could not be brought over, `{first[0]}` for one: {first[1]}"
            raise UnavailableError("conversation_not_read", text)
        if not progress.done:
            return done
        err.print(f"{done:,} brought over, {progress.left:,} left", style="dim")


def shred_conversations(
    house: "House", tenant: str, subject: str, conversation: str, *, dry_run: bool
) -> dict[str, Any]:
    """Destroy the key of one conversation, or all of a user; tell how many conversations are gone by it.

    Raises:
        RefusedError: ``conversation_unknown``.
    """
    conversations = house.conversations
    if dry_run:
        count = int(conversations.owns(tenant, subject, conversation)) if conversation else 0
        return {"conversations": count if conversation else conversations.count(tenant, subject), "done": False}
    deed = record_deed(house, COMMAND_LINE, tenant, "conversation_keys.shred")
    if conversation:
        conversations.delete(tenant, subject, conversation, deed)
        return {"conversations": 1, "done": True}
    return {"conversations": conversations.forget(tenant, subject, deed), "done": True}


def tell(told: dict[str, Any], *, json: bool) -> None:
    """Print what was done."""
    if json:
        print_json(told)
        return
    words = {
        "users": "users have a new data key" if "version" not in told else "users' data keys are wrapped anew",
        "epoch": "is the epoch now",
        "reencrypted": "conversations were brought over",
        "destroyed": "old keys are destroyed",
        "left": "conversations hold older messages; a running server brings them over",
    }
    if not told["done"]:
        out.print("nothing was done", markup=False)
        words["users"] = "users would have a new data key"
    for name, text in words.items():
        if name in told:
            out.print(f"{told[name]:,} {text}", markup=False)
