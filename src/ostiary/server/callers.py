"""Which enforcement point is calling a face: the same proof as for a decision, and the same refusal."""

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.server.challenge import UNAUTHENTICATED
from ostiary.server.desk import FaceDesk
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason


def identify(desk: FaceDesk, request: Request) -> PepIdentity:
    """Return who is calling; may fetch keys, so not for the loop.

    Raises:
        RefusedError: ``pep_unauthenticated``.
        FaultyInputError: a header came twice.
        UnavailableError: a key cannot be fetched.
    """
    if request.twice:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{request.twice}` came twice")
    certificate = request.certificate or desk.proxies.certificate(request.peer, request.raw_headers)
    presented = PresentedPep(authorization=request.header(b"authorization"), client_cert_sha256=certificate)
    return desk.house.authenticator.authenticate(presented, desk.house.clock.now_ns())


def stranger(desk: FaceDesk, request: Request, no: RefusedError) -> Reply:
    """Count a caller that proved nothing, and return what it is told."""
    desk.refusals.count(no.code, request.peer)
    told = {
        "code": Reason.PEP_UNAUTHENTICATED.value,
        "message": "the caller did not authenticate",
    }  # whatever was wrong
    return json_reply(401, told, *UNAUTHENTICATED)
