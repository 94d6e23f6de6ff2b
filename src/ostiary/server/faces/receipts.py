"""``POST /access/v1/receipts``: an enforcement point says that it carried out an obligation. And responses' turns.

1. The body is ``{"receipt": "<compact JWS>"}``; the caller proves itself as for a decision, and the receipt is signed
   by the key that was registered with it (``response.receipts``).
2. 200 says that the receipt counts, now or before. 400 it is malformed, 401 the caller proved nothing, 403 it was not
   signed by the caller's key or is of another one, 404 there is no such obligation of this caller, 409 it is too late
   or contradicts an earlier one, 503 it cannot be recorded now: send it again.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.types import PepIdentity
from ostiary.keys import VerifyingKey
from ostiary.response.obligations import Awaited
from ostiary.response.outbox import DEAD
from ostiary.response.plan import StepState
from ostiary.response.receipts import verify
from ostiary.server.body import parse_object
from ostiary.server.callers import identify, stranger
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.streams import TURN_S as STREAMS_S
from ostiary.server.streams import StreamTurns
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.server.wiring import House
from ostiary.vocabulary.reasons import Reason

PATH: Final = "/access/v1/receipts"
MAX_BODY: Final = 8_192
TURN_S: Final = 0.2
SEND_S: Final = 1.0
WATCH_S: Final = 5.0
HEED_S: Final = 2.0
TIDY_S: Final = 6 * 3600.0
_STATUS: Final = {
    "receipt_key_missing": 403,
    "receipt_of_another": 403,
    "receipt_signature_invalid": 403,
    "receipt_unknown": 404,
    "body_too_large": 413,
    "body_late": 408,
}


class Receipts:
    """Takes receipts; carries the chores of all responses."""

    prefixes = (PATH,)

    def __init__(self, desk: FaceDesk) -> None:
        """Answer with what ``desk`` has."""
        self._desk = desk
        self._streams = StreamTurns(desk.house.streams, desk.faults)
        desk.house.opened.callback(self._streams.close)

    async def answer(self, request: Request) -> Reply:
        """Take one receipt."""
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        try:
            pep = await asyncio.to_thread(identify, self._desk, request)
        except RefusedError as no:
            return stranger(self._desk, request, no)
        try:
            if not request.is_json():
                raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json")
            body = await request.body(MAX_BODY, self._desk.receive_timeout_s)
            awaited = await asyncio.to_thread(self._take, pep, _receipt(parse_object(body, self._desk.limits)))
        except OstiaryError as fault:
            return _refused(fault)
        told = {"decision_id": awaited.decision_id, "obligation_id": awaited.obligation_id, "status": awaited.standing}
        return json_reply(200, told)

    def _take(self, pep: PepIdentity, text: str) -> Awaited:
        registered = self._desk.house.store.peps.find(pep.pep_id)
        if registered is None or not registered.receipt_key:
            raise RefusedError("receipt_key_missing", "no key for receipts is registered with this caller")
        key = VerifyingKey.from_pem(pep.pep_id, registered.receipt_key.encode())
        return self._desk.house.response.obligations.receive(pep.tenant, verify(text, key, pep.pep_id))

    def chores(self) -> Sequence[Chore]:
        """Return the turns of responses."""
        response = self._desk.house.response
        return (
            Chore("response_failed", TURN_S, response.turn),
            Chore("letters_not_sent", SEND_S, response.outbox.deliver, once=True),
            Chore("streams_not_told", STREAMS_S, self._streams.turn, once=True),
            Chore("receipts_not_watched", WATCH_S, response.watch, once=True),
            Chore("blocked_models_not_heeded", HEED_S, self._desk.house.scorers.heed_blocks),
            Chore("response_not_tidied", TIDY_S, response.tidy, once=True),
        )


def face(desk: FaceDesk) -> Receipts:
    """Return the face; it is always there."""
    _gauges(desk.metrics, desk.house)
    return Receipts(desk)


def _receipt(body: dict[str, object]) -> str:
    text = body.get("receipt")
    if not isinstance(text, str) or len(body) != 1:
        raise FaultyInputError("receipt_malformed", "the body has one member, `receipt`, a text")
    return text


def _refused(fault: OstiaryError) -> Reply:
    usual = 503 if isinstance(fault, UnavailableError) else 400 if isinstance(fault, FaultyInputError) else 409
    return json_reply(_STATUS.get(fault.code, usual), {"code": fault.code, "message": fault.message})


def _gauges(metrics: Metrics, house: House) -> None:
    response = house.response
    journal, outbox = response.journal, response.outbox
    metrics.gauge(
        "ostiary_obligations_unexecuted",
        "obligations that failed or that nobody answered for",
        response.obligations.count_unexecuted,
    )
    metrics.gauge("ostiary_response_queue", "decisions not looked at for responses yet", lambda: response.waiting)
    metrics.gauge("ostiary_response_waiting", "steps that wait for a person", lambda: journal.count(StepState.WAITING))
    metrics.gauge("ostiary_response_failed", "steps that failed for good", lambda: journal.count(StepState.FAILED))
    metrics.gauge("ostiary_cases_open", "cases that wait for a verdict", response.cases.count_open)
    metrics.gauge(
        "ostiary_streams_behind",
        "entries of the log that the stream furthest behind has not looked at",
        lambda: max((one.behind() for one in house.streams), default=0),
    )
    metrics.gauge("ostiary_letters_dead", "letters that were given up", lambda: outbox.count(DEAD))
