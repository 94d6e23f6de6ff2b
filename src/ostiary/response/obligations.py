"""Obligations that an enforcement point said it would answer for: awaited, carried out, failed, or never heard of.

Rules:

- Only obligations of enforcement points that are registered as giving receipts are awaited.
- The decision record in the log is the truth: a receipt counts when that record says that this enforcement point got
  this obligation. A decision of another tenant or enforcement point answers like one that never was
  (``receipt_unknown``).
- The first receipt stands. The same again is the same answer; another one is refused (``receipt_conflict``).
- After the deadline a receipt is refused (``receipt_late``); the obligation is unexecuted, and shows.
- One that failed, or that nobody answered for in time, sets off ``obligation:unexecuted``.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.keys import sha256_hex
from ostiary.response.from_decision import session_name
from ostiary.response.ports import NEVER, Card, Cards, DecisionFinder
from ostiary.response.receipts import SKEW_S, PepReceipt, ReceiptStatus
from ostiary.response.trigger import RULE, Responder, Trigger
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.verdicts import DecisionRecord, Obligation

DRAWER: Final = "obligation"
BATCH: Final = 256
_NS: Final = 1_000_000_000


class Standing(StrEnum):
    """What is known of one obligation."""

    AWAITED = "awaited"
    EXECUTED = "executed"
    FAILED = "failed"
    MISSED = "missed"


UNEXECUTED: Final = (Standing.FAILED, Standing.MISSED)


class Awaited(msgspec.Struct, frozen=True, omit_defaults=True):
    """One obligation and what became of it."""

    tenant: str
    decision_id: str
    obligation_id: str
    kind: str
    pep: str
    subject: str
    session_id: str
    decided_ns: int
    due_ns: int
    standing: Standing = Standing.AWAITED
    answered_ns: int = 0
    detail: str = ""


class Obligations:
    """Awaited obligations over a store of cards; safe for several threads."""

    def __init__(
        self,
        cards: Cards,
        find: DecisionFinder,
        responder: Responder,
        clock: Clock,
        *,
        deadline_s: float,
        on_receipt: Callable[[Awaited], None] = lambda _awaited: None,
    ) -> None:
        """Take where they are kept, who finds decision records, and whom to tell of one that was not carried out.

        ``on_receipt`` records a receipt before it counts, and raises when it cannot.
        """
        self._cards = cards
        self._find = find
        self._responder = responder
        self._clock = clock
        self._deadline_ns = round(deadline_s * _NS)
        self._on_receipt = on_receipt

    def expect(self, records: Sequence[DecisionRecord]) -> None:
        """Await every obligation of some decisions; the same decision again changes nothing."""
        now = self._clock.now_ns()
        wanted = [_card(self._awaited(record, one, now)) for record in records for one in record.obligations]
        if wanted:
            self._cards.add_free(wanted)

    def receive(self, tenant: str, receipt: PepReceipt) -> Awaited:
        """Take one verified receipt and return what is now known of the obligation.

        Raises:
            RefusedError: ``receipt_unknown``, ``receipt_time_invalid``, ``receipt_late``, ``receipt_conflict``.
            UnavailableError: it cannot be recorded.
        """
        card = self._card_for(tenant, receipt)
        awaited, now = _open(card), self._clock.now_ns()
        wanted = Standing(receipt.status.value)
        if awaited.standing in {Standing.EXECUTED, Standing.FAILED}:
            if awaited.standing == wanted:
                return awaited
            raise RefusedError("receipt_conflict", "another receipt for this obligation came first")
        if awaited.standing == Standing.MISSED or now > awaited.due_ns:
            raise RefusedError("receipt_late", "the time for this receipt is over")
        if not awaited.decided_ns // _NS - SKEW_S <= receipt.issued_s <= now // _NS + SKEW_S:
            raise RefusedError("receipt_time_invalid", "the receipt was not issued between the decision and now")
        after = msgspec.structs.replace(awaited, standing=wanted, answered_ns=now, detail=receipt.detail)
        self._on_receipt(after)
        if receipt.status == ReceiptStatus.FAILED:
            self._alarm(after)  # first, as in `watch`: once it is settled, the same receipt again would alarm nobody
        if self._cards.replace(card, _card(after)) is None:
            return self.receive(tenant, receipt)  # somebody else answered meanwhile: his answer is looked at
        return after

    def watch(self) -> int:
        """Give up on what nobody answered for in time; return how many that were."""
        due = self._cards.due(DRAWER, (Standing.AWAITED,), self._clock.now_ns(), BATCH)
        for card in due:
            missed = msgspec.structs.replace(_open(card), standing=Standing.MISSED)
            self._alarm(missed)  # first: told twice is told once, and a crash must not keep it from being told
            self._cards.replace(card, _card(missed))
        return len(due)

    def listed(self, tenant: str, *, unexecuted: bool, limit: int = 500) -> list[Awaited]:
        """Return a tenant's newest obligations, newest first."""
        return [_open(card) for card in self._cards.listed(tenant, DRAWER, UNEXECUTED if unexecuted else (), limit)]

    def find(self, tenant: str, decision_id: str, obligation_id: str) -> Awaited | None:
        """Return what is known of one obligation, or ``None`` when nobody waits for its receipt."""
        card = self._cards.find(tenant, DRAWER, _name(decision_id, obligation_id))
        return None if card is None else _open(card)

    def count_unexecuted(self) -> int:
        """Return how many of all tenants were not carried out."""
        return self._cards.count(DRAWER, UNEXECUTED)

    def prune(self, before_ns: int) -> int:
        """Forget what was settled and is older."""
        return self._cards.prune(DRAWER, (Standing.EXECUTED, *UNEXECUTED), before_ns)

    def _card_for(self, tenant: str, receipt: PepReceipt) -> Card:
        unknown = RefusedError("receipt_unknown", "there is no such obligation of this enforcement point")
        card = self._cards.find(tenant, DRAWER, _name(receipt.decision_id, receipt.obligation_id))
        if card is None:
            # A quick enforcement point: its receipt is here before the decision was looked at. The log knows it.
            record = self._find(tenant, receipt.decision_id)
            found = [one for one in record.obligations if one.id == receipt.obligation_id] if record else []
            if record is None or record.pep != receipt.pep or not found:
                raise unknown
            card = _card(self._awaited(record, found[0], record.receipt.received_ns))
            self._cards.add([card])
            card = self._cards.find(tenant, DRAWER, card.name) or card
        if _open(card).pep != receipt.pep:
            raise unknown
        return card

    def _awaited(self, record: DecisionRecord, obligation: Obligation, from_ns: int) -> Awaited:
        return Awaited(
            tenant=record.tenant,
            decision_id=record.receipt.decision_id,
            obligation_id=obligation.id,
            kind=obligation.type,
            pep=record.pep,
            subject=record.subject_key,
            session_id=session_name(record),
            decided_ns=record.receipt.received_ns,
            due_ns=from_ns + self._deadline_ns,
        )

    def _alarm(self, awaited: Awaited) -> None:
        facts = {
            "by": RULE,
            "decision_id": awaited.decision_id,
            "obligation": awaited.obligation_id,
            "type": awaited.kind,
            "pep": awaited.pep,
            "status": awaited.standing.value,
        }
        name = f"{awaited.decision_id}/{awaited.obligation_id}"
        self._responder.respond(
            Trigger(
                name,
                awaited.tenant,
                "obligation:unexecuted",
                awaited.subject,
                awaited.session_id,
                "",
                facts,
                self._clock.now_ns(),
            )
        )


def _name(decision_id: str, obligation_id: str) -> str:
    return sha256_hex(msgspec.json.encode((decision_id, obligation_id)))[:32]


def _card(awaited: Awaited) -> Card:
    name = _name(awaited.decision_id, awaited.obligation_id)
    due = awaited.due_ns if awaited.standing == Standing.AWAITED else NEVER
    return Card(
        awaited.tenant,
        DRAWER,
        name,
        awaited.standing,
        msgspec.json.encode(awaited),
        topic=awaited.pep,
        subject=awaited.subject,
        due_ns=due,
        made_ns=awaited.decided_ns,
    )


def _open(card: Card) -> Awaited:
    return msgspec.json.decode(card.data, type=Awaited)
