"""What a token will be for: what was asked, held against what was proven. It can only become less.

- Our own token is exchanged for the same or less (``narrowing``).
- A job's commit is the one that its platform vouches for: naming another is refused, naming none takes that one.
  Whose platform vouches for none names none: what stands in our token is read as verified.
- What the settings bound is bounded: kinds of resources, budgets, lifetime.
- A token never outlives what it was exchanged for, nor the token of whoever acts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.identity.exchange.details import INVALID, AccessDetail, detail_of
from ostiary.identity.exchange.narrowing import narrowed, within
from ostiary.identity.exchange.presenting import ProvenExchange
from ostiary.identity.exchange.reasons import ExchangeRefusal
from ostiary.identity.exchange.restrictions import Failure
from ostiary.identity.reasons import Refusal

SHA: Final = "sha"
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLimits:
    """What every token of a deployment keeps to.

    Attributes:
        lifetime_s: the longest life.
        types: kinds of resources that tokens are made for.
        max_bytes, max_objects: what one token may read at most; 0 sets no limit here.
    """

    lifetime_s: int
    types: tuple[str, ...]
    max_bytes: int = 0
    max_objects: int = 0


def settled(proven: ProvenExchange, wanted: AccessDetail, limits: TokenLimits, audience: str) -> AccessDetail:
    """Return what the token will be for.

    Raises:
        RefusedError: ``token_other_…``, ``commit_not_the_jobs``, ``type_not_offered``, ``target_unknown``.
    """
    if wanted.type not in limits.types:
        raise RefusedError(ExchangeRefusal.TYPE_NOT_OFFERED, f"no tokens are made here for `{wanted.type}`")
    if any(place != audience for place in wanted.locations):
        raise RefusedError(ExchangeRefusal.TARGET_UNKNOWN, f"`locations` can be `{audience}` alone")
    detail = msgspec.structs.replace(wanted, locations=())
    parent = detail_of(proven.identity)
    if parent is not None:
        detail = narrowed(parent, detail)
        verdict = within(parent, detail)
        if isinstance(verdict, Failure):
            raise RefusedError(verdict.code, verdict.reason)
    elif proven.identity.exchanged:
        raise RefusedError(INVALID, "the token that was presented does not say what it is for")
    return _bounded(_of_commit(detail, proven), limits)


def lifetime_s(proven: ProvenExchange, limits: TokenLimits, now_ns: int) -> int:
    """Return how long the token may live.

    Raises:
        RefusedError: ``token_expired``: nothing is left of the token that was presented.
    """
    left_s = min(limits.lifetime_s, (proven.ends_ns - now_ns) // _NS)
    if left_s < 1:
        raise RefusedError(Refusal.TOKEN_EXPIRED, "the token that was presented has expired")
    return left_s


def _of_commit(detail: AccessDetail, proven: ProvenExchange) -> AccessDetail:
    claims = proven.origin.get("claims")
    sha = claims.get(SHA) if isinstance(claims, Mapping) else None
    if not isinstance(sha, str):
        if detail.commit and not proven.identity.exchanged:  # ours says whom it has it from
            text = f"nobody vouches that `{detail.commit[:80]}` is what runs: the token that was presented names none"
            raise RefusedError(ExchangeRefusal.COMMIT_NOT_THE_JOBS, text)
        return detail
    if detail.commit not in {"", sha}:
        text = f"the job runs `{sha}`, and not `{detail.commit[:80]}`"
        raise RefusedError(ExchangeRefusal.COMMIT_NOT_THE_JOBS, text)
    return msgspec.structs.replace(detail, commit=sha)


def _bounded(detail: AccessDetail, limits: TokenLimits) -> AccessDetail:
    return msgspec.structs.replace(
        detail,
        max_bytes=_least(detail.max_bytes, limits.max_bytes),
        max_objects=_least(detail.max_objects, limits.max_objects),
    )


def _least(wanted: int, limit: int) -> int:
    return min(wanted, limit) if wanted and limit else wanted or limit
