"""Envoy's ext_authz over gRPC: one method, ``envoy.service.auth.v3.Authorization/Check``, on a port of its own.

- The proxy proves itself by ``authorization`` in the call's metadata, or by the certificate of this connection. A
  stranger is told ``UNAUTHENTICATED``; to Envoy each error is a refusal (``failure_mode_allow: false``).
- Calls beyond ``edge.max_in_flight`` are refused before anybody asks who they are.
- It runs in the loop that answers HTTP, and listens with the server's own TLS.
- grpcio is an extra: where it is missing nothing is served, and the start says so.
"""

import importlib.util
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.server.edge.answers import EdgeAnswer
from ostiary.server.edge.asked import EdgeAsked
from ostiary.server.forwarded import escaped_pem
from ostiary.server.settings.sections import ServerSection, Settings

if TYPE_CHECKING:
    import grpc

    from ostiary.server.edge.stubs import ext_authz_pb2 as pb

SERVICE: Final = "envoy.service.auth.v3.Authorization"
AWAY: Final = "grpc_unavailable"
_HEADROOM: Final = 131_072  # headers of the request, beside its body
Known = Callable[[PresentedPep], Awaitable[PepIdentity]]
Ask = Callable[[PepIdentity, EdgeAsked], Awaitable[EdgeAnswer]]


class RpcDoor:
    """Listens for Envoy's calls."""

    def __init__(self, settings: Settings, known: Known, ask: Ask, told: Callable[[str, EdgeAnswer], None]) -> None:
        """Ask ``known`` who calls, then ``ask`` what is to be answered; ``told`` hears of each answer.

        Raises:
            UnavailableError: ``grpc_unavailable``: grpcio is not installed.
        """
        if any(importlib.util.find_spec(name) is None for name in ("grpc", "google.protobuf")):
            raise UnavailableError(AWAY, "gRPC needs an extra: pip install 'ostiary[grpc]'")
        self._settings, self._known, self._ask, self._told = settings, known, ask, told
        self._server: Any = None

    async def open(self) -> None:
        """Begin to listen.

        Raises:
            UnavailableError: ``grpc_unavailable``: the port is taken, or its TLS cannot be set up.
        """
        import grpc  # noqa: PLC0415 - an extra
        import grpc.aio  # noqa: PLC0415

        from ostiary.server.edge.stubs import ext_authz_pb2 as pb  # noqa: PLC0415

        most = self._settings.edge.max_body_bytes + _HEADROOM
        self._server = grpc.aio.server(
            options=[("grpc.max_receive_message_length", most)],
            maximum_concurrent_rpcs=self._settings.edge.max_in_flight,
        )
        check = grpc.unary_unary_rpc_method_handler(
            self._check,
            request_deserializer=pb.CheckRequest.FromString,
            response_serializer=pb.CheckResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Check": check}),))
        try:
            self._listen(self._settings.server)
            await self._server.start()
        except (OSError, RuntimeError) as fault:
            raise UnavailableError(AWAY, f"gRPC cannot listen: {fault}") from fault

    def _listen(self, server: ServerSection) -> None:
        import grpc  # noqa: PLC0415 - see above

        host = f"[{server.host}]" if ":" in server.host else server.host
        place = f"{host}:{self._settings.edge.grpc_port}"
        if server.tls_cert is None or server.tls_key is None:
            self._server.add_insecure_port(place)
            return
        chain = (server.tls_key.read_bytes(), server.tls_cert.read_bytes())
        authorities = server.client_ca.read_bytes() if server.client_ca else None
        # Without `required` no certificate is asked for here: gRPC for Python knows all or nothing.
        strict = authorities is not None and server.client_cert == "required"
        credentials = grpc.ssl_server_credentials([chain], authorities if strict else None, strict)
        self._server.add_secure_port(place, credentials)

    async def close(self, grace_s: float) -> None:
        """Listen no more; what is asked already is answered within ``grace_s``."""
        if self._server is not None:
            await self._server.stop(grace_s)

    async def _check(self, call: "pb.CheckRequest", context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        import grpc  # noqa: PLC0415 - see above

        from ostiary.server.edge.rpc_messages import asked_in, told_as  # noqa: PLC0415

        try:
            pep = await self._known(_presented(context))
            answer = await self._ask(pep, asked_in(call))
        except RefusedError:
            return await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the caller did not authenticate")
        except UnavailableError as away:
            return await context.abort(grpc.StatusCode.UNAVAILABLE, away.code)
        self._told("grpc", answer)
        return told_as(call, answer)


def _presented(context: "grpc.aio.ServicerContext[Any, Any]") -> PresentedPep:
    """Return what a caller shows.

    Raises:
        RefusedError: it shows two things.
    """
    found = [value for name, value in context.invocation_metadata() or () if name == "authorization"]
    if len(found) > 1:
        raise RefusedError("pep_unauthenticated", "the metadata `authorization` came twice")
    pems = context.auth_context().get("x509_pem_cert", ())
    certificate = escaped_pem(pems[0].decode("latin-1")) if pems else None
    return PresentedPep(authorization=str(found[0]) if found else None, client_cert_sha256=certificate)
