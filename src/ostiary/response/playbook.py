"""A playbook as a frozen value: what sets it off, when it applies, what it does, and how far it is rolled out.

>>> book = Playbook("p", triggers=("signal:x",), steps=(Step(StepKind.NOTIFY),))
>>> book.digest.startswith("sha256:")
True
"""

from functools import cached_property
from typing import Final

import msgspec

from ostiary.keys import sha256_hex
from ostiary.response.conditions import Condition
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.vocabulary.effects import Phase

PHASES: Final = {phase.name.lower(): phase for phase in Phase}
__all__ = ["PHASES", "Playbook", "Step", "StepKind", "control_name"]


class Playbook(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """One playbook.

    Attributes:
        name: unique within a tenant; a tenant's own replaces the shipped one of the same name.
        triggers: kinds of triggers that it answers; ``area:*`` answers a whole area.
        when: conditions that must all hold.
        phase: how far it is rolled out until an administrator says otherwise.
        dry_run: what it would do is written down, and nothing is done.
        techniques: MITRE ATLAS and ATT&CK ids.
    """

    name: str
    triggers: tuple[str, ...]
    steps: tuple[Step, ...]
    describe: str = ""
    when: tuple[Condition, ...] = ()
    phase: str = "low_risk"
    dry_run: bool = False
    techniques: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Names exactly this playbook: everything that could change what it does is in it."""
        return "sha256:" + sha256_hex(msgspec.json.encode(self, order="sorted"))

    def answers(self, trigger: Trigger) -> bool:
        """Return whether this playbook answers ``trigger``."""
        return self.wants(trigger.kind) and all(condition.holds(trigger) for condition in self.when)

    def wants(self, kind: str) -> bool:
        """Return whether this playbook may answer triggers of a kind."""
        return kind in self.triggers or kind.partition(":")[0] + ":*" in self.triggers


def control_name(playbook: str) -> str:
    """Return the name under which a playbook's phase is kept."""
    return f"playbook:{playbook}"
