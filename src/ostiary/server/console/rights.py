"""What the navigation offers a person: read from the data of the tenant's policy, and no decision about anything.

A policy of one's own without that data offers everything; what is clicked is decided all the same.
"""

from collections.abc import Mapping
from typing import Any, Final

from ostiary.server.console.routes import ACTIONS
from ostiary.server.console.signed_in import SignedIn
from ostiary.server.wiring import House

_EVERYTHING: Final[Mapping[str, frozenset[str]]] = {action: frozenset({"*"}) for action in ACTIONS}


def rights_of(house: House, who: SignedIn) -> Mapping[str, frozenset[str]]:
    """Return the areas of each action that a person's roles name."""
    table: Any = house.policies.engine(who.session.tenant).bundle.data.get("console", {}).get("roles")
    if not isinstance(table, dict):
        return _EVERYTHING
    granted = [table.get(role, {}) for role in who.person.roles]
    return {action: frozenset(area for one in granted for area in one.get(action, ())) for action in ACTIONS}
