"""Playbooks that answer what playbooks do must not answer each other for ever."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ostiary.response.backoff import Backoff
from ostiary.response.handlers import DemandStepUp, ReduceSession
from ostiary.response.outbox import Outbox
from ostiary.response.shelf import Shelf
from ostiary.server.responding import Responding
from ostiary.server.settings.response import ResponseSection
from ostiary.sessions import SessionLedger
from ostiary.sessions.standing import Asked
from ostiary.testing.fake_clock import START_NS, FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.parts import MemoryRecorder

BOOKS = {
    "ping": "triggers: ['session:reduced']\nsteps:\n  - do: demand_step_up\n",
    "pong": "triggers: ['session:step_up']\nsteps:\n  - do: reduce_session\n    privileges: [write]\n",
}


def test_two_playbooks_that_set_each_other_off_come_to_rest(tmp_path: Path) -> None:
    for name, text in BOOKS.items():
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    clock, cards, ledger, log = FakeClock(), MemoryCards(), SessionLedger(), MemoryRecorder()
    snapshots = SimpleNamespace(load=lambda *_told: b"0", save=lambda *_told: None)
    store: Any = SimpleNamespace(cards=cards, snapshots=snapshots, tenants=list)
    kept: Any = log
    kept.head = lambda: SimpleNamespace(size=0)
    phases: Any = SimpleNamespace(phase=lambda *_where, **_how: None)
    response = Responding(
        store,
        kept,
        ResponseSection(),
        clock,
        shelf=Shelf(tmp_path, lambda _tenant: tmp_path / "none", clock.now_ns, lambda *_told: None),
        outbox=Outbox(cards, (), clock, lambda *_told: None),
        make_handlers=lambda _made: [DemandStepUp(ledger), ReduceSession(ledger)],
        phases=phases,
        on_fault=lambda *_told: None,
        backoff=Backoff(),
    )
    ledger.listen(response.changed)
    ledger.touch(Asked("acme", ("s1",), "user:ann", START_NS))
    ledger.demand_step_up("acme", "s1", at_ns=START_NS, reason="administrator")
    for _ in range(20):
        clock.advance(1)
        response.turn()
    done = [step.playbook for step in response.journal.listed("acme", (), 99)]
    assert done == ["pong"], "an administrator's demand is answered once, and the answer's echo is not"
