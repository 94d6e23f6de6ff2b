"""What happened once is answered, even when the store was away at that very moment."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.response.backoff import Backoff
from ostiary.response.handlers import OpenCase
from ostiary.response.obligations import BATCH, Obligations
from ostiary.response.outbox import Outbox
from ostiary.response.receipts import PepReceipt, ReceiptStatus
from ostiary.response.shelf import Shelf
from ostiary.response.trigger import Trigger
from ostiary.server.responding import Responding
from ostiary.server.settings.response import ResponseSection
from ostiary.sessions import ChangeKind, SessionChange, SessionLedger
from ostiary.testing.fake_clock import START_NS, FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.parts import MemoryRecorder
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord, Obligation, Outcome

BOOK = "name: ended\ntriggers: ['session:terminated']\nsteps:\n  - do: open_case\n"
AWAY = UnavailableError("disk_full", "the disk is full")


class Alarms:
    """Takes triggers, but not the first time."""

    def __init__(self) -> None:
        self.told: list[Trigger] = []
        self.away = True

    def respond(self, trigger: Trigger) -> None:
        if self.away:
            self.away = False
            raise AWAY
        self.told.append(trigger)


def test_an_obligation_that_failed_alarms_when_the_receipt_comes_again() -> None:
    outcome = Outcome(Effect.STEP_UP, Effect.STEP_UP, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)
    owed = (Obligation("step-up", "step-up"),)
    record = DecisionRecord(1, "acme", Receipt("dec_1", START_NS), "pep-1", "user:ann", outcome, obligations=owed)
    alarms = Alarms()
    book = Obligations(MemoryCards(), lambda _tenant, _name: record, alarms, FakeClock(), deadline_s=300)
    failed = PepReceipt("pep-1", START_NS // 10**9, "dec_1", "step-up", ReceiptStatus.FAILED)
    with pytest.raises(UnavailableError):
        book.receive("acme", failed)
    assert book.receive("acme", failed).standing == "failed"
    assert [alarm.kind for alarm in alarms.told] == ["obligation:unexecuted"]


class Forgetful(MemoryCards):
    """Cards that cannot be written while ``away``."""

    away = False

    def add(self, cards: Any) -> bool:
        if self.away:
            raise AWAY
        return super().add(cards)


@pytest.fixture
def responding(tmp_path: Path) -> Callable[[Forgetful], Responding]:
    (tmp_path / "ended.yaml").write_text(BOOK)
    clock = FakeClock()

    def made(cards: Forgetful) -> Responding:
        kept: dict[str, bytes] = {}
        snapshots = SimpleNamespace(
            load=lambda _tenant, _kind, name: kept.get(name),
            save=lambda _tenant, _kind, name, data, _now_ns: kept.update({name: data}),
        )
        store: Any = SimpleNamespace(cards=cards, snapshots=snapshots, tenants=list)
        log: Any = MemoryRecorder()
        log.head = lambda: SimpleNamespace(size=0)
        phases: Any = SimpleNamespace(phase=lambda *_where, **_how: None)
        return Responding(
            store,
            log,
            ResponseSection(),
            clock,
            shelf=Shelf(tmp_path, lambda _tenant: tmp_path / "none", clock.now_ns, lambda *_told: None),
            outbox=Outbox(cards, (), clock, lambda *_told: None),
            make_handlers=lambda one: [OpenCase(one.cases)],
            phases=phases,
            on_fault=lambda *_told: None,
            backoff=Backoff(),
        )

    return made


def test_a_sessions_end_is_answered_when_the_store_is_there_again(
    responding: Callable[[Forgetful], Responding],
) -> None:
    cards, ledger = Forgetful(), SessionLedger()
    response = responding(cards)
    ledger.listen(response.changed)
    cards.away = True
    ledger.terminate("acme", "s1", at_ns=1, reason="administrator")
    with pytest.raises(UnavailableError):
        response.turn()
    cards.away = False
    response.turn()
    assert [case.title for case in response.cases.listed("acme")] == ["ended: session:terminated"]
    response.changed(SessionChange("acme", "s1", "", ChangeKind.TERMINATED, 1, "administrator"))
    response.turn()
    assert len(response.cases.listed("acme")) == 1


def test_a_silent_enforcement_point_does_not_put_off_the_alarms_of_another_tenant(
    responding: Callable[[Forgetful], Responding],
) -> None:
    cards = Forgetful()
    response = responding(cards)
    told: list[str] = []
    alarms: Any = SimpleNamespace(respond=lambda trigger: told.append(trigger.tenant))
    clock: Any = response._clock
    response.obligations = Obligations(cards, lambda _tenant, _name: None, alarms, clock, deadline_s=0)
    outcome = Outcome(Effect.STEP_UP, Effect.STEP_UP, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)
    owed = (Obligation("step-up", "step-up"),)
    for tenant, count in (("acme", BATCH + 1), ("globex", 1)):
        receipts = [Receipt(f"dec_{number}", START_NS) for number in range(count)]
        records = [DecisionRecord(1, tenant, one, "pep", "user:ann", outcome, obligations=owed) for one in receipts]
        response.obligations.expect(records)
        clock.advance(1)
    response.watch()
    assert told.count("globex") == 1
