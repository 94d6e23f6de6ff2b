"""The gate of a phase as data, and what of it is not met: pure, and in words that a person can act on.

- A bound of ``None`` is not demanded. A figure of ``None`` was not measured, and meets no bound.
- ``unmet`` is asked before a control may go further. ``broken`` is asked of a live one: only what can become worse
  counts there, and only what was measured.

>>> unmet(Gate(days=7, subjects_share=None), Evidence(GateFigures(days=3.0)))[0]
'it was watched for 3.0 days; at least 7 are needed'
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ostiary.vocabulary.rollout import GateFigures


class Gate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What must be known, and how good it must be, before a control may enter a phase.

    A bound of ``None`` is not demanded.

    Attributes:
        days, decisions: how long and how much it was watched, at least.
        subjects_share, resources_share: of those active, how many were seen, at least.
        false_positive_rate: at most.
        judged: verdicts that the rate rests on, at least; ``judged_live`` once the control is live.
        interrupts_a_day: alert budget: how often people may be interrupted on the average day.
        calibration_error, drift: at most.
        new_allows: flips from refused to allowed in the impact report, at most.
        impact: whether an impact report must be there.
        redteam_days: a red-team report must have passed, and be no older.
        quality_days: the events' quality report must have passed, and be no older.
    """

    days: float | None = 14
    decisions: int | None = 1000
    subjects_share: float | None = 0.8
    resources_share: float | None = 0.5
    false_positive_rate: float | None = 0.01
    judged: int | None = 30
    judged_live: int = 10
    interrupts_a_day: float | None = 10
    calibration_error: float | None = 0.05
    drift: float | None = 0.25
    new_allows: int | None = 0
    impact: bool = True
    redteam_days: float | None = 30
    quality_days: float | None = None


TELEMETRY_EXIT: Final = Gate(
    days=None,
    decisions=None,
    subjects_share=None,
    resources_share=None,
    false_positive_rate=None,
    judged=None,
    interrupts_a_day=None,
    calibration_error=None,
    drift=None,
    new_allows=None,
    impact=False,
    redteam_days=None,
    quality_days=7,
)


class Evidence(msgspec.Struct, frozen=True):
    """What a gate is shown; ages are of signed reports that verified, ``None`` when there is none.

    ``quality_failed`` names the criteria that the events' quality report did not pass.
    """

    figures: GateFigures = GateFigures()
    impact_age_days: float | None = None
    redteam_age_days: float | None = None
    quality_age_days: float | None = None
    quality_failed: tuple[str, ...] = ()


class Condition(msgspec.Struct, frozen=True):
    """One condition of a gate.

    Attributes:
        name: the gate's field, or that of the figures where it has no bound.
        label: of what it is, in words.
        value: what was measured, or the age of a report in days; ``None`` when it was not or is no number.
        limit: the bound, ``None`` where there is none.
        least: whether the bound is the least that is needed, not the most that is allowed.
        says: why it is not met; empty when it is.
    """

    name: str
    label: str
    value: float | None = None
    limit: float | None = None
    least: bool = False
    says: str = ""

    @property
    def met(self) -> bool:
        """Whether it is met."""
        return not self.says


class _Bound(msgspec.Struct, frozen=True):
    """One bound: ``name`` is the gate's field, ``of`` that of the figures; ``missing`` says what is not measured."""

    name: str
    of: str
    missing: str
    text: str
    least: bool = False


def _at_least(name: str, missing: str, text: str) -> _Bound:
    return _Bound(name, name, missing, text, least=True)


def _at_most(name: str, missing: str, text: str, of: str = "") -> _Bound:
    return _Bound(name, of or name, missing, text)


