"""The grant of a workload: all tokens that it exchanges for one resource in one window share what they may read.

A token that is good for many exchanges, or a platform that hands out as many as are asked for, would else give a fresh
budget with every exchange. So the claim ``grant`` of our own tokens names

- the workload: issuer, subject, and the one run, job or pod of it where its platform names it;
- the resource, and the window of time in which the token was exchanged. Neither purpose nor stage is part of it: both
  are words that the caller chooses.

A token that is narrowed keeps the grant of the one that it came from; one that was minted by hand has none.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.types import VerifiedIdentity, thaw
from ostiary.keys import sha256

CLAIM: Final = "grant"
_NS: Final = 1_000_000_000


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workload's grant.

    Attributes:
        id: names workload, resource and window; tells nothing of them.
        until: when the window ends, in seconds since 1970.
    """

    id: str
    until: int

    @property
    def until_ns(self) -> int:
        """When the window ends."""
        return self.until * _NS


def grant_for(workload: Mapping[str, str], detail: AccessDetail, now_ns: int, window_s: int) -> dict[str, Any]:
    """Return the claim of a workload's token that is exchanged now."""
    until = (now_ns // _NS // window_s + 1) * window_s
    named = [sorted(workload.items()), detail.type, detail.identifier, until]
    return msgspec.to_builtins(Grant(f"grant-{sha256(msgspec.json.encode(named)).hex()}", until))  # type: ignore[no-any-return]


def grant_of(identity: VerifiedIdentity) -> Grant | None:
    """Return the grant of a token of our own; ``None`` for everybody else's tokens, and for those made by hand."""
    told = identity.claims.get(CLAIM) if identity.exchanged else None
    try:
        return None if told is None else msgspec.convert(thaw(told), Grant)
    except msgspec.ValidationError:
        return None
