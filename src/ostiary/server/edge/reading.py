"""Reads what a proxy asks over HTTP, in the three ways in which proxies ask.

    /edge/envoy/<path>     Envoy's ext_authz: the client's method, path, query, headers and body, behind a prefix
    /edge/auth             nginx's auth_request: X-Original-Method, X-Original-URI, X-Original-Host
    /edge/forward          Traefik's and Caddy's forward auth: X-Forwarded-Method, X-Forwarded-Uri, X-Forwarded-Host

The proxy writes these headers over whatever its client sent; one that stands there twice was not written over.
"""

from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.server.body import printable
from ostiary.server.edge.asked import CUT, EdgeAsked, Heads, heads_of
from ostiary.server.forwarded import Proxies
from ostiary.server.wire import Request
from ostiary.vocabulary.reasons import Reason

ENVOY: Final = "/edge/envoy"
NGINX: Final = "/edge/auth"
FORWARD: Final = "/edge/forward"
PROOF: Final = "x-ostiary-edge-authorization"
_NAMES: Final = {
    NGINX: ("x-original-method", "x-original-uri", "x-original-host"),
    FORWARD: ("x-forwarded-method", "x-forwarded-uri", "x-forwarded-host"),
}


def kind_of(request: Request) -> str:
    """Return in which way a proxy asks, or an empty text; the path is taken as it was sent, not as it decodes."""
    if request.raw_path.startswith(ENVOY + "/"):
        return ENVOY
    return request.raw_path if request.raw_path in _NAMES else ""


def proof_of(request: Request) -> str | None:
    """Return what the proxy shows to prove itself.

    Raises:
        FaultyInputError: ``request_invalid``: it came twice.
    """
    found = [value for name, value in request.raw_headers if name == PROOF.encode()]
    if len(found) > 1:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the header `{PROOF}` came twice")
    return found[0].decode("latin-1") if found else None


def asked_by(kind: str, request: Request, proxies: Proxies, body: bytes | None) -> EdgeAsked:
    """Return what a proxy asks about.

    Raises:
        FaultyInputError: ``request_invalid``: the proxy does not say of which request.
    """
    names = _NAMES.get(kind, ())
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
    heads = heads_of(pairs, ours=frozenset(names) or frozenset({"host"}))
    method, target, host = _line(kind, request, heads, names)
    return EdgeAsked(
        method=method,
        host=host,
        target=target,
        authorization=heads.get("authorization"),
        dpop=heads.get("dpop"),
        content_type=heads.get("content-type"),
        content_encoding=heads.get("content-encoding"),
        body=body,
        partial=heads.get(CUT) not in {"", "false"},
        odd=heads.odd,
        ip=proxies.client(request.peer, request.raw_headers),
        user_agent=heads.get("user-agent"),
        certificate=proxies.certificate(request.peer, request.raw_headers),
        request_id=None if request.request_id is None else printable(request.request_id.decode("latin-1")),
    )


def _line(kind: str, request: Request, heads: Heads, names: tuple[str, ...]) -> tuple[str, str, str]:
    """Return method, target and host of the request that it is about."""
    if kind == ENVOY:
        return request.method, request.target.removeprefix(ENVOY), heads.get("host")
    method, target, host = (heads.get(name) for name in names)
    if not (method and target):
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the proxy sends `{names[0]}` and `{names[1]}`")
    return method, target, host
