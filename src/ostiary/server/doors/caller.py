"""Who comes to a door: a token and the proof that it is the caller's own.

1. One ``Authorization`` header; with a DPoP proof the scheme is ``DPoP`` (RFC 9449 §7.1). An API key names a program
   and nobody's identity: it is refused with what to do instead.
2. The proof is for this very request: its method, and our own public address with its path.
3. Whoever proves nothing is counted, and leaves no record (law 3); an unknown tenant answers like any other stranger.
4. A token that is bound to no key is not enough, unless the door says so.
"""

from functools import partial
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.exchange.details import AccessDetail, detail_of
from ostiary.identity.one_request import OneRequest
from ostiary.identity.reasons import Refusal
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.server.doors.parts import Doors
from ostiary.server.doors.turned_away import TurnedAway, faulty, stranger, unavailable
from ostiary.server.wire import Request
from ostiary.vocabulary.ids import check_tenant
from ostiary.vocabulary.reasons import Reason

API_KEY: Final = "api_key_not_enough"
_HOW: Final = "an API key alone is not enough: exchange your identity for a token at the tenant's token endpoint"
_NONCE_REFUSALS: Final = frozenset({Refusal.DPOP_NONCE_MISSING.value, Refusal.DPOP_NONCE_WRONG.value})


class Caller(msgspec.Struct, frozen=True):
    """A caller that has proved itself.

    Attributes:
        tenant: whose door it came to.
        identity: who it is.
        detail: what its token is for; ``None`` when the token is not one of ours.
        pep: the door, as the enforcement point that it is.
        presented: what it presented.
        once: its verifier for the length of this HTTP request.
        ip, user_agent: where it comes from, as far as that is known.
        request_id: its ``X-Request-ID``.
    """

    tenant: str
    identity: VerifiedIdentity
    detail: AccessDetail | None
    pep: PepIdentity
    presented: PresentedSubject
    once: OneRequest
    ip: str | None
    user_agent: str
    request_id: bytes | None


def caller_of(doors: Doors, door: str, request: Request, tenant: str, *, bound: bool) -> Caller:
    """Return who comes; may fetch keys, so not for the loop.

    Raises:
        TurnedAway: 401, 400, or 503 when nobody can be believed now.
    """
    try:
        return _caller(doors, door, request, tenant, bound=bound)
    except RefusedError as no:
        doors.refusals.count(no.code, request.peer)
        wanted = no.code in _NONCE_REFUSALS
        nonce = doors.house.subjects.dpop_nonce(tenant, doors.house.clock.now_ns()) if wanted else None
        raise stranger(no, nonce) from no
    except FaultyInputError as no:
        doors.refusals.count(no.code, request.peer)
        raise faulty(no) from no
    except UnavailableError as no:
        doors.refusals.count(no.code, request.peer)
        raise unavailable(no) from no


def _caller(doors: Doors, door: str, request: Request, tenant: str, *, bound: bool) -> Caller:
    presented = _presented(doors, request)
    pep = PepIdentity(pep_id=f"ostiary:{door}", tenant=tenant, subjects="token", method="")
    once = OneRequest(doors.house.subjects)
    identity = once.identify(pep, presented, doors.house.clock.now_ns())
    _check_tenant(doors, tenant)  # last: before, it would tell a stranger which tenants there are
    if bound and identity.proof == "none":
        raise RefusedError(Refusal.TOKEN_BINDING_REQUIRED, "the token must be bound to its holder's key")
    return Caller(
        tenant=tenant,
        identity=identity,
        detail=detail_of(identity),
        pep=pep,
        presented=presented,
        once=once,
        ip=doors.proxies.client(request.peer, request.raw_headers) or request.peer,
        user_agent=_header(request, b"user-agent")[:512],
        request_id=request.request_id,
    )


def _check_tenant(doors: Doors, tenant: str) -> None:
    try:
        row = doors.house.tenants.find(check_tenant(tenant))
    except OstiaryError:
        row = None
    if row is None:  # exactly what a token says whose issuer this tenant does not believe
        raise RefusedError(Refusal.TOKEN_ISSUER_UNKNOWN, "the token's issuer is not known here")


def _presented(doors: Doors, request: Request) -> PresentedSubject:
    header = partial(_header, request)
    scheme, _, token = header(b"authorization").partition(" ")
    proof = header(b"dpop") or None
    if not token or scheme.lower() not in {"bearer", "dpop"}:
        raise RefusedError(Refusal.TOKEN_MISSING, "there is no token: send `Authorization: DPoP …` with a `DPoP` proof")
    if token.count(".") == 1:
        raise RefusedError(API_KEY, _HOW)
    if (scheme.lower() == "dpop") != (proof is not None):
        raise RefusedError(Refusal.DPOP_PROOF_MISSING, "the scheme `DPoP` and the header `DPoP` come together")
    certificate = request.certificate or doors.proxies.certificate(request.peer, request.raw_headers)
    return PresentedSubject(
        token=token,
        dpop=proof,
        htm=request.method,
        htu=doors.base_url + request.raw_path,  # as it was sent: a proof's URI is not decoded either
        client_cert_sha256=certificate,
    )


def _header(request: Request, name: bytes) -> str:
    """Return a header that may come once only, or an empty text."""
    values = [value for key, value in request.raw_headers if key == name]
    if len(values) > 1:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{name.decode()}` came twice")
    return values[0].decode("latin-1") if values else ""


__all__ = ["Caller", "TurnedAway", "caller_of"]
