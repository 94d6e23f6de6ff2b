"""The routes of every face that is no OpenAPI: who may ask, by which method, where, and an ordinary body.

docs/reference/http-api.md tells them to people; ``tests/conformance/test_faces_never_break.py`` asks them with odd
values and holds this list against what the server serves. The console's pages tell of themselves.
"""

import json
import re
from typing import Any, Final, Literal, NamedTuple

from ostiary.server.console.pages import all_routes

Caller = Literal["nobody", "pep", "admin", "person", "stage", "browser"]
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


class Route(NamedTuple):
    """One thing that can be asked."""

    caller: Caller
    method: str
    path: str
    body: bytes = b""
    content_type: str = ""


def _json(caller: Caller, method: str, path: str, body: Any) -> Route:
    return Route(caller, method, path, json.dumps(body).encode(), JSON)


def _form(caller: Caller, path: str, body: str) -> Route:
    return Route(caller, "POST", path, body.encode(), FORM)


_ASKED = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "doc", "id": "1"},
    "context": {"ip": "203.0.113.7", "session_id": "s", "device": {"id": "d"}, "place": {"region": "DE"}},
}
_ITEM = {"denial": {"evaluation_id": "dec_1"}, "requested_access": {"duration_s": 300}, "context": {"reason": "x"}}
_CHAT = {
    "model": "fake",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "stream": True,
}
_GUARD = {"texts": ["hi"], "request_data": {"model": "fake"}, "input_type": "request", "litellm_call_id": "x"}
_QUARANTINE = {"model": "fake", "text": "x", "schema": {"type": "object", "properties": {}}}
_RUN = {"sandbox": "kubernetes", "environment": {"name": "image", "digest": "sha256:" + "e" * 64}, "egress": []}
_REPORT = {"phase": "ended", "status": 0, "limits": {}, "connections": [], "outputs": []}
_REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {"uid": "u", "operation": "CREATE", "namespace": "n", "object": {"metadata": {}, "spec": {}}},
}
_WINDOW = {
    "stream": "s" * 22, "nonce": "n" * 22, "sequence": 1, "modality": "keystroke", "began": 0, "lasted": 5_000,
    "events": [[0, 80, 1]],
}  # fmt: skip
_STREAM = {"delivery": {"method": "urn:ietf:rfc:8936"}, "events_requested": ["urn:x"], "description": "d"}
_SUBJECT = {"stream_id": "s", "subject": {"format": "iss_sub", "iss": "i", "sub": "s"}, "verified": True}
_RPC = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "f", "arguments": {"a": 1}}}
_HAND = {"person": "user:ann", "signer": "user:ann", "decision": "approve", "delegation": "", "credential": {"id": "x"}}
_TOKEN = (
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=a.b.c&subject_token_type="
    "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&authorization_details=%5B%7B%22type%22%3A%22ostiary_dataset%22%7D%5D"
)
_P: Final = "/pipeline/default"

