"""Tokens by hand: what the administrator of a data directory may do without an exchange, each deed recorded first.

- Never unbound, never longer than the settings let any token live, only for kinds that the settings offer.
- No decision is asked here: a token alone opens nothing, every door asks for itself. ``origin`` says who made it.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.exchange.issuing import AccessTokens, Minted
from ostiary.identity.exchange.own import issuer_of_tenant
from ostiary.identity.exchange.reasons import ExchangeRefusal
from ostiary.identity.mtls import thumbprint
from ostiary.identity.strict import is_name
from ostiary.server.addresses import public_url
from ostiary.server.deeds import COMMAND_LINE, record_about
from ostiary.server.tokens.lookups import REVOKED
from ostiary.server.tokens.records import KIND, WAIT_S, append, made
from ostiary.server.wiring import House

_THUMBPRINT: Final = 43  # base64url of SHA-256


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made.

    Attributes:
        jkt: thumbprint of the holder's key, or empty.
        certificate: SHA-256 of the holder's certificate, hex or base64url, or empty.
        reason: why, for the log.
    """

    subject_type: str
    subject_id: str
    detail: AccessDetail
    lifetime_s: int
    jkt: str = ""
    certificate: str = ""
    reason: str = ""


def mint_by_hand(house: House, tenant: str, order: Order) -> tuple[Minted, str]:
    """Make a token; return it with the id of the deed's record.

    Raises:
        FaultyInputError: ``token_unbound``, ``token_lifetime_invalid``, ``type_not_offered``, ``subject_invalid``.
        UnavailableError: it cannot be recorded; no token is handed out.
    """
    _check(house, order)
    base = public_url(house.settings.server)
    subject, x5t = (
        f"{order.subject_type}:{order.subject_id}",
        thumbprint(order.certificate) if order.certificate else "",
    )
    minted = AccessTokens(house.ring, base).mint(
        tenant,
        subject_type=order.subject_type,
        subject_id=order.subject_id,
        detail=order.detail,
        now_ns=house.clock.now_ns(),
        lifetime_s=order.lifetime_s,
        jkt=order.jkt,
        x5t=x5t,
        origin={"iss": issuer_of_tenant(base, tenant), "sub_type": "administrator", "sub": COMMAND_LINE, "claims": {}},
    )
    told = {"subject": subject, "token_id": minted.token_id, "reason": order.reason[:200]}
    record_id = record_about(subject, house, COMMAND_LINE, tenant, "token.mint", told)
    entry = {**made(minted, order.detail, jkt=order.jkt, x5t=x5t), "by": COMMAND_LINE, "deed": record_id}
    append(house, tenant, "minted", subject, entry)[1].result(timeout=WAIT_S)
    return minted, record_id


def revoke_by_hand(house: House, tenant: str, token_id: str) -> tuple[str, bool]:
    """Take back the token of this id; return the deed's record and whether it stood.

    Raises:
        RefusedError: ``token_unknown``.
        UnavailableError: it cannot be recorded; nothing was taken back.
    """
    found = next((one for one in _made(house, tenant) if one.get("token_id") == token_id), None) if token_id else None
    if found is None:
        raise RefusedError("token_unknown", "there is no such token")
    told = {"token_id": token_id, "session_id": found["session_id"]}
    record_id = record_about(found["subject"], house, COMMAND_LINE, tenant, "token.revoke", told)
    append(house, tenant, "revoked", found["subject"], {**told, "by": COMMAND_LINE})[1].result(timeout=WAIT_S)
    now_ns = house.clock.now_ns()
    changed = house.ledger.terminate(tenant, found["session_id"], at_ns=now_ns, reason=REVOKED, cause=record_id)
    return record_id, changed


def _made(house: House, tenant: str) -> Iterator[dict[str, Any]]:
    for one in house.log.iterate(tenant, KIND):
        told = msgspec.json.decode(one.payload) if one.payload else {}
        if isinstance(told, dict) and told.get("action") in {"exchanged", "minted"}:
            yield told


def _check(house: House, order: Order) -> None:
    limits = house.settings.tokens
    if not is_name(order.subject_type) or not is_name(order.subject_id):
        raise FaultyInputError("subject_invalid", "the subject's type or id is no proper name")
    if order.detail.type not in limits.types:
        raise FaultyInputError(ExchangeRefusal.TYPE_NOT_OFFERED, f"no tokens are made here for `{order.detail.type}`")
    if order.lifetime_s > limits.lifetime_s:
        text = f"a token lives at most {limits.lifetime_s} seconds here (`tokens.lifetime_s`)"
        raise FaultyInputError("token_lifetime_invalid", text)
    if order.jkt and (len(order.jkt) != _THUMBPRINT or not is_name(order.jkt)):
        raise FaultyInputError("token_unbound", "the thumbprint of the holder's key is no SHA-256 in base64url")
