"""What there is in the console: each route with the action and the area that policy is asked about.

The table is the whole truth: a path that no route has is not there, a route that names no area cannot be made, and the
test of who may do what goes through this very table.

>>> def page(visit):
...     return None
>>> table = Table((Route("GET", "/decisions/{decision}", "decisions", page), Route("GET", "/", "overview", page)))
>>> table.find("GET", "/decisions/dec_1")[1]
{'decision': 'dec_1'}
>>> table.find("GET", "/decisions/dec_1/more") is None, table.methods("/decisions/dec_1")
(True, ('GET',))
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Literal, get_args
from urllib.parse import unquote

import msgspec

if TYPE_CHECKING:
    from ostiary.server.console.visit import Visit
    from ostiary.server.wire import Reply, StreamReply

Area = Literal[
    "access",
    "approvals",
    "audit",
    "conversations",
    "data",
    "decisions",
    "defence",
    "deployment",
    "detections",
    "devices",
    "gateway",
    "impact",
    "integrations",
    "keys",
    "models",
    "overview",
    "people",
    "pipelines",
    "policies",
    "rollout",
    "self",
    "style",
    "subjects",
    "whatif",
]
"""Parts of the console, as policy names them; ``self`` is one's own sign-in, sessions and passkeys."""
Action = Literal["view", "export", "triage", "respond", "propose", "change", "reveal"]
"""What a person does there; policy sees it as ``console.`` and the word.

``view`` looks; ``export`` takes away; ``triage`` says what a detection was; ``respond`` acts on somebody's session or
device; ``propose`` asks people to agree; ``change`` changes settings; ``reveal`` opens personal content, with a reason.
"""
AREAS: Final[tuple[str, ...]] = get_args(Area)
ACTIONS: Final[tuple[str, ...]] = get_args(Action)
Method = Literal["GET", "POST"]
Handler = Callable[["Visit"], "Reply | StreamReply"]


class Route(msgspec.Struct, frozen=True):
    """One page, part of a page, or deed.

    Attributes:
        path: with ``{name}`` for one part of it.
        do: answers it, in a thread; it is called only after the decision said yes.
        action: what policy is asked; a ``POST`` is never ``view``, unless it changes nothing.
    """

    method: Method
    path: str
    area: Area
    do: Handler
    action: Action = "view"


class Table:
    """Finds routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Take them; no two may have the same method and path."""
        self.routes = tuple(routes)
        self._exact: dict[tuple[str, str], Route] = {
            (one.method, one.path): one for one in self.routes if "{" not in one.path
        }
        self._patterns = [(one, one.path.split("/")) for one in self.routes if "{" in one.path]
        if len({(one.method, _shape(one.path)) for one in self.routes}) != len(self.routes):
            msg = "two routes of the console have the same method and path"
            raise ValueError(msg)

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route of a path as it was sent, and its parts, decoded."""
        exact = self._exact.get((method, raw_path))
        if exact is not None:
            return exact, {}
        parts = raw_path.split("/")
        for route, pattern in self._patterns:
            told = _fits(pattern, parts) if route.method == method else None
            if told is not None:
                return route, told
        return None

    def methods(self, raw_path: str) -> tuple[str, ...]:
        """Return the methods by which a path can be asked."""
        return tuple(method for method in ("GET", "POST") if self.find(method, raw_path))

    def prefixes(self) -> tuple[str, ...]:
        """Return the first parts of all paths, for whoever hands requests out."""
        return tuple(sorted({f"/{one.path.split('/')[1]}" for one in self.routes}))


def _fits(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    told: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            value = unquote(part, errors="replace")
            if not value:
                return None
            told[wanted[1:-1]] = value
        elif wanted != part:
            return None
    return told


def _shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
