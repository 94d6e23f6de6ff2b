"""Keys: which sign, and how old they are; administrators' keys; the keys of a user's conversations.

Signing keys are the machine's: the next one is made by whoever looks after the deployment. Destroying keys of
conversations takes the user's name typed again and a legal reason: no copy of the database brings them back.
"""

from collections.abc import Sequence
from typing import Any, Final

from ostiary.identity.webauthn.types import clean_subject
from ostiary.server.admin.keyrings import (
    KeyShown,
    RotateBody,
    ShredBody,
    list_signing_keys,
    rotate_key,
    show_conversation_keys,
    shred_conversation_keys,
)
from ostiary.server.admin.keys import create_key, list_keys, revoke_key
from ostiary.server.console.asked import check_typed, reason_of
from ostiary.server.console.routes import Route
from ostiary.server.console.spans import since
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/keys"
_YEAR_NS: Final = 365 * 86_400 * 1_000_000_000
_WORDS: Final = {
    "access-requests": "what was asked for, and granted",
    "access-token": "access tokens",
    "activation": "which policy and risk model are in force",
    "baselines": "what is usual for a subject",
    "break-glass": "what is open, and the codes",
    "console": "people and sessions of the console",
    "log": "the log, for all tenants",
    "metadata": "what Ostiary says of itself",
    "model-bundles": "models that are packed here",
    "model-release": "models that are released here",
    "models": "which model version is live",
    "phases": "how far each control is rolled out",
    "provenance": "how a model was trained",
    "reports": "reports of shadow and impact",
    "shared-signals": "signals to others",
    "suppressions": "what is silenced",
    "templates": "how a person types and points",
    "training": "what was trained on what",
    "witness": "heads of logs that were seen",
}


def show(visit: Visit) -> Reply:
    """Show everything but secrets."""
    who = visit.query.get("user", "").strip()
    user = f"user:{who}" if who and ":" not in who else who
    keys = list_signing_keys(visit.tenant, visit.desk)
    admins = [
        {**one.model_dump(), "made": stamp(one.made_ns) if one.made_ns else ""}
        for one in list_keys(visit.tenant, visit.desk)
    ]
    conversations = show_conversation_keys(visit.tenant, clean_subject(user), visit.desk).model_dump() if user else None
    return visit.page(
        "keys.html",
        HERE,
        purposes=[_purpose(name, keys, visit.now_ns) for name in sorted({one.purpose for one in keys})],
        admins=admins,
        user=user,
        conversations=conversations,
        has_people=visit.house.agreed.has_people(visit.tenant),
        deployment=visit.person.deployment,
    )


def add_administrator(visit: Visit) -> Reply:
    """Make an administrator's key and show it this once; it counts as the person who made it."""
    made = create_key(visit.tenant, visit.who, visit.desk, visit.form.get("proposal", "").strip())
    return visit.once("This key administers the tenant. It counts as yours.", made.key)


def end_administrator(visit: Visit) -> Reply:
    """Revoke an administrator's key."""
    revoke_key(visit.tenant, visit.told["key"], visit.who, visit.desk)
    return visit.done(HERE, f"{visit.told['key']} opens nothing any more")


def rotate(visit: Visit) -> Reply:
    """Make the next signing key of a purpose."""
    form, purpose = visit.form, visit.told["purpose"]
    wanted = {"overlap_days": form.get("overlap_days", "0"), "proposal": form.get("proposal", "").strip()}
    made = rotate_key(visit.tenant, purpose, RotateBody.model_validate(wanted), visit.who, visit.desk)
    return visit.done(HERE, f"{made.kid} signs from now on; what the old one signed still verifies")


def shred(visit: Visit) -> Reply:
    """Destroy the keys of all conversations of a user."""
    subject = visit.form.get("subject", "").strip()
    check_typed(visit.form, subject)
    body = ShredBody.model_validate(
        {"subject": subject, "reason": reason_of(visit.form), "proposal": visit.form.get("proposal", "").strip()}
    )
    gone = shred_conversation_keys(visit.tenant, body, visit.who, visit.desk)
    return visit.done(HERE, f"{gone.conversations} conversations of {subject} can never be read again")


def _purpose(name: str, keys: Sequence[KeyShown], now_ns: int) -> dict[str, Any]:
    mine = [one for one in keys if one.purpose == name]
    signs = [one for one in mine if one.state == "active"]
    newest = signs[-1] if signs else mine[-1]
    return {
        "purpose": name,
        "words": _WORDS.get(name, ""),
        "kid": newest.kid,
        "alg": newest.alg,
        "made": stamp(newest.created_ns),
        "age": since(newest.created_ns, now_ns),
        "old": now_ns - newest.created_ns > _YEAR_NS,
        "overlap": sum(one.state == "overlap" for one in mine),
        "retired": sum(one.state == "retired" for one in mine),
    }


ROUTES = (
    Route("GET", HERE, "keys", show),
    Route("POST", "/keys/administrators", "keys", add_administrator, "change"),
    Route("POST", "/keys/administrators/{key}/revoke", "keys", end_administrator, "change"),
    Route("POST", "/keys/conversations/shred", "keys", shred, "change"),
    Route("POST", "/keys/signing/{purpose}/rotate", "deployment", rotate, "change"),
)
