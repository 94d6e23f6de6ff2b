"""``/v1/data/…``: the decision for callers that speak OPA's REST API.

    POST /v1/data/ostiary/decision        {"input": {…}}    {"result": {"allow": …, "effect": …, …}, "decision_id": …}
    POST /v1/data/ostiary/authz           {"input": {…}}    {"result": {"allow": …}, "decision_id": …}
    POST /v1/data/ostiary/authz/allow     {"input": {…}}    {"result": true, "decision_id": …}
    GET  the same                         ?input={…}

1. The caller proves itself, and every request has exactly one record, as at ``/access/v1/evaluation``: it is the same
   decision, asked in other words. ``input`` is an AuthZEN request: subject, action, resource, context.
2. ``authz`` and ``authz/allow`` say true only for a decision that permits and asks nothing further: who reads one truth
   cannot carry out obligations, or reduce.
3. No other document is there, no data, no query, no policy: what is not in this list is a 404.
4. ``pretty``, ``metrics`` and ``provenance`` are honoured; other parameters of OPA are refused by name, unless off.
"""

import time
from typing import Any, Final, Protocol

import msgspec
from typing_extensions import override

from ostiary import __version__
from ostiary.errors import FaultyInputError
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.wire import JSON, Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

PREFIX: Final = "/v1/data"
DECISION: Final = "/v1/data/ostiary/decision"
AUTHZ: Final = "/v1/data/ostiary/authz"
ALLOW: Final = "/v1/data/ostiary/authz/allow"
PATHS: Final = frozenset({ALLOW, AUTHZ, DECISION})
MAX_QUERY_BYTES: Final = 8_192
_SWITCHES: Final = frozenset({"metrics", "pretty", "provenance"})
_OFF: Final = {"explain": "off", "instrument": "false", "strict-builtin-errors": "false"}
_TRUTHS: Final = {"": True, "true": True, "false": False}
_CODES: Final = {
    400: "invalid_parameter",
    401: "unauthorized",
    404: "resource_not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    429: "too_many_requests",
}


class Answers(Protocol):
    """What of ``AuthZen`` this face uses."""

    async def answer(self, endpoint: Any, request: Request) -> Reply:
        """Answer one request."""
        ...


class OpaRequest(Request):
    """A request as AuthZEN would have it: a POST of what lies in ``input``."""

    __slots__ = ("_asked", "_limits", "switches")

    def __init__(self, request: Request, limits: BodyLimits) -> None:
        """Take the request as it came."""
        for name in Request.__slots__:  # the very same request, in other words
            setattr(self, name, getattr(request, name))
        self._asked = request
        self._limits = limits
        self.switches: frozenset[str] = frozenset()
        self.method = "POST"

    @override
    def is_json(self) -> bool:
        """Return whether the body says that it is JSON; a GET has none, and OPA's clients need not say it."""
        return self._asked.method == "GET" or self.header(b"content-type") is None or super().is_json()

    @override
    async def body(self, max_bytes: int, timeout_s: float) -> bytes:
        """Return what lies in ``input``; the caller has proved itself by then, so that faults have a record."""
        told = self._parameters()
        self.switches = frozenset(name for name in _SWITCHES if _switch(name, told.get(name, "false")))
        if self._asked.method == "GET":
            return told.get("input", "{}").encode()
        whole = parse_object(await super().body(max_bytes, timeout_s), self._limits)
        if set(whole) - {"input"}:
            raise _fault("the body has one member, `input`", "/" + min(set(whole) - {"input"}))
        return msgspec.json.encode(whole.get("input", {}))

    def _parameters(self) -> dict[str, str]:
        if len(self._query) > MAX_QUERY_BYTES:
            raise _fault(f"the query has at most {MAX_QUERY_BYTES} bytes", "")
        told = self.query
        for name, value in told.items():
            known = name in _SWITCHES or (name == "input" and self._asked.method == "GET")
            if not known and value != _OFF.get(name):
                raise _fault(f"the parameter `{name[:64]}` is not supported here", "")
        return told


class OpaData:
    """Answers below ``/v1/data``."""

    def __init__(self, authzen: Answers, limits: BodyLimits) -> None:
        """Ask ``authzen``."""
        self._authzen = authzen
        self._limits = limits

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path not in PATHS:
            return _error(404, "there is no such document here")
        if request.method not in {"GET", "POST"}:
            return json_reply(405, {"code": _CODES[405], "message": "use POST or GET"}, (b"allow", b"GET, POST"))
        begun, asked = time.perf_counter_ns(), OpaRequest(request, self._limits)
        reply = await self._authzen.answer("evaluation", asked)
        told = msgspec.json.decode(reply.body)
        if reply.status != 200:  # noqa: PLR2004 - the one success
            message = told if isinstance(told, str) else "no decision was made, which is a denial"
            context = told.get("context", {}) if isinstance(told, dict) else {}
            named = {"decision_id": context["id"]} if "id" in context else {}
            body = {"code": _CODES.get(reply.status, "internal_error"), "message": message, **named}
            return msgspec.structs.replace(reply, body=msgspec.json.encode(body))
        answer = {"result": _result(request.path, told), "decision_id": told["context"]["id"]}
        if "metrics" in asked.switches:
            answer["metrics"] = {"timer_server_handler_ns": time.perf_counter_ns() - begun}
        if "provenance" in asked.switches:
            answer["provenance"] = {"version": __version__}
        data = msgspec.json.encode(answer)
        if "pretty" in asked.switches:
            data = msgspec.json.format(data, indent=2)
        return msgspec.structs.replace(reply, body=data)


def _result(path: str, told: dict[str, Any]) -> Any:
    context = told["context"]
    if path == DECISION:
        return {"allow": told["decision"], **{name: value for name, value in context.items() if name != "id"}}
    plainly = told["decision"] is True and context["effect"] == "ALLOW" and not context.get("obligations")
    return plainly if path == ALLOW else {"allow": plainly}


def _switch(name: str, value: str) -> bool:
    if value not in _TRUTHS:
        raise _fault(f"the parameter `{name}` is `true` or `false`", "")
    return _TRUTHS[value]


def _error(status: int, message: str) -> Reply:
    return Reply(status, msgspec.json.encode({"code": _CODES[status], "message": message}), (JSON,))


def _fault(message: str, pointer: str) -> FaultyInputError:
    return FaultyInputError(Reason.REQUEST_INVALID.value, message, pointer)
