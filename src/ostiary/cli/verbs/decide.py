"""``ostiary decide``: AuthZEN requests on stdin, answers on stdout, no server needed.

Everything is as it is behind the server: the same parts, the same law, one record each in the data directory's log.
Alone a request ends with 0 (permitted), 3 (denied) or 4 (step-up needed). With ``--jsonl`` each line gets an answer
line, a malformed one too, and the end is 0 when every line was answered.
"""

import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import msgspec
from cyclopts import Parameter

from ostiary.cli.places import Config, Data, Tenant, open_data
from ostiary.decision.decide import Decider
from ostiary.decision.parts import Call, Decided
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.identity.extract import extract_presented
from ostiary.identity.types import PepIdentity
from ostiary.keys import random_bytes
from ostiary.server.assembly import restore_profiles
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.requests import read_evaluation
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

DENIED: Final = 3
STEP_UP: Final = 4
_RECORD_WAIT_S: Final = 30.0
_WAITING: Final = 512
_EXIT: Final = {Effect.STEP_UP: STEP_UP, Effect.DENY: DENIED, Effect.TERMINATE: DENIED}


class Desk:
    """Answers one request after another, as the enforcement point ``cli`` of one tenant."""

    def __init__(self, house: House, tenant: str) -> None:
        """Decide for ``tenant``.

        Raises:
            RefusedError: ``tenant_unknown``.
        """
        if house.tenants.find(tenant) is None:
            raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
        self._house = house
        # Whoever may run this holds the data directory: there is nothing to keep from him, and nobody's budget is his.
        self._decider = Decider(msgspec.structs.replace(house.decider.parts, questions=None))
        self._limits = BodyLimits(house.settings.server.max_body_bytes, house.settings.server.max_depth)
        self.max_bytes = self._limits.max_bytes
        self._pep = PepIdentity(pep_id="cli", tenant=tenant, subjects="asserted")

    def answer(self, body: bytes) -> tuple[Decided, FaultyInputError | None]:
        """Decide one request; a malformed one is a recorded denial and its fault."""
        now = self._house.clock.now_ns()
        receipt = Receipt(make_id("dec", now, random_bytes(RANDOM_BYTES)), now)
        try:
            asked = read_evaluation(parse_object(body, self._limits))
            presented, context = extract_presented(asked.context)
        except FaultyInputError as fault:
            return self._decider.refuse(receipt, self._pep, fault.code, fault=fault.pointer), fault
        clean = msgspec.structs.replace(asked, context=context)
        decided = self._decider.decide(receipt, Call(self._pep, clean, presented))
        if decided.event is not None:
            self._house.knowledge.learn(decided.event)
        return decided, None


class Printer:
    """Prints each answer, in order, when its record is on disk; asks nobody to wait for the one before."""

    def __init__(self) -> None:
        """Start the printing thread."""
        self._queue: queue.Queue[tuple[Decided, FaultyInputError | None] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._run, name="decide-printer", daemon=True)
        self.fault: BaseException | None = None
        self._thread.start()

    def put(self, answered: tuple[Decided, FaultyInputError | None]) -> None:
        """Hand over one answer."""
        self._queue.put(answered)

    def close(self) -> None:
        """Print what waits.

        Raises:
            OstiaryError: a record could not be written; its answer was a denial.
        """
        self._queue.put(None)
        self._thread.join()
        if self.fault is not None:
            raise self.fault

    def _run(self) -> None:
        while (answered := self._queue.get()) is not None:
            sys.stdout.write(msgspec.json.encode(self._told(*answered)).decode() + "\n")
            if self._queue.empty():
                sys.stdout.flush()
        sys.stdout.flush()

    def _told(self, decided: Decided, fault: FaultyInputError | None) -> dict[str, Any]:
        try:
            decided.durable.result(timeout=_RECORD_WAIT_S)
        except (OstiaryError, TimeoutError) as away:
            self.fault = away
            code = getattr(away, "code", "record_failed")
            return {"decision": False, "context": {"effect": Effect.DENY.name, "reasons": [code]}}
        return told(decided, fault)


def told(decided: Decided, fault: FaultyInputError | None) -> dict[str, Any]:
    """Return the answer, with the error of a malformed request in its context."""
    if fault is None:
        return decided.answer
    error = {"status": 400, "message": fault.message}
    return {**decided.answer, "context": {**decided.answer["context"], "error": error}}


def command(
    *,
    jsonl: Annotated[bool, Parameter(negative="", help="One request a line, one answer a line.")] = False,
    bundle: Annotated[Path | None, Parameter(help="Policy bundle to use instead of the tenant's.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
) -> None:
    """Decide AuthZEN evaluation requests from stdin; answers go to stdout, records to the data directory."""
    with open_data(data, config, bundle=bundle) as house:
        house.policies.load(tenant)
        restore_profiles(house)
        desk = Desk(house, tenant)
        code = _stream(desk, sys.stdin.buffer) if jsonl else _single(desk, sys.stdin.buffer)
    if code:
        sys.exit(code)


def _single(desk: Desk, source: BinaryIO) -> int:
    decided, fault = desk.answer(source.read())
    decided.durable.result(timeout=_RECORD_WAIT_S)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(told(decided, fault))).decode() + "\n")
    sys.stdout.flush()
    if fault is not None:
        raise fault
    return _EXIT.get(decided.record.outcome.effect, 0)


def lines(source: BinaryIO, max_bytes: int) -> Iterator[bytes]:
    """Yield lines; of one that is too long only so much that it is seen to be, never the whole."""
    while line := source.readline(max_bytes + 2):
        yield line
        while len(line) == max_bytes + 2 and not line.endswith(b"\n"):
            line = source.readline(max_bytes + 2)


def _stream(desk: Desk, source: BinaryIO) -> int:
    printer = Printer()
    try:
        for line in lines(source, desk.max_bytes):
            if line.strip():
                printer.put(desk.answer(line.rstrip(b"\r\n")))
    finally:
        printer.close()
    return 0
