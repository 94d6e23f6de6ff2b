"""An application's incoming request, as an enforcement point reads it: who presents what, and for which access.

1. A header that decides something may come once only, and a path is read in one way only: whatever two programs could
   read differently (dot segments, encoded slashes, backslashes, control characters) is refused before it is mapped.
2. Everything that the client sent under our own names (``X-Ostiary-…``, with dashes or underscores) is taken out.
3. A request that the mapping knows nothing of is refused; one that needs no permission says so with ``PUBLIC``.
4. The address of a proof of possession comes from the configuration, never from the ``Host`` header.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary_sdk.answers import Decision
from ostiary_sdk.asking import prepared
from ostiary_sdk.questions import Entity, Question

OWN_PREFIX: Final = "x-ostiary-"
DECISION: Final = "ostiary.decision"
PUBLIC: Final = "public"
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")
_DECIDING: Final = ("authorization", "dpop")
_ODD_PATH: Final = re.compile(r"[\x00-\x1f\x7f\\]|//|/\.{1,2}(/|\Z)")
_ODD_RAW: Final = re.compile(r"%(2f|5c|2e|00|25)", re.IGNORECASE)


class Incoming(msgspec.Struct, frozen=True):
    """What the mapping may look at.

    Attributes:
        path: decoded once; ``headers`` in lower case, our own names and credentials taken out.
        client: address of the connection's other end, empty when not known.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    client: str = ""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What a request wants: the mapping's answer.

    Attributes:
        action: its name.
        resource: ``type:id`` or a pair.
        subject: who, where the application itself has signed it in; else the token says.
        session_id: the session that the application vouches for.
        context: facts of the moment.
    """

    action: str
    resource: Entity
    subject: Entity | None = None
    session_id: str = ""
    context: dict[str, Any] = {}
    action_properties: dict[str, Any] = {}
    resource_properties: dict[str, Any] = {}


NOTHING: Final = Incoming("", "/", "", {})
Mapping_ = Callable[[Incoming], Access | Literal["public"] | None]


class Presented(msgspec.Struct, frozen=True):
    """The credentials of one request."""

    scheme: str = ""
    token: str = ""
    dpop: str = ""

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show the scheme alone."""
        return f"Presented({self.scheme!r})"


class OddRequestError(Exception):
    """The request could be read in two ways; its text is a reason code."""


def is_ours(name: str) -> bool:
    """Return whether a header has one of our names: servers may take an underscore for a dash.

    >>> is_ours("X-Ostiary-Decision"), is_ours("x_ostiary_subject"), is_ours("X-Other")
    (True, True, False)
    """
    return name.lower().replace("_", "-").startswith(OWN_PREFIX)


def check_path(path: str, raw: str = "") -> None:
    """Refuse a path that somebody else may read differently.

    Raises:
        OddRequestError: ``path_ambiguous``.
    """
    if not path.startswith("/") or _ODD_PATH.search(path) or _ODD_RAW.search(raw):
        raise OddRequestError("path_ambiguous")


def incoming(method: str, path: str, query: str, headers: Iterable[tuple[str, str]], client: str) -> Incoming:
    """Return what the mapping may look at; of a header that came twice the values are joined."""
    told: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower not in _DECIDING and not is_ours(lower):
            told[lower] = f"{told[lower]}, {value}" if lower in told else value
    return Incoming(method, path, query, told, client)


def presented(headers: Iterable[tuple[str, str]]) -> Presented:
    """Return the credentials of a request.

    Raises:
        OddRequestError: ``credentials_ambiguous``.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower().replace("_", "-")
        if lower in _DECIDING:
            if lower in found:
                raise OddRequestError("credentials_ambiguous")
            found[lower] = value.strip()
    scheme, _, token = found.get("authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "dpop"}:
        return Presented(scheme)  # the application's own business: Basic, a cookie, nothing
    if not _TOKEN.match(token) or ("," in found.get("dpop", "")):
        raise OddRequestError("credentials_ambiguous")
    if scheme.lower() == "dpop" and not found.get("dpop"):
        raise OddRequestError("dpop_proof_missing")
    return Presented(scheme, token, found.get("dpop", ""))


def asked_for(access: Access, got: Incoming, shown: Presented, public_url: str) -> Question | Decision:
    """Return the question of a request, or the denial of one that cannot be asked."""
    if shown.dpop and not public_url:
        return Decision.failed("public_url_missing")
    facts = {"ip": got.client, "user_agent": got.headers.get("user-agent", "")}
    who = {
        "token": shown.token,
        "dpop": shown.dpop,
        "http_method": got.method if shown.dpop else "",
        "http_uri": public_url.rstrip("/") + got.path if shown.dpop else "",
        "session_id": access.session_id,
        "context": {**{name: value for name, value in facts.items() if value}, **access.context},
        "action_properties": access.action_properties,
        "resource_properties": access.resource_properties,
    }
    if access.subject is not None:
        who["subject"] = access.subject
    elif not shown.token:
        return Decision.failed("token_missing")
    return prepared(access.action, access.resource, who)
