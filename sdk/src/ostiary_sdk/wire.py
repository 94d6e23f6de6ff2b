"""From a question to bytes and from bytes to an answer, without any I/O: what is not understood is a denial.

- An answer counts only whole: status, content type, size, members of the right type, an effect that agrees with the
  decision, and the request's own id, so that another request's answer is never taken for ours.
- Nothing here raises: every fault has a reason code.
"""

import base64
import secrets
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from ostiary_sdk.answers import Challenge, Decision, Effect, Found, Obligation
from ostiary_sdk.questions import Question

EVALUATION: Final = "/access/v1/evaluation"
EVALUATIONS: Final = "/access/v1/evaluations"
SEARCH: Final = "/access/v1/search/"
FEED: Final = "/access/v1/feed"
RECEIPTS: Final = "/access/v1/receipts"
REQUEST_ID: Final = "x-request-id"
UNREACHABLE: Final = "pdp_unreachable"
TIMEOUT: Final = "pdp_timeout"
INVALID: Final = "pdp_answer_invalid"
INTERNAL: Final = "sdk_error"
DATE_SLACK_S: Final = 5.0  # the header counts whole seconds, and servers write it anew once a second at best
_OK: Final = 200
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
Credential = str | Callable[[], str]


class Reply(msgspec.Struct, frozen=True):
    """What came back over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Context(msgspec.Struct, frozen=True):
    id: str = ""
    effect: Effect | None = None
    reasons: tuple[str, ...] = ()
    reason_user: dict[str, str] | str = ""
    obligations: tuple[Obligation, ...] = ()
    acr_values: str = ""
    max_age: int | None = None
    retry_after: int | None = None
    dpop_nonce: str = ""


class _Answer(msgspec.Struct, frozen=True):
    decision: bool
    context: _Context = _Context()


class _Answers(msgspec.Struct, frozen=True):
    evaluations: tuple[_Answer, ...]


class _Page(msgspec.Struct, frozen=True):
    next_token: str = ""


class _Results(msgspec.Struct, frozen=True):
    results: tuple[dict[str, Any], ...]
    page: _Page = _Page()


def authorization(credential: Credential) -> str:
    """Return the header with which the enforcement point proves itself: an API key, a token, or ``id:secret``."""
    text = credential() if callable(credential) else credential
    text = text.strip()
    if ":" in text:
        return "Basic " + base64.b64encode(text.encode()).decode("ascii")
    return f"Bearer {text}"


def headers(credential: Credential, request_id: str) -> dict[str, str]:
    """Return the headers of a question."""
    return {
        "Authorization": authorization(credential),
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "X-Request-ID": request_id,
    }


def new_request_id() -> str:
    """Return an id that nobody can guess."""
    return secrets.token_hex(16)


def encode(body: object) -> bytes:
    """Return a body as JSON."""
    return msgspec.json.encode(body)


def read_decision(reply: Reply, request_id: str) -> Decision:
    """Return what an evaluation's answer says."""
    wrong = _wrong(reply, request_id, (_OK, _TOO_MANY))
    if wrong:
        return Decision.failed(wrong)
    try:
        decision = _decision(msgspec.json.decode(reply.body, type=_Answer))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Decision.failed(INVALID)
    if reply.status != _OK and decision.allowed:  # too much was asked, and nothing else is said by that status
        return Decision.failed("pdp_answer_contradicts_itself")
    return decision


def read_decisions(reply: Reply, request_id: str, asked: int) -> list[Decision]:
    """Return the answers of a batch, one for each question: those that did not come are denials."""
    wrong = _wrong(reply, request_id)
    told: list[Decision] = []
    if not wrong:
        try:
            told = [_decision(one) for one in msgspec.json.decode(reply.body, type=_Answers).evaluations]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            wrong = INVALID
    if len(told) > asked:
        told, wrong = [], INVALID
    return told + [Decision.failed(wrong or "not_evaluated") for _ in range(asked - len(told))]


def read_found(reply: Reply, request_id: str) -> Found:
    """Return what a search found."""
    wrong = _wrong(reply, request_id)
    if wrong:
        return Found(failed=wrong)
    try:
        told = msgspec.json.decode(reply.body, type=_Results)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Found(failed=INVALID)
    return Found(told.results, told.page.next_token)


def life_s(asked: Question, decision: Decision, reply: Reply, most_s: float) -> float:
    """Return how long a grant may be kept: never longer than its session, or than its token lives.

    The token's end is compared with the decision point's own clock, which stands in its answer: ours may be wrong.
    """
    life = most_s if decision.lifetime_s is None else min(most_s, decision.lifetime_s)
    if asked.claims.expires_s is None:
        return life
    try:
        now_s = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(life, asked.claims.expires_s - now_s - DATE_SLACK_S)


def _wrong(reply: Reply, request_id: str, good: tuple[int, ...] = (_OK,)) -> str:
    """Return why an answer does not count at all, or an empty string."""
    if reply.headers.get(REQUEST_ID) != request_id:
        return "pdp_answer_of_another" if reply.status == _OK else _status(reply.status)
    if reply.status not in good:
        return _status(reply.status)
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    coded = reply.headers.get("content-encoding", "identity").lower()
    return "" if kind == "application/json" and coded == "identity" else INVALID


def _status(status: int) -> str:
    known = {400: "pdp_refused_question", 401: "pdp_refused_us", 403: "pdp_refused_us", 408: TIMEOUT}
    return known.get(status, "pdp_unavailable" if status >= 500 else INVALID)  # noqa: PLR2004 - any fault of the server


def _decision(answer: _Answer) -> Decision:
    context = answer.context
    effect = context.effect or (Effect.ALLOW if answer.decision else Effect.DENY)
    if answer.decision != (effect in {Effect.ALLOW, Effect.REDUCE}):
        return Decision.failed("pdp_answer_contradicts_itself")
    if len({one.id for one in context.obligations}) != len(context.obligations):
        return Decision.failed(INVALID)
    user = context.reason_user
    return Decision(
        allowed=answer.decision,
        effect=effect,
        reasons=context.reasons,
        obligations=context.obligations,
        id=context.id,
        reason_user=user if isinstance(user, str) else next(iter(user.values()), ""),
        challenge=_challenge(context) if effect is Effect.STEP_UP else None,
        dpop_nonce=context.dpop_nonce,
        retry_after_s=max(0, context.retry_after or 0),
    )


def _challenge(context: _Context) -> Challenge:
    places = [one.properties.get("uri") for one in context.obligations if one.type == "step-up"]
    uri = next((place for place in places if isinstance(place, str)), "")
    return Challenge(context.acr_values, context.max_age, uri)
