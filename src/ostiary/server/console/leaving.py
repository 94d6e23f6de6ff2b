"""What goes with a person's roles, by whichever way they are taken: its sessions, and keys that it made as an owner.

One way for the API, the command line and forgetting: a key that was left would go on administering for nobody.
"""

from collections.abc import Sequence
from typing import Final

from ostiary.server.console.people import ConsolePerson, enter, take_off
from ostiary.server.console.sessions import end, sessions_of
from ostiary.server.deeds import record_deed
from ostiary.server.wiring import House

OWNER: Final = "owner"
TAKEN_OFF: Final = "console_person_removed"


def let_go(house: House, tenant: str, subject: str, by: str) -> None:
    """Take all roles from a person, end its sessions, which do not come back with it, and the keys that it made.

    Raises:
        RefusedError: ``console_person_unknown``, ``console_last_owner``.
        UnavailableError: it cannot be recorded.
    """
    take_off(house, tenant, subject, by)
    for session in sessions_of(house).of(tenant, subject):
        end(house, session, TAKEN_OFF)
    end_keys(house, tenant, subject, by)


def give_roles(
    house: House, tenant: str, subject: str, roles: Sequence[str], by: str, *, deployment: bool
) -> ConsolePerson:
    """Give a person roles; the keys of one who is no owner by them end. Raises as ``enter``."""
    made = enter(house, tenant, subject, roles, by, deployment=deployment)
    if OWNER not in made.roles:
        end_keys(house, tenant, subject, by)
    return made


def end_keys(house: House, tenant: str, subject: str, by: str) -> None:
    """Revoke the keys of a tenant that a person of the console has seen."""
    for key in house.admins.of_tenant(tenant):
        if key.person == subject:
            record_deed(house, by, tenant, "admin_key.revoke", key_id=key.key_id)
            house.admins.revoke(key.key_id)
