"""A fault while the log is looked at again must not make a response never happen."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ostiary.errors import UnavailableError
from ostiary.response.backoff import Backoff
from ostiary.response.handlers import OpenCase
from ostiary.response.outbox import Outbox
from ostiary.response.shelf import Shelf
from ostiary.server.responding import MARGIN_NS, SEEN, Responding
from ostiary.server.settings.response import ResponseSection
from ostiary.testing.fake_clock import START_NS, FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.parts import MemoryRecorder
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome

BOOK = "name: ended\ntriggers: ['decision:TERMINATE']\nsteps:\n  - do: open_case\n"
NEVER_LOOKED_AT = 3


def decision(tenant: str, name: str) -> bytes:
    ended = Outcome(Effect.TERMINATE, Effect.TERMINATE, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)
    return msgspec.json.encode(DecisionRecord(1, tenant, Receipt(name, START_NS), "pep-1", f"user:{name}", ended))


class Log(MemoryRecorder):
    """A log with what each tenant decided; reading ``away``'s fails."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, list[bytes]] = {}
        self.away = ""

    def iterate(self, tenant: str, _kind: str, _since: int) -> Iterator[Any]:
        if tenant == self.away:
            raise UnavailableError("storage_unavailable", "the database failed")
        yield from (SimpleNamespace(payload=payload) for payload in self.kept.get(tenant, []))

    def head(self) -> Any:
        return SimpleNamespace(size=99)


class Snapshots:
    """The one mark up to which the log was looked at."""

    def __init__(self) -> None:
        self.kept = {SEEN: str(NEVER_LOOKED_AT).encode()}

    def load(self, _tenant: str, _kind: str, name: str) -> bytes | None:
        return self.kept.get(name)

    def save(self, _tenant: str, _kind: str, name: str, data: bytes, _now_ns: int) -> None:
        self.kept[name] = data


class Bench:
    """A house's responses over a log that may fail."""

    def __init__(self, folder: Path) -> None:
        (folder / "ended.yaml").write_text(BOOK)
        self.clock, self.log, self.snapshots, self.cards = FakeClock(), Log(), Snapshots(), MemoryCards()
        self.faults: list[str] = []
        rows = [SimpleNamespace(tenant=name, deleted_ns=None) for name in ("acme", "globex")]
        store: Any = SimpleNamespace(cards=self.cards, snapshots=self.snapshots, tenants=lambda: rows)
        log: Any = self.log
        phases: Any = SimpleNamespace(phase=lambda *_where, **_how: None)
        self.responding = Responding(
            store,
            log,
            ResponseSection(),
            self.clock,
            shelf=Shelf(folder, lambda _tenant: folder / "none", self.clock.now_ns, self.fault),
            outbox=Outbox(self.cards, (), self.clock, self.fault),
            make_handlers=lambda made: [OpenCase(made.cases)],
            phases=phases,
            on_fault=self.fault,
            backoff=Backoff(),
        )

    def fault(self, reason: str, _fault: BaseException) -> None:
        self.faults.append(reason)

    def later(self) -> None:
        """Let so much time pass that what was looked at is noted."""
        for _ in range(3):
            self.responding.turn()
            self.responding.watch()
            self.clock.advance(MARGIN_NS / 10**9)

    def cases(self, tenant: str) -> list[str]:
        return [case.subject for case in self.responding.cases.listed(tenant)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_could_not_be_read_is_looked_at_when_it_can_be_and_holds_no_other_tenant_back(bench: Bench) -> None:
    bench.log.kept = {"acme": [decision("acme", "ann")], "globex": [decision("globex", "bea")]}
    bench.log.away = "acme"
    try:
        bench.later()
    except UnavailableError:
        bench.later()
    assert bench.cases("globex") == ["user:bea"]
    assert bench.snapshots.kept[SEEN] == str(NEVER_LOOKED_AT).encode()
    bench.log.away = ""
    bench.later()
    assert bench.cases("acme") == ["user:ann"]
    assert bench.snapshots.kept[SEEN] == b"99"


def test_one_record_that_cannot_be_read_hides_none_behind_it(bench: Bench) -> None:
    bench.log.kept = {"acme": [b'{"v":"odd"}', decision("acme", "ann")]}
    bench.later()
    assert bench.cases("acme") == ["user:ann"]
    assert "response_failed" in bench.faults
