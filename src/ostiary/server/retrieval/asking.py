"""The asker of a search, from what the decision knew: the same facts that policy saw, and no others."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ostiary.rag.ports import Asker
from ostiary.server.doors import Caller, Passed

MAX_VALUE: Final = 256


def asker_of(caller: Caller, passed: Passed, claims: Iterable[str] = ()) -> Asker:
    """Return who searches.

    Args:
        caller: who came through a door.
        passed: the decision that let it in; its record holds groups and attributes as they were then.
        claims: names of the token's claims that sources may name in their rights.
    """
    identity = caller.identity
    document: dict[str, Any] = msgspec.json.decode(passed.decided.record.input)
    groups = document.get("subject", {}).get("groups", ())
    found = {name: identity.claims.get(name) for name in claims}
    return Asker(
        tenant=caller.tenant,
        subject=f"{identity.subject_type}:{identity.subject_id}",
        groups=tuple(str(one) for one in groups),
        claims={name: str(value) for name, value in found.items() if _names_somebody(value)},
        document=document,
    )


def _names_somebody(value: object) -> bool:
    """Return whether a claim is a text or a whole number: nothing else names anybody."""
    number = isinstance(value, int) and not isinstance(value, bool)
    return number or (isinstance(value, str) and 0 < len(value) <= MAX_VALUE)
