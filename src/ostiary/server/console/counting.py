"""The numbers beside entries of the navigation: how much of it needs the person who looks. They cost next to nothing.

What cannot be counted is told to whoever looks after the server, and the page comes without the number.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.server.console.visit import Visit

_APPROVALS: Final = "/approvals"


def counts_of(visit: "Visit") -> Mapping[str, int]:
    """Return the numbers by the path of their entry."""
    if not visit.may("view", "approvals"):
        return {}
    try:
        return {_APPROVALS: len(visit.house.approvals.inbox.needs(visit.tenant, visit.person.subject))}
    except OstiaryError as fault:
        visit.shared.desk.faults(fault.code, fault)
        return {}
