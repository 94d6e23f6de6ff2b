"""The face of a tenant's authorization server: it exchanges identities for access tokens of one resource.

    POST /oauth/{tenant}/token         token exchange (RFC 8693): a form, a DPoP proof or a client certificate
    POST /oauth/{tenant}/introspect    RFC 7662, for enforcement points
    POST /oauth/{tenant}/revoke        RFC 7009, for enforcement points and holders
    GET  /oauth/{tenant}/jwks          the keys of its tokens
    GET  /.well-known/oauth-authorization-server/oauth/{tenant}    RFC 8414

A tenant that does not exist answers like one that believes nobody and has made nothing.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.identity.exchange.asking import read_form
from ostiary.identity.exchange.own import LONGEST_S, PURPOSE
from ostiary.identity.exchange.reasons import ExchangeRefusal
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.server.callers import identify
from ostiary.server.challenge import UNAUTHENTICATED
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.tokens.documents import server_document
from ostiary.server.tokens.exchanger import Exchanger, certificate_of, form_of, one_header
from ostiary.server.tokens.lookups import OwnTokens
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.ids import check_tenant

PREFIX: Final = "/oauth"
WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
_CACHED: Final = (b"cache-control", b"public, max-age=60")
_NOT_FOUND: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
_METHODS: Final = {"token": "POST", "introspect": "POST", "revoke": "POST", "jwks": "GET"}


class OauthFace:
    """Answers everything of tokens."""

    prefixes = (PREFIX, WELL_KNOWN)

    def __init__(self, desk: FaceDesk) -> None:
        """Take what it works with."""
        self._desk = desk
        self._house = desk.house
        self.exchanger = Exchanger(desk)
        self._own = OwnTokens(desk.house)

    def chores(self) -> Sequence[Chore]:
        """Nothing is done beside the answers."""
        return ()

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        tenant, place = _place(request.path)
        if not tenant or place not in {*_METHODS, "metadata"}:
            return _NOT_FOUND
        method = _METHODS.get(place, "GET")
        if request.method != method:
            said = {"code": "method_not_allowed", "message": f"use {method}"}
            return json_reply(405, said, (b"allow", method.encode()))
        if method == "GET":
            return await self._document(tenant, place)
        if place == "token":
            return await self.exchanger.answer(request, tenant)
        try:
            return await (self._introspect if place == "introspect" else self._revoke)(request, tenant)
        except OstiaryError as no:
            return self._refused(request, tenant, no)

    async def _document(self, tenant: str, place: str) -> Reply:
        if place == "metadata":
            return json_reply(200, server_document(self._desk.base_url, tenant, self.exchanger.limits.types), _CACHED)
        keys = await asyncio.to_thread(partial(self._house.ring.jwks, tenant, PURPOSE, recent_s=LONGEST_S))
        return json_reply(200, keys, _CACHED)

    async def _introspect(self, request: Request, tenant: str) -> Reply:
        pep = await asyncio.to_thread(identify, self._desk, request)
        token = await self._token(request)
        now_ns = self._house.clock.now_ns()
        return json_reply(200, await self.exchanger.beside(partial(self._own.introspect, pep, token, tenant, now_ns)))

    async def _revoke(self, request: Request, tenant: str) -> Reply:
        now_ns = self._house.clock.now_ns()
        proof = one_header(request, b"dpop")
        if proof is None:
            pep = await self._pep(request)
            if pep is not None:
                token = await self._token(request)
                await self.exchanger.beside(partial(self._own.revoke_as_pep, pep, token, tenant, now_ns))
                return json_reply(200, {})
        presented = PresentedSubject(
            token=await self._token(request),
            dpop=proof,
            htm=request.method,
            htu=self._desk.base_url + request.path,
            client_cert_sha256=certificate_of(self._desk, request),
        )
        await self.exchanger.beside(partial(self._own.revoke_as_holder, presented, tenant, now_ns))
        return json_reply(200, {})

    async def _pep(self, request: Request) -> PepIdentity | None:
        """Return the enforcement point that calls; ``None`` for a certificate that is no enforcement point's."""
        try:
            return await asyncio.to_thread(identify, self._desk, request)
        except RefusedError:
            if request.header(b"authorization") is None and certificate_of(self._desk, request):
                return None
            raise

    async def _token(self, request: Request) -> str:
        token = read_form(await form_of(self._desk, request)).get("token")
        if token is None:
            raise FaultyInputError(ExchangeRefusal.TOKEN_REQUEST_INVALID, "`token` is missing")
        return token

    def _refused(self, request: Request, tenant: str, no: OstiaryError) -> Reply:
        if no.code != "pep_unauthenticated":
            return self.exchanger.stranger(request, tenant, no)
        self._desk.refusals.count(no.code, request.peer)
        said = {"error": "invalid_client", "error_description": "the caller did not authenticate", "code": no.code}
        return json_reply(401, said, *UNAUTHENTICATED)


def _place(path: str) -> tuple[str, str]:
    """Return whose server a path is of, and what of it; nothing for any other path."""
    parts = path.split("/")
    if path.startswith(WELL_KNOWN + PREFIX + "/"):
        tenant, place = path.removeprefix(WELL_KNOWN + PREFIX + "/"), "metadata"
    elif len(parts) == 4:  # noqa: PLR2004 - an empty part, the prefix, tenant and place
        tenant, place = parts[2], parts[3]
    else:
        return "", ""
    try:
        return check_tenant(tenant), place
    except FaultyInputError:
        return "", ""


def face(desk: FaceDesk) -> OauthFace | None:
    """Return the face, unless the settings leave it out."""
    return OauthFace(desk) if desk.house.settings.tokens.enabled else None
