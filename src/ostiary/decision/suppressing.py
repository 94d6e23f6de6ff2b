"""Suppressions: what people silence for a while, and what of a model's proposals that withholds. Pure.

- Only proposals of adaptive rules: a guardrail's hit is not among what this ever sees, and the law keeps the floor.
- Scope is equality, letter by letter: no patterns, no folding of case, no likeness of characters.
- A suppression of a *rule* withholds that rule's proposals. One of a *signal* withholds those that step up or less, of
  rules about the access, where that signal speaks loudest for the score: an intruder who plays that signal up is still
  denied and ended.
- What is in force for an access stands in its record, so that it replays to the same.

>>> noisy = Suppression("sup_1", "rule", "risk-step-up", 0, 100, subject="user:ada")
>>> noisy.holds("user:ada", (), "database", 99), noisy.holds("user:Ada", (), "database", 99)
(True, False)
>>> noisy.holds("user:ada", (), "database", 100)
False
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from ostiary.decision.ports import SuppressionSource
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import RuleHit, Suppressed

RULE = "rule"
SIGNAL = "signal"
_SESSION = "session"


class Suppression(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is silenced, for whom, until when.

    Attributes:
        id: ``sup_…``.
        kind: ``rule`` or ``signal``.
        name: of the adaptive rule or the signal.
        from_ns, expires_ns: in force in ``[from_ns, expires_ns)``.
        subject: ``type:id``; empty = everybody in the rest of the scope.
        group: one of the subject's groups, as the catalogue knows them.
        resource_class: type of the resource.
        reason, by: why, and who added it.
        proposal: the approval that covers a broad one.
    """

    id: str
    kind: str
    name: str
    from_ns: int
    expires_ns: int
    subject: str = ""
    group: str = ""
    resource_class: str = ""
    reason: str = ""
    by: str = ""
    proposal: str = ""

    @property
    def is_broad(self) -> bool:
        """Whether it names no subject: whoever is in the rest of its scope is meant."""
        return not self.subject

    def holds(self, subject_key: str, groups: Sequence[str], resource_class: str, now_ns: int) -> bool:
        """Return whether an access lies in its scope and time."""
        return (
            self.from_ns <= now_ns < self.expires_ns
            and self.subject in {"", subject_key}
            and (not self.group or self.group in groups)
            and self.resource_class in {"", resource_class}
        )

    def told(self) -> Suppressed:
        """Return what a record says of it."""
        return Suppressed(self.id, self.kind, self.name)


class Silencing(Protocol):
    """The part of a decision's parts that silences."""

    @property
    def suppressions(self) -> SuppressionSource | None:
        """What people have silenced, or ``None``."""
        ...

    @property
    def on_fault(self) -> Callable[[str, BaseException], None]:
        """Whom to tell of faults."""
        ...


def silenced_for(parts: Silencing, event: AccessEvent, groups: Sequence[str], now_ns: int) -> tuple[Suppressed, ...]:
    """Return the suppressions in force for an access; when they cannot be told, nothing is silenced."""
    if parts.suppressions is None:
        return ()
    whose = f"{event.subject_type}:{event.subject_id}"
    try:
        return parts.suppressions.in_force(event.tenant, whose, groups, event.resource_type, now_ns)
    except Exception as fault:  # noqa: BLE001 - silence fails towards noise, never towards more silence
        parts.on_fault("suppressions_unavailable", fault)
        return ()


def withheld(hits: Iterable[RuleHit], suppressions: Sequence[Suppressed], risk: RiskScore | None) -> frozenset[str]:
    """Return the adaptive rules whose proposals do not act."""
    if not suppressions:
        return frozenset()
    rules = {each.name for each in suppressions if each.kind == RULE}
    signals = {each.name for each in suppressions if each.kind == SIGNAL}
    loudest = risk.contributions[0].signal if risk is not None and risk.contributions else ""
    told = list(hits)
    found = {hit.rule for hit in told if hit.rule in rules}
    if loudest and loudest in signals:
        harsh = {hit.rule for hit in told if hit.effect > Effect.STEP_UP or hit.properties.get("scope") == _SESSION}
        found |= {hit.rule for hit in told} - harsh
    return frozenset(found)
