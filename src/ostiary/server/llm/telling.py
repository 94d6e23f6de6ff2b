"""What callers of language models are told when there is no answer, as their clients expect it.

A model that is not there, and one that the asker may not ask, are told with the very same words. What the decision
says (its id, reasons, an RFC 9470 challenge) stands in the error beside OpenAI's own members.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.gateway.openai.errors import error, model_unknown
from ostiary.gateway.spending import QUOTA, RATE, SpentError
from ostiary.gateway.upstreams.faults import LATE, UpstreamSaidNoError
from ostiary.server.wire import BODY_LATE, CLOSE, Reply, json_reply
from ostiary.vocabulary.reasons import Reason

NO_MODEL: Final = "llm-no-model"
_STATUS: Final = {
    BODY_LATE: 408,
    Reason.BODY_TOO_LARGE.value: 413,
    "content_type": 415,
    LATE: 504,
    QUOTA: 429,
    RATE: 429,
    "upstream_cut": 502,
    "upstream_failed": 502,
    "upstream_malformed": 502,
    "answer_blocked": 403,
    "answer_held": 403,
    "conversation_damaged": 409,
    "conversation_moved_on": 409,
    "conversation_rolled_back": 409,
    "conversation_shredded": 410,
    "sealed_data_refused": 409,
    "too_many_conversations": 409,
}
_UNREAD: Final = frozenset({408, 413})
_PASSED_ON: Final = frozenset({b"www-authenticate", b"dpop-nonce", b"retry-after"})


def turned_away(reply: Reply, model: str) -> Reply:
    """Return a door's answer in the form of OpenAI's errors."""
    told = msgspec.json.decode(reply.body)
    if reply.status == 403 and any(NO_MODEL in str(reason) for reason in told.get("reasons", ())):  # noqa: PLR2004
        return json_reply(404, model_unknown(model))
    more = {name: told[name] for name in ("decision_id", "reasons", "remediation") if name in told}
    body = error(reply.status, told.get("code", "access_denied"), told.get("message", ""), **more)
    return json_reply(reply.status, body, *(header for header in reply.headers if header[0] in _PASSED_ON))


def no_answer(no: OstiaryError, decision_id: str = "") -> Reply:
    """Return the reply for a request that was not answered."""
    status = status_of(no)
    more: dict[str, Any] = {"decision_id": decision_id} if decision_id else {}
    body = error(status, no.code, message_of(no, status), param_of(no), **more)
    headers = [CLOSE] if status in _UNREAD else []
    if status in {429, 503}:
        headers.append((b"retry-after", b"%d" % max(1, getattr(no, "wait_s", 1))))
    return json_reply(status, body, *headers)


def status_of(no: OstiaryError) -> int:
    """Return the status of a fault."""
    if isinstance(no, UpstreamSaidNoError):
        return no.status
    usual = 400 if isinstance(no, FaultyInputError) else 403 if isinstance(no, RefusedError) else 503
    return 429 if isinstance(no, SpentError) else _STATUS.get(no.code, usual)


def message_of(no: OstiaryError, status: int) -> str:
    """Return what may be told: of our own trouble nothing but that there is some."""
    return "The service cannot answer now, so the answer is no." if status == 503 else no.message  # noqa: PLR2004


def param_of(no: OstiaryError) -> str | None:
    """Return the name of what is wrong in the request."""
    if isinstance(no, FaultyInputError):
        return no.pointer.replace("/", ".").strip(".") or None
    return no.param if isinstance(no, UpstreamSaidNoError) else None
