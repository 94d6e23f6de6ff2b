"""Envoy's messages over gRPC to what the edge works on, and back (``envoy.service.auth.v3``).

- Headers come in lower case, those that a client sent twice joined by commas: such a token has no token's form.
- Of HTTP/2's own headers (``:path``) each must say what the request says.
- A permission writes over what the client sent under our names, and takes out whatever else it sent under them.
"""

from typing import Final

from ostiary.server.body import printable
from ostiary.server.edge.answers import TOLD, EdgeAnswer
from ostiary.server.edge.asked import CUT, OWN, TWICE, EdgeAsked, Heads, heads_of
from ostiary.server.edge.stubs import ext_authz_pb2 as pb
from ostiary.server.forwarded import escaped_pem

_DENIED: Final = 7  # google.rpc.Code PERMISSION_DENIED
_UNAUTHENTICATED: Final = 16
_OVERWRITE: Final = pb.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD


def asked_in(call: "pb.CheckRequest") -> EdgeAsked:
    """Return what a call asks about."""
    source, http = call.attributes.source, call.attributes.request.http
    heads = _heads(http)
    return EdgeAsked(
        method=http.method,
        host=http.host,
        target=http.path,
        authorization=heads.get("authorization"),
        dpop=heads.get("dpop"),
        content_type=heads.get("content-type"),
        content_encoding=heads.get("content-encoding"),
        body=http.raw_body or http.body.encode() or None,
        partial=heads.get(CUT) not in {"", "false"},
        odd=heads.odd,
        ip=source.address.socket_address.address or None,
        user_agent=heads.get("user-agent"),
        certificate=escaped_pem(source.certificate),
        request_id=printable(heads.get("x-request-id")) or None,
    )


def _heads(http: "pb.AttributeContext.HttpRequest") -> Heads:
    pairs = [(one.key, one.value or one.raw_value.decode("latin-1")) for one in http.header_map.headers]
    told = heads_of(pairs or list(http.headers.items()))
    same = {":method": http.method, ":path": http.path, ":authority": http.host}
    if any(told.get(name) not in {"", value} for name, value in same.items()):
        return Heads(told.told, told.odd or TWICE)
    return told


def told_as(call: "pb.CheckRequest", answer: EdgeAnswer) -> "pb.CheckResponse":
    """Return an answer as Envoy reads it."""
    headers = [_header(name, value) for name, value in answer.headers]
    if answer.allows:
        ok = pb.OkHttpResponse(headers=headers, headers_to_remove=_invented(call))
        return pb.CheckResponse(status=pb.Status(code=0), ok_response=ok)
    code = _UNAUTHENTICATED if answer.status == 401 else _DENIED  # noqa: PLR2004
    denied = pb.DeniedHttpResponse(status=pb.HttpStatus(code=answer.status), headers=headers, body=answer.body.decode())
    return pb.CheckResponse(status=pb.Status(code=code), denied_response=denied)


def _header(name: str, value: str) -> "pb.HeaderValueOption":
    # `append_action` says the same as the older `append: false`; both are told, for Envoys of any age.
    told = pb.HeaderValue(key=name, value=value)
    return pb.HeaderValueOption(header=told, append=pb.BoolValue(value=False), append_action=_OVERWRITE)


def _invented(call: "pb.CheckRequest") -> list[str]:
    """Return names under ours that the client sent and that we do not write."""
    http = call.attributes.request.http
    names = {name.lower() for name in (*http.headers, *(one.key for one in http.header_map.headers))}
    ours = [name for name in names if name.replace("_", "-").startswith(OWN) and name not in TOLD]
    return sorted(ours)  # all of them: one that was left would be believed
