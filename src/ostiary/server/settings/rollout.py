"""The settings of the rollout: the gates, how long a control may stay in shadow, how live ones are watched."""

from typing import Annotated

from pydantic import Field

from ostiary.decision.gates import Gate
from ostiary.server.settings.base import Section
from ostiary.signals.quality import Rules

Share = Annotated[float, Field(ge=0, le=1)]
ControlName = Annotated[
    str, Field(pattern="^(deny|reduce|session_lifetime|step_up|terminate|playbook:[a-z0-9][a-z0-9-]{0,63})$")
]
Days = Annotated[float, Field(ge=0, le=3_650)]
Count = Annotated[int, Field(ge=0, le=10**12)]


class GateSection(Section):
    """What must be known, and how good it must be, before a control may go further."""

    days: Days = 14
    """Days that it was watched, at least."""
    decisions: Count = 5000
    """Decisions that were watched, at least."""
    subjects_share: Share = 0.8
    """Of the active subjects, the share that was seen, at least."""
    resources_share: Share = 0.5
    """Of the active resources, the share that was seen, at least."""
    false_positive_rate: Share = 0.005
    """False positives among what people judged and the honest ones known, at most."""
    judged: Count = 50
    """Verdicts that the rate rests on, at least."""
    judged_live: Count = 10
    """Verdicts that a live rate rests on, at least, before it demotes."""
    interrupts_a_day: Annotated[float, Field(ge=0, le=10**9)] = 10
    """The alert budget: how often people may be interrupted on the average day."""
    calibration_error: Share = 0.05
    """How far the score may be off on average (expected calibration error)."""
    drift: Annotated[float, Field(ge=0, le=100)] = 0.25
    """The worst stability index (PSI) of score and signals, at most."""
    new_allows: Count = 0
    """Refusals that the impact report shows as permissions, at most."""
    impact: bool = True
    """Whether an impact report must be there."""
    redteam_days: Annotated[float, Field(gt=0, le=3_650)] = 30
    """A red-team report must have passed and be no older."""

    def gate(self) -> Gate:
        """Return the gate."""
        return Gate(**self.model_dump())


class LowRiskGate(GateSection):
    """The gate of what only asks again or takes a little away."""

    days: Days = 7
    """Days that it was watched, at least."""
    decisions: Count = 1000
    """Decisions that were watched, at least."""
    subjects_share: Share = 0.5
    """Of the active subjects, the share that was seen, at least."""
    resources_share: Share = 0.3
    """Of the active resources, the share that was seen, at least."""
    false_positive_rate: Share = 0.02
    """False positives among what people judged and the honest ones known, at most."""
    judged: Count = 20
    """Verdicts that the rate rests on, at least."""
    interrupts_a_day: Annotated[float, Field(ge=0, le=10**9)] = 20
    """The alert budget: how often people may be interrupted on the average day."""


class PlaybookGate(Section):
    """The gate of a playbook into `high_impact`: what people said of the steps that waited for them."""

    days: Days = 14
    """Days that it was watched, at least."""
    judged: Count = 20
    """Steps that people agreed to, refused or took back, at least."""
    judged_live: Count = 5
    """The same once it is live, before a rate demotes."""
    false_positive_rate: Share = 0.02
    """Of those, the share that people refused or took back, at most."""
    interrupts_a_day: Annotated[float, Field(ge=0, le=10**9)] = 10
    """The alert budget: containing steps on the average day."""
    redteam_days: Annotated[float, Field(gt=0, le=3_650)] = 30
    """A red-team report must have passed and be no older."""

    def gate(self) -> Gate:
        """Return the gate; a playbook has no score of its own, so nothing is asked of one."""
        return Gate(
            days=self.days,
            decisions=None,
            subjects_share=None,
            resources_share=None,
            false_positive_rate=self.false_positive_rate,
            judged=self.judged,
            judged_live=self.judged_live,
            interrupts_a_day=self.interrupts_a_day,
            calibration_error=None,
            drift=None,
            new_allows=None,
            impact=False,
            redteam_days=self.redteam_days,
        )


class QualitySection(Section):
    """What events must be like for a control to leave telemetry."""

    events: Count = 1000
    """Events, at least."""
    days: Days = 7
    """Days from the first event to the last, at least."""
    complete: Share = 0.95
    """Share of each source's events that must tell subject, action, resource, outcome and origin."""
    gap_hours: Annotated[float, Field(gt=0, le=10_000)] = 72
    """The longest silence of a source between two of its events."""
    out_of_order: Share = 0.01
    """Share of a source's events that may come more than five minutes late."""
    duplicates: Share = 0.001
    """Share of events that may be doubles."""
    subjects_share: Share = 0.5
    """Of the catalogue's subjects, the share that must have been seen."""
    resources_share: Share = 0.3
    """Of the catalogue's resources, the share that must have been seen."""

    def rules(self) -> Rules:
        """Return the rules."""
        return Rules(**self.model_dump())


class RolloutSection(Section):
    """How controls come from phase to phase (ADR-0041)."""

    low_risk: LowRiskGate = LowRiskGate()
    """The gate of step-up, reduce and session lifetime into `low_risk`."""
    high_impact: GateSection = GateSection()
    """The gate of deny and terminate, and of everything into `high_impact`."""
    playbooks: PlaybookGate = PlaybookGate()
    """The gate of every playbook."""
    controls: dict[ControlName, GateSection] = Field(default_factory=dict)
    """Gates of single controls instead: tables of the same keys, by control."""
    quality: QualitySection = QualitySection()
    """What `ostiary events quality` asks for."""
    quality_days: Days = 7
    """To leave telemetry: how old the passed report of `ostiary events quality` may be."""
    stall_days: Days = 30
    """How long a control may stay in shadow before it counts as stalled."""
    window_days: Annotated[float, Field(gt=0, le=365)] = 7
    """The days whose figures a live control is watched by."""
    blind_s: Annotated[int, Field(ge=5, le=2_592_000)] = 3600
    """How long the figures of a live control may be unreadable before it is demoted."""
