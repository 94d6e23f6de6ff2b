"""A review of entitlements: what each grant's holder has in common with its other holders, and what to do about it.

- A grant counts as used when an event of its user names it: as the resource, as ``type/resource``, as the action, or
  as ``resource:action``. Grants that the events cannot name would all look unused, so the share that was used is told.
- Worst first: what to revoke, then what to look at, each by how unusual it is.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.entitlements.grant_model import GrantModel
from ostiary.risk.entitlements.grant_words import Recommendation, recommend, sentences
from ostiary.vocabulary.events import AccessEvent

WHO: Final = 5
_RANK: Final = {"revoke": 0, "review": 1, "keep": 2}

Use = set[tuple[int, int]]


class Reviewed(msgspec.Struct, frozen=True):
    """One grant, as a reviewer sees it.

    Attributes:
        user: who holds it.
        permission: what is held.
        score: how unusual it is, as if it were not held.
        level: ``low``, ``medium`` or ``high``.
        recommendation: ``keep``, ``review`` or ``revoke``.
        why: the recommendation in words.
        used: whether an event showed its use; ``None`` without events.
        holders: how many others hold it.
        peers: how many users with similar access were looked at.
        peers_with: how many of them hold it.
        who_else: some of the others, the most similar first.
        reasons: what speaks for looking at it.
    """

    user: str
    permission: str
    score: float
    level: str
    recommendation: str
    why: str
    used: bool | None
    holders: int
    peers: int
    peers_with: int
    who_else: tuple[str, ...]
    reasons: tuple[str, ...]


def uses_in(model: GrantModel, events: Iterable[AccessEvent]) -> Use:
    """Return the grants whose use the events show, as numbers of user and permission."""
    used: Use = set()
    for event in events:
        thing = event.resource_id
        names = (thing, f"{event.resource_type}/{thing}", event.action, f"{thing}:{event.action}")
        pairs = model.numbers([event.subject_id] * len(names), names)
        used.update((int(user), int(item)) for user, item in pairs)
    return used


def review(model: GrantModel, used: Use | None, *, user: str = "", permission: str = "") -> Iterator[Reviewed]:
    """Yield the grants, those to act on first; ``user`` and ``permission`` narrow it."""
    ranked: list[tuple[int, float, int]] = []
    for at, (who, what) in enumerate(model.pairs.tolist()):
        named = model.schema.users[who], model.schema.permissions[what]
        if (user and named[0] != user) or (permission and named[1] != permission):
            continue
        score = float(model.scores[at])
        ranked.append((_RANK[_advice(model, who, what, score, used)[0]], -score, at))
    for _, _, at in sorted(ranked):
        yield _reviewed(model, at, used)


def _used(used: Use | None, user: int, item: int) -> bool | None:
    return None if used is None else (user, item) in used


def _advice(model: GrantModel, user: int, item: int, score: float, used: Use | None) -> tuple[Recommendation, str]:
    level = model.level(user, item, score)
    return recommend(level, used=_used(used, user, item), lone=model.lone(user, item))


def _reviewed(model: GrantModel, at: int, used: Use | None) -> Reviewed:
    user, item = (int(number) for number in model.pairs[at])
    score = float(model.scores[at])
    seen = _used(used, user, item)
    advice, why = _advice(model, user, item, score, used)
    standing = model.standing(user, item, used=seen)
    return Reviewed(
        user=model.schema.users[user],
        permission=standing.permission,
        score=score,
        level=model.level(user, item, score),
        recommendation=advice,
        why=why,
        used=seen,
        holders=standing.holders,
        peers=standing.peers,
        peers_with=standing.peers_with,
        who_else=tuple(model.who_else(user, item, WHO)),
        reasons=sentences(standing) if advice != "keep" else (),
    )


def summary(model: GrantModel, used: Use | None) -> dict[str, int]:
    """Return how many grants there are of each recommendation, and how many were used."""
    counts = dict.fromkeys(_RANK, 0)
    for score, (user, item) in zip(model.scores.tolist(), model.pairs.tolist(), strict=True):
        counts[_advice(model, user, item, score, used)[0]] += 1
    seen = {} if used is None else {"used": sum((int(user), int(item)) in used for user, item in model.pairs)}
    return {"grants": len(model.pairs), **counts, **seen}


def share_used(model: GrantModel, used: Use) -> float:
    """Return the share of grants that the events showed in use."""
    return float(np.mean([(int(user), int(item)) in used for user, item in model.pairs]))
