"""Steps that wait for a person: shown with whom they would hit, agreed to or refused once, taken back where possible.

Rules:

- Whoever agrees names the digest of what was shown; a step that became another one is refused (``plan_changed``).
- Of several answers to one question exactly one counts, and it is recorded before it counts.
- An answer after the time limit is no answer.
- Taking back is a person's deed, never a playbook's, and takes back what this step did: not what it found done.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError
from ostiary.keys import equal
from ostiary.response.handlers import UNCHANGED
from ostiary.response.journal import ASKING, Journal, Kept
from ostiary.response.plan import Planned, StepState
from ostiary.response.ports import Blast, EffectHandler
from ostiary.response.records import Records
from ostiary.response.steps import UNDOABLE
from ostiary.vocabulary.clock import Clock

LIST_LIMIT: Final = 500
HOLD_NS: Final = 60_000_000_000  # who died between two writes holds a step no longer than this


class Pending(msgspec.Struct, frozen=True):
    """A step that waits, and whom it would hit if it were done now."""

    step: Planned
    digest: str
    blast: Blast


class Approvals:
    """What administrators do with steps."""

    def __init__(self, journal: Journal, records: Records, handlers: Iterable[EffectHandler], clock: Clock) -> None:
        """Take where steps are kept, and who knows whom each would hit."""
        self._journal = journal
        self._records = records
        self._handlers = {handler.kind: handler for handler in handlers}
        self._clock = clock

    def pending(self, tenant: str, limit: int = LIST_LIMIT) -> list[Pending]:
        """Return the steps that wait for a person, newest first."""
        return [self.shown(step) for step in self._journal.listed(tenant, ASKING, limit)]

    def listed(self, tenant: str, states: Sequence[StepState], limit: int = LIST_LIMIT) -> list[Planned]:
        """Return a tenant's newest steps in these states; none = all."""
        return self._journal.listed(tenant, states, limit)

    def shown(self, step: Planned) -> Pending:
        """Return a step with whom it would hit now."""
        handler = self._handlers.get(step.step.do)
        return Pending(step, step.digest, handler.preview(step.act) if handler else Blast())

    def approve(self, tenant: str, name: str, digest: str, by: str) -> Planned:
        """Agree to one step; it is done at the executor's next turn.

        Raises:
            RefusedError: ``step_unknown``, ``step_not_waiting``, ``plan_changed``.
            UnavailableError: it cannot be recorded, and so did not happen.
        """
        held, now = self._hold(tenant, name, digest, by)
        return self._decide(held, "approved", msgspec.structs.replace(held[1], state=StepState.READY), now)

    def reject(self, tenant: str, name: str, digest: str, by: str) -> Planned:
        """Refuse one step for good; raises what ``approve`` raises."""
        held, now = self._hold(tenant, name, digest, by)
        return self._decide(held, "rejected", msgspec.structs.replace(held[1], state=StepState.REJECTED), now)

    def undo(self, tenant: str, name: str, by: str) -> Planned:
        """Take back what a step did, where that is possible.

        Raises:
            RefusedError: ``step_unknown``, ``step_not_undoable``.
            UnavailableError: it cannot be recorded or undone now.
        """
        kept = self._journal.find(tenant, name)
        handler = self._handlers.get(kept[1].step.do)
        if kept[1].state not in {StepState.DONE, StepState.UNDOING} or kept[1].step.do not in UNDOABLE or not handler:
            raise RefusedError("step_not_undoable", "this step cannot be taken back")
        if kept[1].outcome == UNCHANGED and kept[1].attempts <= 1:  # tried again, it may be its own first try it found
            raise RefusedError("step_not_undoable", "this step changed nothing: what it found is somebody else's")
        held = self._journal.move(kept, msgspec.structs.replace(kept[1], state=StepState.UNDOING, by=by))
        if held is None:
            raise RefusedError("step_not_undoable", "somebody else was quicker")
        now = self._clock.now_ns()
        self._records.step("undo", held[1], now)
        undone = msgspec.structs.replace(held[1], state=StepState.UNDONE, outcome=handler.undo(held[1].act))
        self._records.step("undone", undone, self._clock.now_ns())
        self._journal.move(held, undone)
        return undone

    def _hold(self, tenant: str, name: str, digest: str, by: str) -> tuple[Kept, int]:
        """Win the right to answer: from here on nobody else can."""
        kept, now = self._journal.find(tenant, name), self._clock.now_ns()
        card, step = kept
        held_by_another = step.state == StepState.APPROVING and now - step.at_ns < HOLD_NS
        if step.state not in ASKING or held_by_another or card.due_ns <= now:
            raise RefusedError("step_not_waiting", "this step does not wait for anybody any more")
        if not equal(step.digest.encode(), digest.encode(errors="replace")):
            raise RefusedError("plan_changed", "this is not the step that was shown: look at it again")
        holding = msgspec.structs.replace(step, state=StepState.APPROVING, by=by, at_ns=now)
        held = self._journal.move(kept, holding, card.due_ns)
        if held is None:
            raise RefusedError("step_not_waiting", "somebody else was quicker")
        return held, now

    def _decide(self, held: Kept, what: str, after: Planned, now: int) -> Planned:
        try:
            self._records.step(what, after, now)
        except OstiaryError:
            waiting = msgspec.structs.replace(held[1], state=StepState.WAITING, by="")
            self._journal.move(held, waiting, held[0].due_ns)
            raise
        if self._journal.move(held, after, now if after.state == StepState.READY else 0) is None:
            raise RefusedError("step_not_waiting", "this step does not wait for anybody any more")
        return after