_FIXED: Final = (
    # AuthZEN and what stands beside it
    *(_json("pep", "POST", f"/access/v1/{one}", _ASKED) for one in ("evaluation", "search/subject", "search/action")),
    _json("pep", "POST", "/access/v1/search/resource", {**_ASKED, "page": {"limit": 5, "token": "x"}}),
    _json("pep", "POST", "/access/v1/evaluations", {**_ASKED, "evaluations": [{}, {"action": {"name": "write"}}]}),
    _json("pep", "POST", "/access/v1/receipts", {"receipt": "a.b.c"}),
    _json("pep", "POST", "/access/v1/requests", {**_ASKED, **_ITEM}),
    Route("pep", "GET", "/access/v1/requests/req_1"),
    _json("pep", "POST", "/access/v1/requests/req_1/cancel", {}),
    Route("nobody", "GET", "/.well-known/authzen-configuration"),
    Route("nobody", "GET", "/.well-known/authzen-configuration/default"),
    Route("nobody", "GET", "/.well-known/jwks.json"),
    Route("nobody", "GET", "/healthz"),
    Route("nobody", "GET", "/readyz"),
    Route("nobody", "GET", "/metrics"),
    Route("nobody", "GET", "/log/checkpoint"),
    Route("nobody", "GET", "/log/tile/0/000.p/1"),
    # tokens
    _form("nobody", "/oauth/default/token", _TOKEN),
    _form("stage", "/oauth/default/token", _TOKEN),
    _form("pep", "/oauth/default/introspect", "token=a.b.c&token_type_hint=access_token"),
    _form("pep", "/oauth/default/revoke", "token=a.b.c"),
    Route("nobody", "GET", "/oauth/default/jwks"),
    Route("nobody", "GET", "/.well-known/oauth-authorization-server/oauth/default"),
    # people: step-up, enrolment, denials, approvals, the console
    Route("nobody", "GET", "/step-up/default/dec_1?return_to=https://a.example/"),
    _json("nobody", "POST", "/step-up/default/dec_1/options", {}),
    _json("nobody", "POST", "/step-up/default/dec_1/answer", {"seal": "a", "credential": {"id": "x", "response": {}}}),
    Route("nobody", "GET", "/enrol/token"),
    _json("nobody", "POST", "/enrol/token/options", {}),
    _json("nobody", "POST", "/enrol/token/answer", {"seal": "a", "confirmed_by": "x", "name": "n", "credential": {}}),
    Route("nobody", "GET", "/denied/dec_1"),
    Route("nobody", "GET", "/approve/default/prop_1?as=user:ann"),
    _json("nobody", "POST", "/approve/default/prop_1/options", _HAND),
    _json("nobody", "POST", "/approve/default/prop_1/answer", _HAND),
    Route("nobody", "GET", "/static/step-up/x.js"),
    Route("nobody", "GET", "/static/approvals/x.js"),
    Route("nobody", "GET", "/sign-in"),
    _json("nobody", "POST", "/sign-in/options", {"name": "ann", "tenant": "default"}),
    _json(
        "nobody",
        "POST",
        "/sign-in/answer",
        {"name": "ann", "tenant": "default", "seal": "a", "until": 1, "credential": {}},
    ),
    # devices and behaviour
    _json("nobody", "POST", "/devices/v1/nonce", {"purpose": "enrol"}),
    *(_json("nobody", "POST", f"/devices/v1/{one}", {"message": "a.b.c"}) for one in ("enrol", "report", "attest")),
    Route("nobody", "GET", "/biometrics/v1/collector.js"),
    _json("person", "POST", "/biometrics/v1/default/streams", {"session": "s"}),
    _json("person", "POST", "/biometrics/v1/default/windows", _WINDOW),
    Route("person", "GET", "/biometrics/v1/default/consent"),
    _json("person", "PUT", "/biometrics/v1/default/consent", {"text": "default"}),
    Route("person", "DELETE", "/biometrics/v1/default/consent"),
    # shared signals
    Route("nobody", "GET", "/.well-known/ssf-configuration"),
    Route("nobody", "GET", "/ssf/v1/jwks.json"),
    *(_json("pep", method, "/ssf/v1/streams", {**_STREAM, "stream_id": "s"}) for method in ("POST", "PATCH", "PUT")),
    Route("pep", "GET", "/ssf/v1/streams?stream_id=s"),
    Route("pep", "DELETE", "/ssf/v1/streams?stream_id=s"),
    Route("pep", "GET", "/ssf/v1/status?stream_id=s"),
    _json("pep", "POST", "/ssf/v1/status", {"stream_id": "s", "status": "paused", "reason": "x"}),
    _json("pep", "POST", "/ssf/v1/subjects/add", _SUBJECT),
    _json("pep", "POST", "/ssf/v1/subjects/remove", _SUBJECT),
    _json("pep", "POST", "/ssf/v1/verify", {"stream_id": "s", "state": "x"}),
    _json("pep", "POST", "/ssf/v1/poll/s", {"maxEvents": 1, "ack": ["a"], "setErrs": {"b": {"err": "x"}}}),
    Route("nobody", "POST", "/ssf/v1/push/idp", b"a.b.c", "application/secevent+jwt"),
    # language models, tools, retrieval, conversations
    _json("person", "POST", "/v1/chat/completions", _CHAT),
    _json("person", "POST", "/v1/responses", {"model": "fake", "input": [{"role": "user", "content": "hi"}]}),
    _json("person", "POST", "/v1/embeddings", {"model": "fake", "input": ["x"], "encoding_format": "float"}),
    Route("person", "GET", "/v1/models"),
    Route("person", "GET", "/v1/models/fake"),
    _json("pep", "POST", "/llm/default/guardrail", _GUARD),
    _json("person", "POST", "/llm/default/quarantine/extract", _QUARANTINE),
    _json("person", "POST", "/mcp/default/mail", _RPC),
    Route("person", "GET", "/mcp/default/mail"),
    _json("person", "POST", "/rag/default/search", {"index": "docs", "query": "x", "top": 3, "filter": {}}),
    Route("person", "GET", "/rag/default/indexes/docs"),
    Route("person", "GET", "/conversations/default?limit=5&before=x"),
    Route("person", "GET", "/conversations/default/conv_1?start=-1&limit=2"),
    Route("person", "GET", "/conversations/default/conv_1/export"),
    Route("person", "DELETE", "/conversations/default/conv_1"),
    # the ML pipeline's doors
    Route("stage", "GET", f"{_P}/datasets/sales/objects/own.txt"),
    Route("stage", "PUT", f"{_P}/datasets/sales/objects/new.txt", b"abc", "application/octet-stream"),
    Route("stage", "DELETE", f"{_P}/datasets/sales/objects/own.txt"),
    Route("stage", "GET", f"{_P}/datasets/sales/list?prefix=a&deep=1&limit=3"),
    Route("stage", "GET", f"{_P}/datasets/sales/manifest"),
    _json("stage", "PUT", f"{_P}/datasets/sales/manifest", {"payload": "e30=", "payloadType": "x", "signatures": []}),
    Route("stage", "GET", f"{_P}/datasets/sales/budget"),
    Route("stage", "GET", f"{_P}/features/sales"),
    _json("stage", "POST", f"{_P}/features/sales/query", {"columns": ["a"], "rows": [{"user_id": 1}]}),
    _json("stage", "POST", f"{_P}/features/sales/online", {"columns": ["a"], "rows": [{"user_id": 1}]}),
    _json("stage", "POST", f"{_P}/features/sales/write", {"rows": [{"user_id": 1, "at": "x"}]}),
    Route("stage", "GET", f"{_P}/models/sales"),
    _json("stage", "POST", f"{_P}/models/sales/uploads", {"files": [{"path": "a", "size": 1}]}),
    _json("stage", "POST", f"{_P}/models/sales/promote", {"version": 1, "stage": "production"}),
    _json("stage", "POST", f"{_P}/models/sales/load", {"stage": "production"}),
    _json("stage", "POST", f"{_P}/inference/sales/predict", {"instances": [{"amount": 1}]}),
    _json(
        "pep", "POST", f"{_P}/inference/sales/begin", {"context": {"subject_token": "x"}, "input": {"instances": []}}
    ),
    _json("pep", "POST", f"{_P}/inference/sales/end", {"permit": "x", "answer": {"predictions": [1]}}),
    _json("stage", "POST", f"{_P}/training/sales/runs", _RUN),
    _json("stage", "POST", f"{_P}/training/sales/runs/run_1", _REPORT),
    _json("pep", "POST", f"{_P}/admission", _REVIEW),
    # the administrators' API, beside what its own OpenAPI makes schemathesis ask
    _json("admin", "POST", "/api/v1/tenants/default/whatif", {**_ASKED, "draft": {"candidate": "x"}}),
    _json("admin", "POST", "/api/v1/tenants/default/bundle/draft", {"file": "a.rego", "text": "package a"}),
    Route("admin", "GET", "/api/v1/tenants/default/decisions?effect=DENY&limit=3"),
)


_DEED: Final = (
    "why=looks+odd&name=x&subject=user%3Aann&to=shadow&control=step_up&scope=all&days=1&text=a&file=a.rego&role=analyst"
    "&kind=decision&state=open&verdict=benign&about=bundle&candidate=x&note=n&effect=DENY&confirm=x"
)


def console_routes() -> tuple[Route, ...]:
    """Return the pages and deeds of the console, as its own tables name them."""
    found = []
    for one in all_routes():
        path = re.sub(r"\{(\w+)\}", r"\1-1", one.path)
        page = Route("browser", "GET", f"{path}?days=1&show=x")
        found.append(_form("browser", path, _DEED) if one.method == "POST" else page)
    return tuple(found)


ROUTES: Final = (*_FIXED, *console_routes())
