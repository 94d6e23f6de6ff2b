"""The items of one AuthZEN batch: what each asks, and how it is answered where it cannot be.

- An item is stamped when a thread comes to it, or when it is refused before: nobody's time runs while others are at it.
- What is wrong with an item is answered and recorded as its own decision.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.decision.answer import retry_after
from ostiary.decision.decide import Decider
from ostiary.decision.parts import Call, Claim, Decided
from ostiary.errors import FaultyInputError
from ostiary.identity.extract import extract_presented
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.server.wire import BODY_LATE
from ostiary.vocabulary.entities import EvaluationRequest, Receipt
from ostiary.vocabulary.reasons import Reason

STATUS: Final = {Reason.BODY_TOO_LARGE.value: 413, BODY_LATE: 408}
"""The status that a fault of a body is told with; 400 for any other."""
_TOO_MANY: Final = {"status": 429, "message": "too many different questions were asked"}


class Asked:
    """One item on its way to an answer: a ``Question`` of a lot."""

    __slots__ = ("_claim", "_decider", "_fault", "_lock", "_pep", "_presented", "_receipt", "_request", "_stamp")

    def __init__(
        self,
        decider: Decider,
        stamp: Callable[[], Receipt],
        pep: PepIdentity,
        item: EvaluationRequest | FaultyInputError,
    ) -> None:
        """Take who decides, what stamps receipts, who asks, and what is asked or wrong with it."""
        self._decider = decider
        self._stamp = stamp
        self._pep = pep
        self._request: EvaluationRequest | None = None
        self._presented = PresentedSubject()
        self._fault: FaultyInputError | None = None
        try:
            if isinstance(item, FaultyInputError):
                raise item
            self._presented, context = extract_presented(item.context)
            self._request = msgspec.structs.replace(item, context=context)
        except FaultyInputError as fault:
            self._fault = fault
        self._claim = Claim()
        self._lock = threading.Lock()
        self._receipt: Receipt | None = None

    def run(self) -> Decided:
        """Decide.

        Raises:
            AlreadyAnsweredError: the deadline was first.
            UnavailableError: the log takes no record.
        """
        receipt, request = self._received(), self._request
        if request is None:
            return self._faulty(receipt, self._claim)
        try:
            return self._decider.decide(receipt, Call(self._pep, request, self._presented, self._claim))
        except FaultyInputError as fault:  # of its record, under its claim: what was asked does not fit into one
            self._fault = fault
            return self._faulty(receipt, None)

    def refuse(self, reason: str, fault: str) -> Decided:
        """Deny with a reason and the name of a fault.

        Raises:
            AlreadyAnsweredError: it was decided.
            UnavailableError: the log takes no record.
        """
        receipt, claim, request = self._received(), self._claim, self._request
        try:
            return self._decider.refuse(receipt, self._pep, reason, request, claim=claim, fault=fault)
        except FaultyInputError as unfit:  # as above, under its claim: the others of its batch need not know of it
            self._fault = unfit
            return self._faulty(receipt, None)

    def answer_of(self, decided: Decided) -> dict[str, Any]:
        """Return a decision as an item of a batch, which has no status of its own."""
        error: dict[str, Any] | None = None
        if self._fault is not None:
            error = {"status": STATUS.get(self._fault.code, 400), "message": self._fault.message}
        elif retry_after(decided.record.outcome):
            error = _TOO_MANY
        if error is None:
            return decided.answer
        return {**decided.answer, "context": {**decided.answer["context"], "error": error}}

    def _faulty(self, receipt: Receipt, claim: Claim | None) -> Decided:
        code, pointer = (self._fault.code, self._fault.pointer) if self._fault else (Reason.REQUEST_INVALID.value, "")
        return self._decider.refuse(receipt, self._pep, code, claim=claim, fault=pointer)

    def _received(self) -> Receipt:
        """Return the receipt, which is made once: the loop may refuse while a thread begins."""
        with self._lock:
            if self._receipt is None:
                self._receipt = self._stamp()
            return self._receipt
