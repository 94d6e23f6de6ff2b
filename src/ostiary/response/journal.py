"""The durable journal: which triggers were seen, and how far each step of their plans has come.

Rules:

- A trigger and all steps of its plans are written in one transaction; a trigger that was seen before changes nothing.
- A step is changed only by whoever saw its newest version; so of two executors, or two administrators, one wins.
- A step that runs has a lease. Who dies with it leaves it due again when the lease ends.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.response.plan import Planned, StepState, trigger_name
from ostiary.response.ports import NEVER, Card, Cards
from ostiary.response.trigger import Trigger

STEP: Final = "step"
TRIGGER: Final = "trigger"
RUNNABLE: Final = (StepState.READY, StepState.RUNNING)
ASKING: Final = (StepState.WAITING, StepState.APPROVING)
OVER: Final = (
    StepState.DONE,
    StepState.DRY,
    StepState.EXPIRED,
    StepState.FAILED,
    StepState.REJECTED,
    StepState.UNDONE,
)
Kept = tuple[Card, Planned]


class Journal:
    """Steps and triggers over a store of cards."""

    def __init__(self, cards: Cards, expiry_ns: int) -> None:
        """Keep them in ``cards``; whoever is asked for approval has ``expiry_ns``."""
        self._cards = cards
        self._expiry_ns = expiry_ns

    def open(self, trigger: Trigger, steps: Sequence[Planned], now_ns: int) -> bool:
        """Write down a trigger with its steps; return false when it was seen before."""
        seen = Card(
            trigger.tenant,
            TRIGGER,
            trigger_name(trigger),
            "seen",
            b"{}",
            topic=trigger.kind,
            subject=trigger.subject,
            made_ns=now_ns,
        )
        return self._cards.add([seen, *(self._card(step, now_ns) for step in steps)])

    def runnable(self, now_ns: int, limit: int) -> list[Kept]:
        """Return steps of all tenants whose time has come."""
        return [_kept(card) for card in self._cards.due(STEP, RUNNABLE, now_ns, limit)]

    def overdue(self, now_ns: int, limit: int) -> list[Kept]:
        """Return steps that waited too long for a person."""
        return [_kept(card) for card in self._cards.due(STEP, ASKING, now_ns, limit)]

    def move(self, kept: Kept, after: Planned, due_ns: int = NEVER) -> Kept | None:
        """Write down how far a step has come; ``None`` when somebody else moved it meanwhile."""
        card, _ = kept
        wanted = msgspec.structs.replace(card, state=after.state, data=msgspec.json.encode(after), due_ns=due_ns)
        changed = self._cards.replace(card, wanted)
        return None if changed is None else (changed, after)

    def hold(self, kept: Kept, after: Planned, now_ns: int) -> Kept | None:
        """Put a step where it waits for a person, for as long as a person is waited for, or where it is not done."""
        return self.move(kept, after, now_ns + self._expiry_ns if after.state == StepState.WAITING else NEVER)

    def find(self, tenant: str, name: str) -> Kept:
        """Return one step.

        Raises:
            RefusedError: ``step_unknown``, the same for another tenant's.
        """
        card = self._cards.find(tenant, STEP, name)
        if card is None:
            raise RefusedError("step_unknown", "there is no such step")
        return _kept(card)

    def listed(self, tenant: str, states: Sequence[StepState], limit: int) -> list[Planned]:
        """Return a tenant's newest steps, newest first."""
        return [_kept(card)[1] for card in self._cards.listed(tenant, STEP, states, limit)]

    def count(self, *states: StepState) -> int:
        """Return how many steps of all tenants are in these states."""
        return self._cards.count(STEP, states)

    def prune(self, before_ns: int) -> int:
        """Forget steps that are over, and triggers, that are older; return how many."""
        return self._cards.prune(STEP, OVER, before_ns) + self._cards.prune(TRIGGER, ("seen",), before_ns)

    def _card(self, step: Planned, now_ns: int) -> Card:
        due = {StepState.READY: now_ns, StepState.WAITING: now_ns + self._expiry_ns}
        return Card(
            step.tenant,
            STEP,
            step.name,
            step.state,
            msgspec.json.encode(step),
            topic=step.playbook,
            subject=step.trigger.subject,
            due_ns=due.get(step.state, NEVER),
            made_ns=now_ns,
            number=step.index + 1,  # steps of one plan are done, and shown, in their order
        )


def _kept(card: Card) -> Kept:
    return card, msgspec.json.decode(card.data, type=Planned)
