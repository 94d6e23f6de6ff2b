"""What devices call: a nonce, and three signed messages. Nobody needs a credential beside the message itself.

    POST /devices/v1/nonce   {"purpose": "enrol"|"attest"}     a nonce, and which TPM registers to quote
    POST /devices/v1/enrol   {"message": "<compact JWS>"}      typ ostiary-enrol+jwt
    POST /devices/v1/report  {"message": "<compact JWS>"}      typ ostiary-posture+jwt
    POST /devices/v1/attest  {"message": "<compact JWS>"}      typ ostiary-attest+jwt

- Bodies are small. What they hold is judged by a few threads of its own, with a bounded queue: whoever floods this
  waits for himself, and neither decisions nor the server's chores for him.
- Every refusal is counted like that of any caller that proved nothing; nonces are made without remembering them.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.identity.devices import Device, DeviceBook, DeviceRefusal
from ostiary.identity.devices.challenges import PURPOSES
from ostiary.identity.devices.envelope import MAX_LENGTH
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.devices import SessionsFall
from ostiary.server.wire import BODY_LATE, CLOSE, Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

PREFIX: Final = "/devices/v1"
SWEEP_S: Final = 1.0
THREADS: Final = 4
MAX_WAITING: Final = 64
Act = Callable[[dict[str, Any]], dict[str, Any]]
_LIMITS: Final = BodyLimits(MAX_LENGTH + 1024, 3)
_STATUS: Final[dict[str, int]] = {
    BODY_LATE: 408,
    DeviceRefusal.DEVICE_TOO_SOON: 429,
    DeviceRefusal.DEVICE_UNAUTHENTICATED: 401,
    DeviceRefusal.DEVICE_UNKNOWN: 404,
    Reason.BODY_TOO_LARGE: 413,
}


class DeviceFace:
    """Answers devices."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Take the house's book; from now on sessions fall with their devices, and playbooks answer."""
        self._desk = desk
        self._book: DeviceBook = desk.house.devices
        self._book.listen(SessionsFall(desk.house.ledger, desk.house.settings.devices))
        self._book.listen(desk.house.response.device_changed)
        self._waiting = 0
        self._threads = ThreadPoolExecutor(THREADS, "devices")
        self._answers: dict[str, Act] = {
            "nonce": self._nonce,
            "enrol": self._enrol,
            "report": self._report,
            "attest": self._attest,
        }

    def chores(self) -> Sequence[Chore]:
        """Judge anew what time has changed, and tell what another process did."""
        return (Chore("devices_not_judged", SWEEP_S, lambda: self._book.sweep(self._now()), once=True),)

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        act = self._answers.get(request.path.removeprefix(PREFIX + "/"))
        if act is None:
            return json_reply(404, {"code": "not_found", "message": "there is nothing here"})
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        try:
            body = await self._body(request)
            return json_reply(200, await self._work(act, body))
        except OstiaryError as fault:
            return self._refused(request, fault)

    async def _work(self, act: Act, body: dict[str, Any]) -> dict[str, Any]:
        if self._waiting >= MAX_WAITING:
            raise UnavailableError(Reason.OVERLOADED.value, "too many devices speak at once, try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, act, body)
        finally:
            self._waiting -= 1

    async def _body(self, request: Request) -> dict[str, Any]:
        if request.twice or not request.is_json():
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json, told once")
        raw = await request.body(_LIMITS.max_bytes, self._desk.receive_timeout_s)
        return parse_object(raw, _LIMITS)

    def _refused(self, request: Request, fault: OstiaryError) -> Reply:
        self._desk.refusals.count(fault.code, request.peer)
        if isinstance(fault, UnavailableError) and fault.code != Reason.OVERLOADED:
            self._desk.faults(fault.code, fault)
        usual = 400 if isinstance(fault, FaultyInputError) else 503 if isinstance(fault, UnavailableError) else 403
        status = _STATUS.get(fault.code, usual)
        unread = (CLOSE,) if status in {408, 413} else ()
        return json_reply(status, {"code": fault.code, "message": fault.message}, *unread)

    def _nonce(self, body: dict[str, Any]) -> dict[str, Any]:
        purpose = body.get("purpose")
        if set(body) != {"purpose"} or not isinstance(purpose, str) or purpose not in PURPOSES:
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "say for which `purpose`: enrol or attest")
        rules = self._book.rules
        return {
            "nonce": self._book.challenge(purpose, self._now()),
            "expires_in": rules.challenge_s,
            "registers": rules.registers(),
        }

    def _enrol(self, body: dict[str, Any]) -> dict[str, Any]:
        made = self._book.enrol(_message(body), self._now())
        return {**self._told(made), "kind": made.kind, "attestation_key": made.ak_trust or "none"}

    def _report(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._told(self._book.report(_message(body), self._now()))

    def _attest(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._told(self._book.attest(_message(body), self._now()))

    def _told(self, device: Device) -> dict[str, Any]:
        told = self._book.judge(device, self._now())
        return {
            "tenant": device.tenant,
            "device_id": device.device_id,
            "trust": told.trust,
            "standing": told.standing.value,
            "why": list(told.why),
        }

    def _now(self) -> int:
        return self._desk.house.clock.now_ns()


def _message(body: dict[str, Any]) -> str:
    message = body.get("message")
    if set(body) != {"message"} or not isinstance(message, str):
        raise FaultyInputError(Reason.REQUEST_INVALID.value, "the body holds one text, `message`")
    return message


def face(desk: FaceDesk) -> DeviceFace:
    """Return the face; there is always one."""
    return DeviceFace(desk)
