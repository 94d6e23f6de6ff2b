"""A person's passkeys, and beginning anew when all are lost: two administrators, or the tenant's people.

Whoever asks for a recovery does not approve it, under no other name either. The new link is shown once, to whoever
approved, to carry to the person by a way that is trusted.
"""

from typing import Any, Final

from ostiary.errors import RefusedError
from ostiary.identity.webauthn.types import clean_subject
from ostiary.server.admin.authenticators import (
    RecoveryBody,
    approve_recovery,
    list_authenticators,
    list_recoveries,
    remove,
    request_recovery,
)
from ostiary.server.console.asked import reason_of
from ostiary.server.console.people import people_of
from ostiary.server.console.routes import Route
from ostiary.server.console.sessions import sessions_of
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/people"


def show(visit: Visit) -> Reply:
    """Show one person: roles, what else it is, passkeys, sessions of the console."""
    house, tenant = visit.house, visit.tenant
    subject = _subject(visit)
    known = people_of(house).find(tenant, subject)
    keys = [_key(one.model_dump()) for one in list_authenticators(tenant, subject, visit.desk)]
    had = house.store.authenticators.had(tenant, subject)
    law = house.approvals.room.law(tenant)
    approves = law.find(law.who(subject))
    if known is None and not had and approves is None:
        raise RefusedError("console_person_unknown", "there is no such person of the console")
    waiting = [one for one in _recoveries(visit) if one["subject"] == subject]
    return visit.page(
        "person.html",
        HERE,
        subject=subject,
        roles=known.roles if known else (),
        deployment=bool(known and known.deployment),
        approves=approves.name if approves else "",
        groups=approves.groups if approves else (),
        keys=keys,
        lost=had and not keys,
        recoveries=waiting,
        sessions=len(sessions_of(house).of(tenant, subject)),
        has_people=house.agreed.has_people(tenant),
    )


def forget(visit: Visit) -> Reply:
    """Forget a passkey; from then on it confirms nothing."""
    subject = _subject(visit)
    remove(visit.tenant, visit.told["credential"], subject, visit.who, visit.desk, reason_of(visit.form))
    return visit.done(f"{HERE}/{subject}", "The passkey is forgotten")


def ask_recovery(visit: Visit) -> Reply:
    """Ask that a person may begin anew."""
    subject = _subject(visit)
    body = RecoveryBody(subject=subject, reason=reason_of(visit.form))
    request_recovery(visit.tenant, body, visit.who, visit.desk)
    return visit.done(f"{HERE}/{subject}", "Asked: somebody else must approve it")


def approve(visit: Visit) -> Reply:
    """Approve a recovery: all passkeys of the person go, and the link for a new one is shown this once."""
    proposal = visit.form.get("proposal", "").strip()
    done = approve_recovery(visit.tenant, visit.told["recovery"], visit.who, visit.desk, proposal)
    return visit.once(f"This link lets {done.subject} begin anew", done.url)


def _subject(visit: Visit) -> str:
    return clean_subject(visit.told["subject"])


def _recoveries(visit: Visit) -> list[dict[str, Any]]:
    found = [one.model_dump() for one in list_recoveries(visit.tenant, visit.desk)]
    admins, me = visit.house.admins, visit.who.key_id
    return [
        {**one, "asked": stamp(one["created_ns"]), "until": stamp(one["expires_ns"]), "mine": _same(admins, one, me)}
        for one in found
    ]


def _same(admins: Any, one: dict[str, Any], me: str) -> bool:
    return bool(admins.same(one["requested_by"], me))


def _key(one: dict[str, Any]) -> dict[str, Any]:
    used = stamp(one["used_ns"]) if one["used_ns"] else ""
    return {**one, "since": stamp(one["created_ns"]), "used": used}


ROUTES = (
    Route("GET", "/people/{subject}", "people", show),
    Route("POST", "/people/{subject}/recovery", "people", ask_recovery, "change"),
    Route("POST", "/people/{subject}/passkeys/{credential}/remove", "people", forget, "change"),
    Route("POST", "/people/recoveries/{recovery}/approve", "people", approve, "change"),
)
