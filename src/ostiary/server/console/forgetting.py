"""What the console keeps of a person, forgotten with it: its role, its sessions, its views, the keys that it made."""

from typing import Final

from ostiary.server.console.leaving import end_keys
from ostiary.server.console.people import people_of
from ostiary.server.console.saved import forget_views
from ostiary.server.console.sessions import sessions_of
from ostiary.server.wiring import House

BY: Final = "erasure"


def forget_console(house: House, tenant: str, subject: str) -> None:
    """Erase it; a tenant may be left without an owner, for a person's right to be forgotten waits for nobody."""
    sessions = sessions_of(house)
    for session in sessions.of(tenant, subject):
        sessions.drop(session)
    people_of(house).erase(tenant, subject)
    forget_views(house, tenant, subject)
    end_keys(house, tenant, subject, BY)  # they bear its name
