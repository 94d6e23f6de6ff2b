"""The settings of the edge: which proxies may ask, what requests are by method and path, what is looked into."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ostiary.server.edge.routes import Route
from ostiary.server.settings.base import Section

_METHOD = Annotated[str, Field(pattern=r"^[A-Z]{1,20}$")]
_NAME = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$")]
_WORD = Annotated[str, Field(min_length=1, max_length=256)]


class EdgeRouteSection(Section):
    """What a request is, by method and path."""

    name: _NAME
    """Its name, for policy and records."""
    methods: Annotated[tuple[_METHOD, ...], Field(min_length=1)]
    """Methods, such as `GET`; `HEAD` is one of its own."""
    path: Annotated[str, Field(min_length=1, max_length=1024)]
    """Its path; `{id}` stands for one segment, `{rest*}` at the end for one or more."""
    action: _WORD
    """What it does, such as `read`."""
    resource_type: _WORD
    """Type of what it is done to."""
    resource_id: _WORD
    """Its id: a text, with `{id}` where the path has one; between two names stands a slash."""
    tenant: _NAME = "default"
    """Whose it is: the tenant of the proxies that have it."""
    host: str = ""
    """Host under which alone it is; empty for any."""
    inspect: Literal["", "json", "chat", "responses", "embeddings"] = ""
    """How bodies are looked into before they pass; empty for not at all. Only Envoy sends bodies."""
    obligations: tuple[_WORD, ...] = ()
    """Types of obligations that the upstream carries out by `X-Ostiary-Obligations`, such as `reduce`; a permission
    with any other is refused."""
    proxies: tuple[str, ...] = ()
    """Ids of the proxies that have it; empty for all of the tenant."""

    def route(self) -> Route:
        """Return what requests are matched with.

        Raises:
            ValueError: a pattern cannot be meant.
        """
        return Route.make(
            self.name,
            self.methods,
            self.path,
            action=self.action,
            resource=(self.resource_type, self.resource_id),
            tenant=self.tenant,
            host=self.host,
            inspects=self.inspect,
            carries=self.obligations,
            proxies=self.proxies,
        )

    @model_validator(mode="after")
    def _can_be_meant(self) -> "EdgeRouteSection":
        try:
            self.route()
        except ValueError:
            raise
        except Exception as fault:
            raise ValueError(str(fault)) from fault
        return self


class EdgeSection(Section):
    """Proxies that ask whether a request may pass; without `proxies` there is none."""

    proxies: tuple[str, ...] = ()
    """Ids of the enforcement points that are proxies (`ostiary pep add`)."""
    routes: tuple[EdgeRouteSection, ...] = ()
    """Routes, the first that fits counts; what none names is refused."""
    urls: tuple[Annotated[str, Field(pattern=r"^https?://[^/?#\s]+/?$")], ...] = ()
    """Addresses of sites behind the proxies, such as `https://api.example`, for which clients make proofs of possession
    (DPoP); without one, such a proof is for nothing here."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=16_777_216)] = 262_144
    """Longest body that a proxy may send along; not less than its own limit (`max_request_bytes`)."""
    max_depth: Annotated[int, Field(ge=4, le=256)] = 32
    """Deepest nesting of a body that is looked into."""
    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 512
    """Requests of proxies worked on at once; one more is answered 503."""
    grpc_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Port for Envoy's ext_authz over gRPC, at `server.host` and with its TLS; 0 for none. Needs the extra `grpc`."""
