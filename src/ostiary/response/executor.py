"""The one executor: triggers become plans, plans become effects, each step once to success.

Rules:

1. ``respond`` only writes down: trigger and plan are on disk when it returns, and nothing is done on the caller's path.
2. A step is recorded before it is done and after. Where the log cannot be written, nothing is done.
3. A step is claimed with a lease before it is done. Who dies in the middle leaves it to the next one, and handlers know
   their effect by the step's name: done twice is done once.
4. What is unavailable is tried again, longer apart each time; what is refused has failed, and shows. A fault in one
   step never keeps the others from being done.
5. A step that a model may be behind is asked about again when it is done: a playbook that was demoted, switched off or
   taken away meanwhile has it wait for a person, or not done at all.
6. Nothing here loosens anything, and nothing here knows a model.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.response.backoff import NS, Backoff
from ostiary.response.journal import Journal, Kept
from ostiary.response.plan import Planned, StepState, needs_person, phase_for, plan, run
from ostiary.response.playbook import Playbook
from ostiary.response.ports import EffectHandler, PlaybookPhases
from ostiary.response.records import Records
from ostiary.response.trigger import Trigger, by_model
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Phase

LEASE_S: Final = 10.0
MAX_ATTEMPTS: Final = 24
BATCH: Final = 64
OnFault = Callable[[str, BaseException], None]
Playbooks = Callable[[str], Iterable[Playbook]]


class Executor:
    """Plans and carries out; safe for several threads and, through its journal, for several processes."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        handlers: Iterable[EffectHandler],
        *,
        playbooks: Playbooks,
        phases: PlaybookPhases,
        clock: Clock,
        on_fault: OnFault,
        backoff: Backoff | None = None,
        on_work: Callable[[], None] = lambda: None,
    ) -> None:
        """Take where steps are kept, who carries them out, and whom to wake when there is work."""
        self._journal = journal
        self._records = records
        self._handlers = {handler.kind: handler for handler in handlers}
        self._playbooks = playbooks
        self._phases = phases
        self._clock = clock
        self._on_fault = on_fault
        self._backoff = backoff or Backoff()
        self._on_work = on_work

    def plan(self, trigger: Trigger, *, dry: bool = False) -> tuple[Planned, ...]:
        """Return what would be done about a trigger; changes nothing."""
        return plan(trigger, self._playbooks(trigger.tenant), self._phases, self._clock.now_ns(), dry=dry)

    def respond(self, trigger: Trigger) -> None:
        """Write down a trigger and its plan; what no playbook answers leaves no trace.

        Raises:
            UnavailableError: it could not be written; hand it in again.
        """
        now = self._clock.now_ns()
        steps = plan(trigger, self._playbooks(trigger.tenant), self._phases, now)
        if steps and self._journal.open(steps[0].trigger, steps, now):
            self._on_work()

    def wants(self, tenant: str, kind: str) -> bool:
        """Return whether any playbook may answer triggers of a kind; quick."""
        return any(book.wants(kind) for book in self._playbooks(tenant))

    def run(self, name: str, trigger: Trigger, *, dry: bool) -> tuple[Planned, ...]:
        """Run one playbook by name, for an administrator; with ``dry`` nothing is even written down.

        Raises:
            RefusedError: ``playbook_unknown``.
            UnavailableError: it could not be written.
        """
        now = self._clock.now_ns()
        playbook = next((book for book in self._playbooks(trigger.tenant) if book.name == name), None)
        if playbook is None:
            raise RefusedError("playbook_unknown", "there is no such playbook")
        steps = run(trigger, playbook, self._phases, now, dry=dry)
        if not dry and self._journal.open(steps[0].trigger, steps, now):
            self._on_work()
        return steps

    def work(self) -> int:
        """Do every step whose time has come; return how many were tried."""
        now = self._clock.now_ns()
        for kept in self._journal.overdue(now, BATCH):
            self._give_up_waiting(kept, now)
        tried = 0
        for kept in self._journal.runnable(now, BATCH):
            tried += self._try(kept)
        return tried

    def _held_back(self, step: Planned) -> StepState | None:
        """Return where a step goes that may not be done by itself any more; one that a person agreed to goes on."""
        playbook = next((one for one in self._playbooks(step.tenant) if one.name == step.playbook), None)
        if step.by or not by_model(step.trigger):
            return None
        if playbook is None:  # nobody vouches for it any more
            return StepState.DRY
        live = phase_for(step.trigger, playbook, self._phases)
        if live < Phase.LOW_RISK:
            return StepState.DRY
        return StepState.WAITING if needs_person(step.step, step.trigger, live) else None

    def _try(self, kept: Kept) -> bool:
        now = self._clock.now_ns()
        try:
            state = self._held_back(kept[1])
        except UnavailableError as away:  # neither done nor given up: the next turn asks again
            self._on_fault(away.code, away)
            return False
        if state is not None:
            self._journal.hold(kept, msgspec.structs.replace(kept[1], state=state, why="model"), now)
            return False
        running = msgspec.structs.replace(kept[1], state=StepState.RUNNING, attempts=kept[1].attempts + 1, fault="")
        claimed = self._journal.move(kept, running, now + round(LEASE_S * NS))
        if claimed is None:
            return False
        if kept[1].attempts >= MAX_ATTEMPTS:  # whoever tried it so often never lived to say how it went
            self._fail(claimed, "attempts_exhausted")
            return True
        try:
            done = self._perform(running, now)
        except UnavailableError as away:
            self._again(claimed, away)
        except OstiaryError as no:
            self._fail(claimed, no.code)
        except Exception as fault:  # noqa: BLE001 - one broken handler must not keep other steps from being done
            self._on_fault("response_failed", fault)
            self._fail(claimed, "internal_error")
        else:
            self._journal.move(claimed, done)
        return True

    def _perform(self, step: Planned, now: int) -> Planned:
        handler = self._handlers.get(step.step.do)
        if handler is None:
            raise UnavailableError("handler_missing", f"nobody carries out `{step.step.do}` here")
        self._records.step("begin", step, now)
        done = msgspec.structs.replace(step, state=StepState.DONE, outcome=handler.perform(step.act))
        self._records.step("done", done, self._clock.now_ns())
        return done

    def _again(self, claimed: Kept, away: UnavailableError) -> None:
        step = claimed[1]
        if step.attempts >= MAX_ATTEMPTS:
            self._fail(claimed, away.code)
            return
        due = self._clock.now_ns() + self._backoff.delay_ns(step.attempts)
        self._journal.move(claimed, msgspec.structs.replace(step, state=StepState.READY, fault=away.code), due)

    def _fail(self, claimed: Kept, code: str) -> None:
        failed = msgspec.structs.replace(claimed[1], state=StepState.FAILED, fault=code)
        self._tell("failed", failed)
        self._journal.move(claimed, failed)

    def _give_up_waiting(self, kept: Kept, now: int) -> None:
        expired = self._journal.move(kept, msgspec.structs.replace(kept[1], state=StepState.EXPIRED))
        if expired is not None:
            self._tell("expired", expired[1], now)

    def _tell(self, what: str, step: Planned, now: int = 0) -> None:
        try:
            self._records.step(what, step, now or self._clock.now_ns())
        except OstiaryError as fault:  # it did not happen, so nothing is lost but the note of it
            self._on_fault("response_unrecorded", fault)
