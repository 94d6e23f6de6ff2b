"""Fakes of a response's parts, named as what they are, and an executor over them.

Rules: no I/O but the journal's; a fake records what it was asked to do.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from ostiary.errors import RefusedError
from ostiary.response.approving import Approvals
from ostiary.response.blocks import ModelBlocks
from ostiary.response.cases import CaseBook
from ostiary.response.executor import Executor
from ostiary.response.handlers import handlers
from ostiary.response.journal import Journal
from ostiary.response.outbox import Letter, Outbox
from ostiary.response.playbook import Playbook
from ostiary.response.ports import Cards
from ostiary.response.records import Records
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.parts import MemoryRecorder
from ostiary.vocabulary.effects import Phase

EXPIRY_NS = 3_600_000_000_000


class FakeSession(msgspec.Struct, frozen=True):
    """As much of a session as a response looks at."""

    session_id: str
    device_id: str = ""


class FakeSessions:
    """Remembers every call; ``living`` says whose sessions there are."""

    def __init__(self, living: dict[str, list[FakeSession]] | None = None) -> None:
        """Take the sessions of each subject."""
        self.living = living or {}
        self.calls: list[tuple[str, str, str]] = []
        self.away: Exception | None = None

    def _called(self, what: str, tenant: str, name: str) -> bool:
        if self.away is not None:
            raise self.away
        first = (what, tenant, name) not in self.calls
        self.calls.append((what, tenant, name))
        return first

    def terminate(self, tenant: str, session_id: str, **_told: Any) -> bool:
        """Remember it."""
        return self._called("terminate", tenant, session_id)

    def reduce(self, tenant: str, session_id: str, **_told: Any) -> bool:
        """Remember it."""
        return self._called("reduce", tenant, session_id)

    def demand_step_up(self, tenant: str, session_id: str, **_told: Any) -> bool:
        """Remember it."""
        return self._called("step_up", tenant, session_id)

    def revoke_subject(self, tenant: str, subject: str, **_told: Any) -> tuple[str, ...]:
        """Remember it, and end the subject's sessions."""
        self._called("revoke", tenant, subject)
        return tuple(one.session_id for one in self.living.pop(subject, []))

    def of_subject(self, tenant: str, subject: str) -> list[FakeSession]:
        """Return the sessions of a subject."""
        del tenant
        return self.living.get(subject, [])

    def of_device(self, tenant: str, device_id: str) -> list[FakeSession]:
        """Return the sessions on a device."""
        del tenant
        return [one for sessions in self.living.values() for one in sessions if one.device_id == device_id]


class FakeDevice(msgspec.Struct, frozen=True):
    """As much of a device as a response looks at."""

    quarantined_ns: int = 0
    quarantine_reason: str = ""


class FakeDevices:
    """A book of devices that knows only who is shut out, since when and why."""

    def __init__(self) -> None:
        """Begin with nobody shut out."""
        self._out: dict[tuple[str, str], FakeDevice] = {}

    @property
    def out(self) -> set[tuple[str, str]]:
        """Who is shut out."""
        return set(self._out)

    def find(self, tenant: str, device_id: str) -> FakeDevice:
        """Return one; every device is there."""
        return self._out.get((tenant, device_id), FakeDevice())

    def quarantine(self, tenant: str, device_id: str, *, now_ns: int, reason: str, cause: str = "") -> FakeDevice:
        """Shut one out."""
        del cause
        return self._out.setdefault((tenant, device_id), FakeDevice(now_ns, reason))

    def release(self, tenant: str, device_id: str, *, now_ns: int, cause: str = "") -> None:
        """Let one in again."""
        del now_ns, cause
        self._out.pop((tenant, device_id), None)


class FakeTokens:
    """Enforcement points by name: on or off."""

    def __init__(self, *names: str) -> None:
        """Begin with these switched on."""
        self.on = dict.fromkeys(names, True)

    def disable(self, tenant: str, name: str) -> bool:
        """Switch one off."""
        return self._turn(tenant, name, on=False)

    def enable(self, tenant: str, name: str) -> bool:
        """Switch one on."""
        return self._turn(tenant, name, on=True)

    def _turn(self, tenant: str, name: str, *, on: bool) -> bool:
        del tenant
        if name not in self.on:
            raise RefusedError("pep_unknown", "there is no such enforcement point")
        changed = self.on[name] is not on
        self.on[name] = on
        return changed


class FakeSink:
    """A sink that keeps letters; ``fault`` is raised instead while it is set."""

    def __init__(self, tenant: str = "acme", name: str = "soc") -> None:
        """Be ``name`` of ``tenant``."""
        self.tenant = tenant
        self.name = name
        self.letters: list[Letter] = []
        self.fault: Exception | None = None

    def deliver(self, letter: Letter, now_ns: int) -> None:
        """Keep one letter."""
        del now_ns
        if self.fault is not None:
            raise self.fault
        self.letters.append(letter)


class FixedPhases:
    """Phases by control name; nothing = the playbook's own."""

    def __init__(self) -> None:
        """Begin with nothing set."""
        self.set: dict[tuple[str, str], Phase] = {}

    def phase(self, tenant: str, control: str, subject: str = "", *, model: bool = False) -> Phase | None:
        """Return what was set."""
        del subject, model
        return self.set.get((tenant, control))


class ResponseBench:
    """Everything of a response over fakes; work is done when a test says so."""

    def __init__(self, playbooks: Iterable[Playbook], cards: Cards | None = None) -> None:
        """Take the playbooks of every tenant, and where things are kept."""
        self.books = list(playbooks)
        self.cards = cards if cards is not None else MemoryCards()
        self.clock = FakeClock()
        self.recorder = MemoryRecorder()
        self.sessions = FakeSessions()
        self.devices = FakeDevices()
        self.tokens = FakeTokens("pep-1")
        self.sink = FakeSink()
        self.phases = FixedPhases()
        self.faults: list[tuple[str, BaseException]] = []
        self.reloaded: list[str] = []
        self.cases = CaseBook(self.cards)
        self.blocks = ModelBlocks(self.cards)
        self.outbox = Outbox(self.cards, [self.sink], self.clock, self._fault)
        self.handlers = handlers(
            sessions=self.sessions,
            devices=self.devices,
            tokens=self.tokens,
            blocks=self.blocks,
            on_block=self.reloaded.append,
            cases=self.cases,
            outbox=self.outbox,
        )
        self.journal = Journal(self.cards, EXPIRY_NS)
        self.records = Records(self.recorder)
        self.executor = Executor(
            self.journal,
            self.records,
            self.handlers,
            playbooks=lambda _tenant: self.books,
            phases=self.phases,
            clock=self.clock,
            on_fault=self._fault,
        )
        self.approvals = Approvals(self.journal, self.records, self.handlers, self.clock)

    def _fault(self, reason: str, fault: BaseException) -> None:
        self.faults.append((reason, fault))

    def told(self) -> list[tuple[str, str]]:
        """Return what was recorded, oldest first: what happened, and to which kind of step."""
        bodies = [msgspec.json.decode(payload) for _, _, _, payload in self.recorder.payloads]
        return [(body["what"], body.get("do", "")) for body in bodies]
