"""What callers of the inference door are told when there is no answer."""

from typing import Any, Final

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.pipeline.inference.serving import BUDGET_SPENT, RATE_EXCEEDED
from ostiary.server.wire import BODY_LATE, CLOSE, Reply, json_reply
from ostiary.vocabulary.reasons import Reason

_STATUS: Final[dict[str, int]] = {
    BODY_LATE: 408,
    BUDGET_SPENT: 429,
    "endpoint_not_forwarded": 409,
    "endpoint_unknown": 404,
    "output_not_coarse": 502,
    "permit_unknown": 409,
    RATE_EXCEEDED: 429,
    Reason.BODY_TOO_LARGE.value: 413,
    Reason.SESSION_EXPIRED.value: 401,
    Reason.SESSION_TERMINATED.value: 401,
    Reason.SUBJECT_REVOKED.value: 401,
    "upstream_failed": 502,
    "upstream_malformed": 502,
    "upstream_refused": 502,
}
_UNREAD: Final = frozenset({408, 413})


def no_answer(no: OstiaryError, decision_id: str = "", wait_s: int = 1) -> Reply:
    """Return the reply for a request that was not answered."""
    usual = 400 if isinstance(no, FaultyInputError) else 403 if isinstance(no, RefusedError) else 503
    status = _STATUS.get(no.code, usual)
    message = no.message
    if isinstance(no, UnavailableError) and status not in _STATUS.values():
        message = "The service cannot answer now, so the answer is no."
    body: dict[str, Any] = {"code": no.code, "message": message}
    if decision_id:
        body["decision_id"] = decision_id
    if isinstance(no, FaultyInputError) and no.pointer:
        body["pointer"] = no.pointer
    headers = [CLOSE] if status in _UNREAD else []
    if status in {429, 503}:
        headers.append((b"retry-after", b"%d" % wait_s))
    return json_reply(status, body, *headers)
