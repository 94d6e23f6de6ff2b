"""Where a phase holds, and what a gate is shown before a control may go further.

A phase is set for a control in a *scope*. The gate never measures by itself: figures come as values.

>>> Where("user:ada", "database", ("finance",)).subject_key
'user:ada'
>>> Scope("database", percent=5).text
'class=database,percent=5'
"""

from typing import Final, Protocol

import msgspec


class Where(msgspec.Struct, frozen=True):
    """The place of one request among the scopes.

    Attributes:
        subject_key: ``type:id`` of the verified subject.
        resource_class: type of the resource.
        groups: of the subject, as the catalogue knows them; never the caller's word.
    """

    subject_key: str = ""
    resource_class: str = ""
    groups: tuple[str, ...] = ()


NOWHERE = Where()
EVERYWHERE: Final = 100


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a tenant's requests; every condition that is named must hold, none = the whole tenant.

    Attributes:
        resource_class: type of the resource; empty = any.
        group: one that the catalogue knows the subject in; empty = any.
        percent: of the subjects, by a keyed hash that nobody outside can work out; 100 = all.
    """

    resource_class: str = ""
    group: str = ""
    percent: int = EVERYWHERE

    @property
    def whole(self) -> bool:
        """Whether it is the whole tenant."""
        return not self.resource_class and not self.group and self.percent >= EVERYWHERE

    @property
    def text(self) -> str:
        """In words that name it: ``everybody`` for the whole tenant."""
        told = [("class", self.resource_class), ("group", self.group)]
        parts = [f"{name}={value}" for name, value in told if value]
        if self.percent < EVERYWHERE:
            parts.append(f"percent={self.percent}")
        return ",".join(parts) or "everybody"


WHOLE: Final = Scope()


class GateFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a control in a scope up to a moment. ``None`` = not measured, and no gate takes that for good.

    Attributes:
        days: how long it was watched in its phase.
        decisions: how many were watched.
        subjects_share, resources_share: of those active in that time, how many were seen (0 to 1).
        would_interrupt_a_day: how often people would have been interrupted on the average day.
        would_block: how many accesses would have been denied or ended.
        false_positive_rate: of those that people judged, and of the honest ones known, how many were wrong.
        judged: how many verdicts that rests on.
        calibration_error: expected calibration error of the score, 0 to 1.
        drift: the worst stability index (PSI) among score and signals.
        new_allows: flips of the impact report from refused to allowed.
        impact, redteam: digests of the newest signed reports about this candidate, empty without one.
        redteam_passed: whether that report holds every bound it names.
    """

    days: float | None = None
    decisions: int | None = None
    subjects_share: float | None = None
    resources_share: float | None = None
    would_interrupt_a_day: float | None = None
    would_block: int | None = None
    false_positive_rate: float | None = None
    judged: int | None = None
    calibration_error: float | None = None
    drift: float | None = None
    new_allows: int | None = None
    impact: str = ""
    redteam: str = ""
    redteam_passed: bool | None = None


class FiguresSource(Protocol):
    """Measures what a gate asks for."""

    def figures(self, tenant: str, control: str, since_ns: int, now_ns: int) -> GateFigures:
        """Return what is known of ``control`` in ``[since_ns, now_ns)``; what is not known is ``None``."""
        ...
