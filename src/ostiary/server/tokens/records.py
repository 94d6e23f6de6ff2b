"""What the log keeps of tokens, kind ``token``: who got which, for what, bound to what, on whose word; never the token.

A token that was made or taken back without its record on disk does not count: who calls these waits for it. Whoever
acts with a token that is about somebody else has a record of that, ``acts``, written before the token's own: so what
falls with him can be told, and goes with him when he is erased.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from ostiary.identity.exchange.actors import ACTING
from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.exchange.issuing import Minted
from ostiary.identity.exchange.presenting import ProvenExchange
from ostiary.identity.exchange.restrictions import restrictions_of, wire
from ostiary.identity.types import VerifiedIdentity
from ostiary.keys import random_bytes
from ostiary.server.wiring import House
from ostiary.sessions import handle_of
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

KIND: Final = "token"
ACTS: Final = "acts"
RECORD_VERSION: Final = 1
WAIT_S: Final = 10.0


def record_exchange(
    house: House,
    tenant: str,
    proven: ProvenExchange,
    detail: AccessDetail,
    minted: Minted,
    decisions: Sequence[str],
) -> Future[Any]:
    """Queue the record of a token that was exchanged."""
    identity = proven.identity
    session = proven.origin.get("sid")
    whose = f"{identity.subject_type}:{identity.subject_id}"
    _record_acting(house, tenant, proven, minted, whose)
    told = {
        **made(minted, detail, jkt=proven.jkt, x5t=proven.x5t),
        "origin_session": handle_of(tenant, session) if isinstance(session, str) and session else "",
        "exchanged_from": [None if one.facts.traits is None else one.facts.traits.token_id for one in proven.tokens],
        "origin": {name: proven.origin[name] for name in ("iss", "sub_type", "sub") if name in proven.origin},
        "act": proven.act,
        "decisions": list(decisions),
    }
    return append(house, tenant, "exchanged", whose, told)[1]


def _record_acting(house: House, tenant: str, proven: ProvenExchange, minted: Minted, whose: str) -> None:
    for actor in proven.origin.get(ACTING, ()):
        session = actor.get("sid", "")
        told = {
            "token_id": minted.token_id,
            "session_id": minted.session_id,
            "expires_ns": minted.expires_ns,
            "acting_session": handle_of(tenant, session) if session else "",
            "for": whose,
        }
        append(house, tenant, ACTS, actor["subject"], told)


def record_revocation(house: House, identity: VerifiedIdentity, by: str) -> str:
    """Record that a token is taken back, and return the record's id when it is on disk.

    Raises:
        UnavailableError: it cannot be recorded; nothing was taken back.
    """
    token = identity.token
    told = {"token_id": "" if token is None else token.token_id, "session_id": identity.session_id, "by": by}
    subject = f"{identity.subject_type}:{identity.subject_id}"
    record_id, future = append(house, identity.tenant, "revoked", subject, told)
    future.result(timeout=WAIT_S)
    return record_id


def made(minted: Minted, detail: AccessDetail, *, jkt: str, x5t: str) -> dict[str, Any]:
    """Return what is told of a fresh token."""
    return {
        "token_id": minted.token_id,
        "session_id": minted.session_id,
        "expires_ns": minted.expires_ns,
        "detail": detail,
        "restrictions": [wire(one) for one in restrictions_of(detail)],
        "bound": {name: value for name, value in (("jkt", jkt), ("x5t#S256", x5t)) if value},
    }


def append(house: House, tenant: str, action: str, subject: str, told: dict[str, Any]) -> tuple[str, Future[Any]]:
    """Queue one record about a subject's token; return its id and its future."""
    now_ns = house.clock.now_ns()
    record_id = make_id("tok", now_ns, random_bytes(RANDOM_BYTES))
    payload = msgspec.json.encode({"v": RECORD_VERSION, "type": KIND, "action": action, "subject": subject, **told})
    return record_id, house.log.append(tenant, KIND, record_id, now_ns, payload, subject)
