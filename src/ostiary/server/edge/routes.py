"""Which access a request is: routes from method, host and path to action and resource.

- Routes are tried in their order, and the first that fits counts. What no route names is refused.
- ``{name}`` stands for one segment, ``{name*}`` at the end for one or more. Nothing else is a pattern.
- Capitals and a slash at the end may mean something to an upstream or nothing. So where a request would fit an earlier
  route if they meant nothing, it can be read in two ways and is refused.

>>> route = Route.make("doc", ("GET",), "/v1/docs/{id}", action="read", resource=("document", "{id}"))
>>> RouteTable((route,)).find("default", "edge-1", "GET", "api.example", ("v1", "docs", "7")).resource_id
'7'
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, Self

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.server.edge.paths import AMBIGUOUS_PATH, read_host, read_path

Inspects = Literal["", "json", "chat", "responses", "embeddings"]
MAX_ID: Final = 2048
NO_ROUTE: Final = "edge_no_route"
_NAME: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})(\*?)\}\Z")
_USED: Final = re.compile(r"\{([^{}]*)\}")


class Matched(msgspec.Struct, frozen=True):
    """A request that a route names."""

    route: "Route"
    resource_id: str


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route; made by ``make``.

    Attributes:
        name: its name for policy and records.
        methods: exactly these.
        segments: of its path; a pattern is kept as it was written.
        action, resource_type, resource_id: the access; the id may hold ``{name}``.
        tenant: whose it is.
        host: only there; empty for any host.
        inspects: how bodies are looked into, empty for not at all.
        carries: types of obligations that the upstream carries out.
        proxies: ids of the enforcement points that have it; empty for all of its tenant.
    """

    name: str
    methods: frozenset[str]
    segments: tuple[str, ...]
    action: str
    resource_type: str
    resource_id: str
    tenant: str = "default"
    host: str = ""
    inspects: Inspects = ""
    carries: frozenset[str] = frozenset()
    proxies: frozenset[str] = frozenset()

    @classmethod
    def make(
        cls,
        name: str,
        methods: Sequence[str],
        path: str,
        *,
        action: str,
        resource: tuple[str, str],
        tenant: str = "default",
        host: str = "",
        inspects: Inspects = "",
        carries: Sequence[str] = (),
        proxies: Sequence[str] = (),
    ) -> Self:
        """Return a route whose patterns can be meant.

        Raises:
            ValueError: they cannot.
        """
        return cls(
            name=name,
            methods=frozenset(methods),
            segments=_pattern(path, resource[1]),
            action=action,
            resource_type=resource[0],
            resource_id=resource[1],
            tenant=tenant,
            host=read_host(host) if host else "",
            inspects=inspects,
            carries=frozenset(carries),
            proxies=frozenset(proxies),
        )

    def fits(self, segments: tuple[str, ...], *, strictly: bool) -> dict[str, str] | None:
        """Return what the names of the pattern stand for, or ``None`` where it does not fit."""
        given = segments if strictly or segments[-1] or len(segments) == 1 else segments[:-1]
        mine = self.segments if strictly or self.segments[-1] or len(self.segments) == 1 else self.segments[:-1]
        found: dict[str, str] = {}
        for place, one in enumerate(mine):
            named = _NAME.match(one)
            if named is not None and named[2]:
                rest = given[place:]
                return {**found, named[1]: "/".join(rest)} if any(rest) else None
            if place >= len(given) or not self._is(one, named, given[place], found, strictly=strictly):
                return None
        return found if len(mine) == len(given) else None

    @staticmethod
    def _is(one: str, named: re.Match[str] | None, given: str, found: dict[str, str], *, strictly: bool) -> bool:
        if named is None:
            return one == given if strictly else one.casefold() == given.casefold()
        found[named[1]] = given
        return bool(given)


class RouteTable:
    """All routes, in order."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Keep them."""
        self._routes = tuple(routes)
        self.inspects = any(route.inspects for route in routes)

    def find(self, tenant: str, proxy: str, method: str, host: str, segments: tuple[str, ...]) -> Matched:
        """Return the access that a request is.

        Raises:
            FaultyInputError: ``edge_no_route``, or ``path_ambiguous``.
        """
        for route in self._routes:
            if route.tenant != tenant or method not in route.methods or route.host not in ("", host):
                continue
            if route.proxies and proxy not in route.proxies:
                continue
            exact = route.fits(segments, strictly=True)
            if exact is not None:
                return Matched(route, _filled(route.resource_id, exact))
            if route.fits(segments, strictly=False) is not None:
                raise FaultyInputError(AMBIGUOUS_PATH, "capitals or the slash at the end may mean something")
        raise FaultyInputError(NO_ROUTE, "no route names this request")


def _filled(template: str, found: dict[str, str]) -> str:
    text = _USED.sub(lambda used: found[used[1]], template)
    if not text or len(text) > MAX_ID:
        raise FaultyInputError(NO_ROUTE, "the id of the resource is too long")
    return text


def _pattern(path: str, resource_id: str) -> tuple[str, ...]:
    """Return the segments of a pattern.

    Raises:
        ValueError: a literal part is no path, a name stands twice, or the id uses one that is not there.
    """
    if not path.startswith("/"):
        msg = f"`{path}` begins with a slash"
        raise ValueError(msg)
    segments, names = tuple(path[1:].split("/")), list[str]()
    for place, one in enumerate(segments):
        named = _NAME.match(one)
        if named is None and ("{" in one or "}" in one):
            msg = f"`{one}` is no pattern: write `{{name}}`, or `{{name*}}` at the end"
            raise ValueError(msg)
        if named is not None:
            names.append(named[1])
            if named[2] and place != len(segments) - 1:
                msg = f"`{one}` stands at the end only"
                raise ValueError(msg)
    literal = "/" + "/".join("x" if _NAME.match(one) else one for one in segments)
    try:
        read_path(literal)
    except FaultyInputError as fault:
        msg = f"`{path}`: {fault.message}"
        raise ValueError(msg) from fault
    used = _USED.findall(resource_id)
    if len(set(names)) != len(names) or not set(used) <= set(names):
        msg = f"`{resource_id}` uses names of `{path}`, each of which stands there once"
        raise ValueError(msg)
    return tuple(one if _NAME.match(one) else read_path("/" + one)[1][0] for one in segments)
