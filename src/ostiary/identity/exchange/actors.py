"""Who acts for whom: the ``act`` chain of a token (RFC 8693 §4.1), kept through every exchange, and bounded.

- The latest actor is outermost; whom it acted for before stays nested below.
- A token that says who may act (``may_act``, §4.4) lets nobody else, and lets nobody act without saying who it is.
  A name without an issuer is of the token's own issuer: who else bears it is somebody else.
- Beside the chain, which is told to policy and the log, ``origin`` keeps each actor's subject and session: the token is
  good for as long as all of them are.
- A chain that is malformed or too deep is refused: cutting it would hide who was there.

>>> chain({"act": {"sub": "ci", "iss": "https://idp.example"}}, {"sub": "agent"})
{'sub': 'agent', 'act': {'iss': 'https://idp.example', 'sub': 'ci'}}
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ostiary.errors import RefusedError
from ostiary.identity.exchange.details import origin_of
from ostiary.identity.exchange.reasons import ExchangeRefusal
from ostiary.identity.facts import TokenFacts
from ostiary.identity.strict import is_name
from ostiary.identity.types import VerifiedIdentity

MAX_ACTORS: Final = 4
ACTING: Final = "acting"  # in ``origin``
_ACT: Final = "act"
_MAY_ACT: Final = "may_act"
_MEMBERS: Final = ("iss", "sub", "sub_type", "client_id")
_MAX_NAME: Final = 512
Actor = dict[str, Any]


class Acting(NamedTuple):
    """Somebody who acts: subject ``type:id``, and the session that its own token was of, or empty."""

    subject: str
    session: str


def actor_of(identity: VerifiedIdentity) -> Actor:
    """Return how a chain names a verified actor."""
    return {"iss": identity.issuer, "sub": identity.subject_id, "sub_type": identity.subject_type}


def chain(claims: Mapping[str, Any], actor: Actor | None, most: int = MAX_ACTORS) -> Actor | None:
    """Return the chain of a new token: that of the subject token's verified ``claims``, below ``actor`` if any.

    Raises:
        RefusedError: ``actor_claim_invalid``, ``actor_chain_too_long``.
    """
    links = _links(claims, most)
    if actor is not None:
        links = [actor, *links]
    if len(links) > most:
        text = f"more than {most} would act for one another"
        raise RefusedError(ExchangeRefusal.ACTOR_CHAIN_TOO_LONG, text)
    below: Actor | None = None
    for link in reversed(links):
        below = {**link, _ACT: below} if below is not None else link
    return below


def check_may_act(claims: Mapping[str, Any], actor: Actor | None, issuer: str) -> None:
    """Refuse an actor that the subject token, which is of ``issuer``, does not name, where it names any.

    Raises:
        RefusedError: ``actor_not_allowed``, ``actor_claim_invalid``.
    """
    if _MAY_ACT not in claims:
        return
    named = {"iss": issuer, **_link(claims[_MAY_ACT])}
    if actor is None or any(actor.get(name) != value for name, value in named.items()):
        text = "the subject token names who may act for its subject, and that is somebody else"
        raise RefusedError(ExchangeRefusal.ACTOR_NOT_ALLOWED, text)


def acting(facts: TokenFacts, actor: VerifiedIdentity | None, before: object) -> list[dict[str, str]]:
    """Return subject and session of everybody who acts, the latest first.

    Args:
        facts: of the subject token. Whom another issuer's token names is of that issuer, as its subjects are.
        actor: who acts now.
        before: what a token of our own keeps of who acted before; ``None`` for another issuer's token.
    """
    kept = [one for one in before if isinstance(one, dict)] if isinstance(before, list) else []
    if before is None:
        links = [one for one in _links(facts.acting, MAX_ACTORS) if one.get("iss", facts.issuer) == facts.issuer]
        kept = [{"subject": f"{one.get('sub_type', facts.subject_type)}:{one['sub']}"} for one in links]
    if actor is None:
        return kept
    told = {"subject": f"{actor.subject_type}:{actor.subject_id}", "sid": actor.session_id}
    return [{name: value for name, value in told.items() if value}, *kept]


def acting_of(identity: VerifiedIdentity) -> tuple[Acting, ...]:
    """Return who acts with a token of our own, as the session ledger is asked about it."""
    told = origin_of(identity).get(ACTING, ())
    found = [one for one in told if isinstance(one, Mapping)] if isinstance(told, tuple | list) else []
    return tuple(Acting(str(one.get("subject", "")), str(one.get("sid", ""))) for one in found)


def _links(claims: Mapping[str, Any], most: int) -> list[Actor]:
    links: list[Actor] = []
    inner = claims.get(_ACT)
    while inner is not None:
        if len(links) >= most:
            raise RefusedError(ExchangeRefusal.ACTOR_CHAIN_TOO_LONG, f"more than {most} act for one another")
        links.append(_link(inner))
        inner = inner.get(_ACT)
    return links


def _link(value: object) -> Actor:
    if not isinstance(value, Mapping):
        raise _invalid()
    link = {name: value[name] for name in _MEMBERS if name in value}
    if "sub" not in link or not all(is_name(text, _MAX_NAME) for text in link.values()):
        raise _invalid()
    return link


def _invalid() -> RefusedError:
    text = "`act` or `may_act` of the subject token does not say who it is"
    return RefusedError(ExchangeRefusal.ACTOR_CLAIM_INVALID, text)
