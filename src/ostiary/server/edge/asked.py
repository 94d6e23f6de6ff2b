"""What a proxy tells of one request, in whichever protocol: the value that everything else here works on.

Names under ``x-ostiary-`` in the client's headers are never read: they are what *we* tell upstreams.
"""

from typing import Final

import msgspec

OWN: Final = "x-ostiary-"
OVERRIDES: Final = frozenset(
    {"x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"}
)
"""Headers by which some frameworks take another method or path for the request's own."""
TWICE: Final = "request_invalid"
OVERRIDDEN: Final = "request_overridden"
CUT: Final = "x-envoy-auth-partial-body"
"""Envoy's word of whether it cut the body; the client's own of this name, in whichever spelling, must not hide it."""
ONCE: Final = frozenset({"authorization", "content-encoding", "content-type", "dpop", "user-agent", CUT})


class EdgeAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One request at the edge.

    Attributes:
        method, host, target: as the client sent them and the upstream will get them; ``target`` with its query.
        authorization, dpop: the client's credentials.
        content_type, content_encoding: of the body.
        body: the whole body; ``None`` where the proxy sends none.
        partial: whether the proxy cut the body.
        odd: why the request could be read in two ways already, or empty.
        ip, user_agent, certificate: the client's address, program and certificate (SHA-256), as far as known.
        request_id: ``X-Request-ID``.
    """

    method: str
    host: str
    target: str
    authorization: str = ""
    dpop: str = ""
    content_type: str = ""
    content_encoding: str = ""
    body: bytes | None = None
    partial: bool = False
    odd: str = ""
    ip: str | None = None
    user_agent: str = ""
    certificate: str | None = None
    request_id: str | None = None

    def __repr__(self) -> str:  # type: ignore[explicit-override] # msgspec's own would show the token
        """Show the request line alone."""
        return f"EdgeAsked({self.method!r}, {self.host!r}, {self.target.partition('?')[0]!r})"


class Heads(msgspec.Struct, frozen=True):
    """The headers of a request that something depends on, and why they could be read in two ways."""

    told: dict[str, str]
    odd: str = ""

    def get(self, name: str) -> str:
        """Return a header, or an empty text."""
        return self.told.get(name, "")


def heads_of(pairs: list[tuple[str, str]], *, ours: frozenset[str] = frozenset()) -> Heads:
    """Return headers by name in lower case; ``ours`` are names that the proxy itself writes.

    One of the client's that decides something and came twice, or that overrides what the request is, makes it odd. So
    does a name under ours with an underscore: a proxy that strips the others may keep it, and to WSGI it is the same.
    """
    told: dict[str, str] = {}
    odd = ""
    for name, value in pairs:
        lower = name.lower().replace("_", "-")
        if lower.startswith(OWN) and "_" in name:
            odd = odd or TWICE
        if lower in told and lower in ONCE | ours:
            odd = odd or TWICE
        if lower in OVERRIDES - ours:
            odd = odd or OVERRIDDEN
        told[lower] = value.strip(" \t")
    return Heads(told, odd)
