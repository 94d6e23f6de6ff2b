"""Who may sign in, as what; entering, changing and taking off.

A person who has no passkey yet is shown the link that adds one, once, to carry to it by a way that is trusted.
"""

from ostiary.errors import FaultyInputError
from ostiary.server.admin.authenticators import InvitationBody
from ostiary.server.admin.authenticators import invite as invite_passkey
from ostiary.server.admin.console import (
    RolesBody,
    enter_console_person,
    list_console_guests,
    list_console_people,
    remove_console_person,
)
from ostiary.server.console.people import ROLES
from ostiary.server.console.routes import Route
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE = "/people"


def show(visit: Visit) -> Reply:
    """Show everybody."""
    people = list_console_people(visit.tenant, visit.desk)
    passkeys = visit.house.store.authenticators
    rows = [{**one.model_dump(), "passkeys": len(passkeys.of_subject(visit.tenant, one.subject))} for one in people]
    return visit.page(
        "people.html", HERE, people=rows, guests=list_console_guests(visit.tenant, visit.desk), roles=ROLES
    )


def enter(visit: Visit) -> Reply:
    """Enter somebody, or give other roles."""
    name = visit.form.get("name", "").strip()
    subject = name if name.startswith("user:") else f"user:{name}"
    roles = tuple(role for role in ROLES if visit.form.get(f"role-{role}"))
    if not roles:
        raise FaultyInputError("console_role_unknown", "choose at least one role")
    body = RolesBody.model_validate({"roles": roles})
    enter_console_person(visit.tenant, subject, body, visit.who, visit.desk)
    return visit.done(HERE, f"{subject} is {', '.join(roles)} now")


def link(visit: Visit) -> Reply:
    """Make the link by which a person adds a passkey, and show it this once."""
    subject = visit.told["subject"]
    made = invite_passkey(visit.tenant, InvitationBody(subject=subject), visit.who, visit.desk)
    return visit.once(f"This link adds a passkey for {subject}, once", made.url)


def remove(visit: Visit) -> Reply:
    """Take all roles from somebody."""
    subject = visit.told["subject"]
    remove_console_person(visit.tenant, subject, visit.who, visit.desk)
    return visit.done(HERE, f"{subject} has no role any more")


ROUTES = (
    Route("GET", HERE, "people", show),
    Route("POST", HERE, "people", enter, "change"),
    Route("POST", "/people/{subject}/link", "people", link, "change"),
    Route("POST", "/people/{subject}/remove", "people", remove, "change"),
)
