"""``ostiary keys``: list, rotate and shred.

- ``rotate`` makes the next signing key of a purpose; retired keys go on verifying what they signed. The purpose
  ``conversations`` is that of data keys (``cli/conversation_keys``).
- ``shred`` destroys the keys under which a subject's data was sealed: the data is gone, backups of it included.
"""

from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.subjects import SubjectAdmin
from ostiary.cli.conversation_keys import (
    CONVERSATIONS,
    DryRun,
    Rotated,
    rotate_conversations,
    shred_conversations,
    tell,
)
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.keys import ALGORITHMS, KeyRing
from ostiary.server.deeds import COMMAND_LINE

_SECOND_NS: Final = 1_000_000_000

command = App(name="keys", help="Signing keys and the keys that personal data is sealed under.")


def _rows(ring: KeyRing, tenant: str, now_ns: int) -> list[dict[str, object]]:
    from ostiary.server.key_care import signing_keys  # noqa: PLC0415 - half a second that not every verb needs

    return [
        {
            "kid": one.kid,
            "purpose": one.purpose,
            "alg": one.alg,
            "state": one.state,
            "created": one.created_ns // _SECOND_NS,
        }
        for one in signing_keys(ring, tenant, now_ns)
    ]


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's signing keys, public parts only; the log's own key belongs to the tenant `system`."""
    with open_data(data, config) as house:
        rows = _rows(house.ring, tenant, house.clock.now_ns())
    if json:
        print_json(rows)
    else:
        print_table(f"signing keys of {tenant}", ["kid", "purpose", "alg", "state"], rows)


@command.command
def rotate(
    purpose: Annotated[
        str,
        Parameter(
            help="What the key is for; `ostiary keys list` shows it. `log` is the log's, `conversations` users'."
        ),
    ],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    alg: Annotated[str, Parameter(help="EdDSA, ES256 or RS256. Default: as the key that signs now.")] = "",
    overlap_days: Annotated[int, Parameter(help="For so long the old key may still sign.")] = 0,
    user: Annotated[str, Parameter(help="Of `conversations`: this user's data key only, as type:id.")] = "",
    wrapping: Annotated[
        bool, Parameter(negative="", help="Of `conversations`: the tenant's key, which wraps the users'.")
    ] = False,
    reencrypt: Annotated[
        bool, Parameter(negative="", help="Of `conversations`: bring all older messages over now, not bit by bit.")
    ] = False,
    dry_run: DryRun = False,
    proposal: Proposal = "",
    json: Json = False,
) -> None:
    """Make the next key of a purpose; the old one goes on verifying, its secret half is erased."""
    from ostiary.server.consented import may_change_keys  # noqa: PLC0415 - half a second that not every verb needs
    from ostiary.server.key_care import Next  # noqa: PLC0415
    from ostiary.server.key_care import rotate as next_key  # noqa: PLC0415

    with open_data(data, config) as house:
        _check_rotation(house.ring, tenant, purpose, alg, plain=not (user or wrapping or reencrypt or dry_run))
        if purpose == CONVERSATIONS:
            check_living(house, tenant)
        if purpose == CONVERSATIONS:
            if not dry_run:
                bound = {"alg": alg, "overlap_days": str(overlap_days), "user": user}
                bound |= {"wrapping": str(wrapping).lower()}
                may_change_keys(house, COMMAND_LINE, tenant, purpose, proposal, **bound)
            wanted = Rotated(tenant, user, wrapping=wrapping, reencrypt=reencrypt)
            tell(rotate_conversations(house, wanted, dry_run=dry_run), json=json)
            return
        kid = next_key(house, COMMAND_LINE, tenant, Next(purpose, alg, overlap_days, proposal))
        told = {"kid": kid, "purpose": purpose, "tenant": SYSTEM_TENANT if purpose == LOG_PURPOSE else tenant}
    if json:
        print_json(told)
    else:
        out.print(f"new key {told['kid']}", markup=False)
        if purpose == LOG_PURPOSE:
            err.print("verifiers that visit during the overlap learn it; give it to the others", style="dim")


def _check_rotation(ring: KeyRing, tenant: str, purpose: str, alg: str, *, plain: bool) -> None:
    """Refuse what cannot be done before anybody's agreement is used up for it."""
    if purpose == CONVERSATIONS:
        return
    if not plain:
        raise FaultyInputError("usage", "`--user`, `--wrapping`, `--reencrypt`, `--dry-run` are for `conversations`")
    if purpose == LOG_PURPOSE:
        return
    if alg and alg not in ALGORITHMS:
        text = f"`{alg[:20]}` is no key algorithm of ours: use EdDSA, ES256 or RS256"
        raise FaultyInputError("key_malformed", text)
    if purpose not in ring.purposes(tenant):
        raise FaultyInputError("key_unknown", f"`{tenant}` has no key for `{purpose[:50]}`")


@command.command
def shred(
    subject: Annotated[str, Parameter(help="Whose keys, as type:id, such as user:ann.")],
    *,
    conversation: Annotated[str, Parameter(help="Only this conversation's key.")] = "",
    only: Annotated[
        Literal["", "log", "conversations"], Parameter(help="Only what the log holds, or only conversations.")
    ] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    dry_run: DryRun = False,
    yes: Annotated[bool, Parameter(negative="", help="Do it: this cannot be undone.")] = False,
    reason: Annotated[str, Parameter(help="The legal reason; needed where the tenant has people.")] = "",
    proposal: Proposal = "",
    json: Json = False,
) -> None:
    """Destroy a subject's keys: what the log holds of it and its conversations can never be read again."""
    if not yes and not dry_run:
        raise FaultyInputError("not_confirmed", "this cannot be undone: say `--yes`")
    if conversation and only == "log":
        raise FaultyInputError("usage", "`--conversation` is no part of the log")
    from ostiary.server.consented import may_erase  # noqa: PLC0415 - half a second that not every verb needs
    from ostiary.server.decision_index.erasing import follow_erasures  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        if not dry_run:
            may_erase(house, COMMAND_LINE, tenant, subject, reason, proposal, only=only, conversation=conversation)
        told = shred_conversations(house, tenant, subject, conversation, dry_run=dry_run) if only != "log" else {}
        if only != CONVERSATIONS and not conversation and not dry_run:
            erased = SubjectAdmin(house.log, house.clock).erase(tenant, subject)
            follow_erasures(house.log, house.store.decisions)
            told |= {"count": erased.count, "record_id": erased.record_id}
            told["templates"] = house.templates.forget(tenant, subject) if not only else 0
    if json:
        print_json(told)
        return
    if "count" in told:
        words = f"{told['count']:,} payloads are unreadable for ever (record {told['record_id']})"
        out.print(words, markup=False)
    if "conversations" in told:
        verb = "would be" if dry_run else "are"
        out.print(f"{told['conversations']:,} conversations {verb} unreadable for ever", markup=False)
