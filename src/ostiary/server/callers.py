"""Who calls a face for enforcement points: the same proof as for a decision, the same refusal, counted alike."""

import asyncio

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.pep import PepAuthenticator
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.server.authzen import RefusalSink
from ostiary.server.challenge import UNAUTHENTICATED
from ostiary.server.forwarded import Proxies
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.reasons import Reason


class Callers:
    """Authenticates enforcement points."""

    def __init__(self, authenticator: PepAuthenticator, clock: Clock, proxies: Proxies, refusals: RefusalSink) -> None:
        """Take who can tell, and who counts."""
        self._authenticator = authenticator
        self._clock = clock
        self._proxies = proxies
        self._refusals = refusals

    async def identify(self, request: Request) -> PepIdentity | Reply:
        """Return who is calling, or what is said to somebody who proved nothing."""
        try:
            return await self.prove(request)
        except RefusedError as no:
            self._refusals.count(no.code, request.peer)
            return json_reply(401, "the caller did not authenticate", *UNAUTHENTICATED)
        except FaultyInputError as fault:
            self._refusals.count(fault.code, request.peer)
            return json_reply(400, fault.message)
        except UnavailableError as away:
            self._refusals.count(away.code, request.peer)
            return json_reply(503, "the caller cannot be authenticated now", (b"retry-after", b"1"))

    async def prove(self, request: Request) -> PepIdentity:
        """Return who is calling.

        Raises:
            RefusedError: ``pep_unauthenticated``.
            FaultyInputError: a header that decides came twice.
            UnavailableError: the keys of a token's issuer are away.
        """
        if request.bears_jwt():  # its issuer's keys may have to be fetched: never on the loop
            return await asyncio.to_thread(self._authenticate, request)
        return self._authenticate(request)

    def _authenticate(self, request: Request) -> PepIdentity:
        if request.twice:
            raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{request.twice}` came twice")
        certificate = request.certificate or self._proxies.certificate(request.peer, request.raw_headers)
        presented = PresentedPep(authorization=request.header(b"authorization"), client_cert_sha256=certificate)
        return self._authenticator.authenticate(presented, self._clock.now_ns())
