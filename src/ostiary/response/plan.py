"""From a trigger and the playbooks that answer it to a plan: ordered steps as frozen values, nothing done yet.

Rules:

- A step's name is made of tenant, trigger, playbook digest and place: the same happening under the same playbook is the
  same step for ever, and what is done once is never done again.
- A dry run, and a playbook that is not rolled out beyond shadow, plans ``dry`` steps: written down, never done.
- A step that says ``approval`` waits for a person. So does a high-impact step (containment) that may come from a model,
  unless the playbook was promoted to ``high_impact``: its own file cannot say so. A verified signal or a rule needs no
  person beyond what the playbook says.
- ``digest`` binds everything that an approver was shown: another trigger, target, playbook or step is another digest.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.keys import sha256_hex
from ostiary.response.playbook import PHASES, Playbook, control_name
from ostiary.response.ports import Act, PlaybookPhases
from ostiary.response.steps import HIGH_IMPACT, Step
from ostiary.response.trigger import Trigger, bounded, by_model
from ostiary.vocabulary.effects import Phase

NAME_DIGITS: Final = 32


class StepState(StrEnum):
    """Where a step stands."""

    APPROVING = "approving"
    DONE = "done"
    DRY = "dry"
    EXPIRED = "expired"
    FAILED = "failed"
    READY = "ready"
    REJECTED = "rejected"
    RUNNING = "running"
    UNDOING = "undoing"
    UNDONE = "undone"
    WAITING = "waiting"


class Planned(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of one plan and how far it has come.

    Attributes:
        name: the same however often the trigger comes.
        at_ns: the moment that its effect counts from: when the trigger came, or when a person agreed.
        why: why it waits: ``approval`` or ``model``.
        by: who agreed, refused or took it back.
        outcome: one word about what it did.
        fault: the code of what went wrong last.
    """

    name: str
    tenant: str
    trigger: Trigger
    playbook: str
    playbook_digest: str
    index: int
    step: Step
    state: StepState
    at_ns: int
    attempts: int = 0
    why: str = ""
    by: str = ""
    outcome: str = ""
    fault: str = ""

    @property
    def digest(self) -> str:
        """Names exactly what would be done to whom, and why."""
        bound = (self.name, self.trigger, self.playbook, self.playbook_digest, self.index, self.step)
        return "sha256:" + sha256_hex(msgspec.json.encode(bound, order="sorted"))

    @property
    def act(self) -> Act:
        """The step as its handler sees it."""
        return Act(self.name, self.tenant, self.step, self.trigger, self.playbook, self.at_ns)


def plan(
    trigger: Trigger, playbooks: Iterable[Playbook], phases: PlaybookPhases, now_ns: int, *, dry: bool = False
) -> tuple[Planned, ...]:
    """Return the steps of every playbook that answers ``trigger``, in order.

    Conditions see the trigger as it came, steps keep it bounded: what is cut must not make a condition fail.
    """
    answering = [playbook for playbook in playbooks if playbook.answers(trigger)]
    return tuple(step for playbook in answering for step in run(trigger, playbook, phases, now_ns, dry=dry))


def run(trigger: Trigger, playbook: Playbook, phases: PlaybookPhases, now_ns: int, *, dry: bool) -> tuple[Planned, ...]:
    """Return the steps of one playbook that an administrator runs by name, whatever usually sets it off."""
    return tuple(_steps(bounded(trigger), playbook, phase_for(trigger, playbook, phases), now_ns, dry))


def phase_for(trigger: Trigger, playbook: Playbook, phases: PlaybookPhases) -> Phase:
    """Return how far a playbook may go about a trigger: what people set, else its own word, for a model low risk."""
    model = by_model(trigger)
    phase = phases.phase(trigger.tenant, control_name(playbook.name), trigger.subject, model=model)
    if phase is not None:
        return phase
    own = PHASES[playbook.phase]
    return min(own, Phase.LOW_RISK) if model else own


def needs_person(step: Step, trigger: Trigger, live: Phase) -> bool:
    """Return whether a step must wait for a person because a model may be behind it."""
    return step.do in HIGH_IMPACT and by_model(trigger) and live < Phase.HIGH_IMPACT


def _steps(trigger: Trigger, playbook: Playbook, live: Phase, now_ns: int, dry: bool) -> Iterator[Planned]:  # noqa: FBT001
    for index, step in enumerate(playbook.steps):
        state, why = _begin(step, trigger, live, dry=dry or playbook.dry_run)
        yield Planned(
            name=_name(trigger, playbook, index),
            tenant=trigger.tenant,
            trigger=trigger,
            playbook=playbook.name,
            playbook_digest=playbook.digest,
            index=index,
            step=step,
            state=state,
            at_ns=now_ns,
            why=why,
        )


def _begin(step: Step, trigger: Trigger, live: Phase, *, dry: bool) -> tuple[StepState, str]:
    if dry or live < Phase.LOW_RISK:
        return StepState.DRY, ""
    if step.approval:
        return StepState.WAITING, "approval"
    if needs_person(step, trigger, live):
        return StepState.WAITING, "model"
    return StepState.READY, ""


def trigger_name(trigger: Trigger) -> str:
    """Return the name under which a trigger was seen; length-prefixed, so that no two triggers share one."""
    parts = (trigger.tenant, trigger.kind, trigger.id)
    return sha256_hex(msgspec.json.encode(parts))[:NAME_DIGITS]


def _name(trigger: Trigger, playbook: Playbook, index: int) -> str:
    return sha256_hex(msgspec.json.encode((trigger_name(trigger), playbook.digest, index)))[:NAME_DIGITS]
