"""Reasons for a pair's score and what to do about a grant, in plain words.

- *Revoke* is recommended only for a grant that is both unusual and unused; either alone is a reason to look.
- Without events nobody knows what is unused, so nothing is recommended beyond a look.
"""

from typing import Final, Literal

import msgspec

Recommendation = Literal["keep", "review", "revoke"]

_FEW: Final = 0.15


class Standing(msgspec.Struct, frozen=True):
    """What is known of one pair.

    Attributes:
        permission: its name.
        known_user: whether the user had any grant in training.
        known_permission: whether anybody held the permission.
        holders: how many others hold it.
        users: how many users there are.
        peers: how many similar users were looked at.
        peers_with: how many of them hold it.
        others: how many other permissions the user has.
        together: how many of those are held together with this one by anybody else.
        used: whether an event showed its use; ``None`` when no events were given.
    """

    permission: str
    known_user: bool
    known_permission: bool
    holders: int
    users: int
    peers: int
    peers_with: int
    others: int
    together: int
    used: bool | None = None


def sentences(standing: Standing) -> tuple[str, ...]:
    """Return what speaks for looking at this pair, at most three sentences."""
    told: list[str] = []
    if standing.used is False:
        told.append("not used in the period of the events")
    if not standing.known_user:
        told.append("the user holds nothing that is known, so there is nobody to compare with")
    elif standing.peers and standing.peers_with <= _FEW * standing.peers:
        told.append(f"{_count(standing.peers_with)} of the {standing.peers} users with the most similar access hold it")
    if not standing.known_permission or not standing.holders:
        told.append("nobody else holds it")
    else:
        told.append(f"{standing.holders:,} of {standing.users:,} users hold it")
    if standing.known_user and standing.others and standing.together <= _FEW * standing.others:
        told.append(
            f"of the user's {standing.others} other entitlements {_count(standing.together)} go with it elsewhere"
        )
    return tuple(told[:3])


def recommend(level: str, *, used: bool | None, lone: bool = False) -> tuple[Recommendation, str]:
    """Return the recommendation and why; ``lone`` is a user's only grant."""
    unusual = level != "low"
    if lone:
        why = "the user's only grant: nothing to compare it with"
        return ("review", f"{why}, and not used in the period") if used is False else ("keep", why)
    if used is False:
        if unusual:
            return "revoke", "unusual for the user's peers and not used in the period"
        return "review", "usual for the user's peers, and not used in the period"
    if not unusual:
        return "keep", "usual for the user's peers" + (" and in use" if used else "")
    if used:
        return "review", "in use, and unusual for the user's peers: ask whether it belongs to the job"
    return "review", "unusual for the user's peers; give events to see whether it is used"


def _count(number: int) -> str:
    return "none" if number == 0 else f"{number:,}"