_BOUNDS: Final = (
    _at_least("days", "how long it was watched", "it was watched for {:.1f} days; at least {:g} are needed"),
    _at_least("decisions", "how many decisions were watched", "{:,} decisions were watched; at least {:,} are needed"),
    _at_least(
        "subjects_share",
        "the share of subjects seen",
        "{:.0%} of the active subjects were seen; at least {:.0%} are needed",
    ),
    _at_least(
        "resources_share",
        "the share of resources seen",
        "{:.0%} of the active resources were seen; at least {:.0%} are needed",
    ),
    _at_least("judged", "how many verdicts people gave", "{:,} verdicts were given; at least {:,} are needed"),
    _at_most(
        "false_positive_rate", "the false-positive rate", "{:.2%} were false positives; at most {:.2%} are allowed"
    ),
    _at_most(
        "interrupts_a_day",
        "how often people are interrupted",
        "people are interrupted {:.1f} times a day; the alert budget is {:g}",
        of="would_interrupt_a_day",
    ),
    _at_most(
        "calibration_error",
        "the calibration of the score",
        "the score is off by {:.3f} on average; at most {:.3f} is allowed",
    ),
    _at_most(
        "drift",
        "the drift of score and signals",
        "score or signals have moved by {:.3f} (PSI); at most {:.3f} is allowed",
    ),
    _at_most(
        "new_allows",
        "the new allows of the impact report",
        "{:,} refusals would become permissions; at most {:,} may",
    ),
)
_LIVE: Final = ("false_positive_rate", "interrupts_a_day", "calibration_error", "drift")


def unmet(gate: Gate, shown: Evidence) -> tuple[str, ...]:
    """Return one sentence for each condition that is not met; none = the gate is open."""
    return tuple(one.says for one in conditions(gate, shown) if not one.met)


def conditions(gate: Gate, shown: Evidence) -> tuple[Condition, ...]:
    """Return every condition that a gate demands, met or not, each with what was measured and what is allowed."""
    return tuple(_conditions(gate, shown))


def broken(gate: Gate, figures: GateFigures) -> tuple[str, ...]:
    """Return one sentence for each bound that live figures break; what was not measured breaks none."""
    found = [text for bound in _BOUNDS if bound.name in _LIVE and (text := _exceeded(bound, gate, figures))]
    few = figures.judged is not None and figures.judged < gate.judged_live
    if few:  # one wrong verdict of one is no rate
        found = [text for text in found if text != _exceeded(_of("false_positive_rate"), gate, figures)]
    if figures.redteam_passed is False and gate.redteam_days is not None:
        found.append("the newest red-team report does not hold its bounds")
    return tuple(found)


def _conditions(gate: Gate, shown: Evidence) -> Iterator[Condition]:
    for bound in _BOUNDS:
        limit, value = getattr(gate, bound.name), getattr(shown.figures, bound.of)
        if limit is None:
            continue
        says = f"{bound.missing}: not measured" if value is None else _exceeded(bound, gate, shown.figures)
        yield Condition(bound.name, bound.missing, value, limit, bound.least, says)
    if gate.impact:
        says = "the impact report: there is none" if shown.impact_age_days is None else ""
        yield Condition("impact", "the impact report", shown.impact_age_days, None, says=says)
    if gate.redteam_days is not None:
        yield _report("redteam_days", "the red-team report", shown.redteam_age_days, gate.redteam_days)
        yield Condition("redteam_passed", "whether the red-team report holds its bounds", says=_redteam(shown.figures))
    if gate.quality_days is not None:
        yield _report("quality_days", "the events' quality report", shown.quality_age_days, gate.quality_days)
        for failed in shown.quality_failed:
            yield Condition("quality", "the events' quality", says=f"the events' quality: {failed}")


def _redteam(figures: GateFigures) -> str:
    if figures.redteam_passed is None:
        return "whether the red-team report holds its bounds: not measured"
    return "" if figures.redteam_passed else "the red-team report does not hold its bounds"


def _report(name: str, label: str, age: float | None, most: float) -> Condition:
    says = ""
    if age is None:
        says = f"{label}: there is none"
    elif age > most:
        says = f"{label} is {age:.1f} days old; at most {most:g} are allowed"
    return Condition(name, label, age, most, says=says)


def _exceeded(bound: _Bound, gate: Gate, figures: GateFigures) -> str:
    limit, value = getattr(gate, bound.name), getattr(figures, bound.of)
    if limit is None or value is None:
        return ""
    # Written so that a value that is no number (NaN) meets nothing.
    good: Callable[[], bool] = lambda: value >= limit if bound.least else value <= limit  # noqa: E731
    return "" if good() else bound.text.format(value, limit)


def _of(name: str) -> _Bound:
    return next(bound for bound in _BOUNDS if bound.name == name)
