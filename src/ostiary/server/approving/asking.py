"""Who asks: an administrator's key says which person stands behind it, nobody says so himself.

1. A key that is nobody's among the people asks for nothing: else somebody could ask under one name and agree under
   another. Whoever may open the data directory says for whom he asks, and the log says that he said so.
2. A person of the console asks as itself, by the name that it signed in with; every other name of that human being
   stands in the people file, as for keys.
"""

import msgspec

from ostiary.approvals.proposal import Draft, Proposal
from ostiary.approvals.refusing import refusal
from ostiary.server.admins import name_of
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.wiring import House
from ostiary.vocabulary.approvals import Deed


def proposer_of(house: House, tenant: str, key_id: str) -> str:
    """Return the person behind an administrator's key, or behind an entry in the console.

    Raises:
        RefusedError: ``approval_proposer_unknown``.
    """
    name = name_of(key_id)
    found = house.approvals.room.law(tenant).who(name)
    if not found:
        text = "you are not among this tenant's people, so you cannot ask them" if name == key_id else ""
        raise refusal("approval_proposer_unknown", text)
    return found


class Asker(msgspec.Struct, frozen=True):
    """Who asks: an administrator (key or person of the console), or a person whom the command line names."""

    key_id: str = ""
    proposer: str = ""


def ask(
    house: House,
    deed: Deed,
    asker: Asker,
    *,
    why: str = "",
    change: str = "",
    lives_s: int = 0,
    not_before_ns: int = 0,
) -> Proposal:
    """Propose a deed.

    Raises:
        RefusedError: ``approval_…``.
        FaultyInputError: ``approval_malformed``.
        UnavailableError: it cannot be recorded.
    """
    key_id = asker.key_id
    who = proposer_of(house, deed.tenant, key_id) if key_id else asker.proposer
    by = name_of(key_id) if key_id else COMMAND_LINE
    draft = Draft(deed, who, why, by, lives_s, not_before_ns, change)
    record_deed(house, key_id or COMMAND_LINE, deed.tenant, "approval.propose", kind=deed.kind)
    return house.approvals.room.propose(deed.tenant, draft)
