"""What a shadow report says, as values: the same for the terminal, the page, the paper and the kept copy.

- Every figure that could not be measured is ``None``, and ``notes`` says why.
- ``without_names`` makes the copy that is kept and signed: what is kept for ever must hold no personal data.
"""

from typing import Any

import msgspec


class Would(msgspec.Struct, frozen=True):
    """One kind of what would have been done: how many accesses, and of how many people and accounts."""

    name: str
    accesses: int
    users: int


class Budget(msgspec.Struct, frozen=True):
    """How much of people's patience it would have taken.

    Attributes:
        average: interruptions on the average day.
        worst, worst_day: the most on one day (UTC), and which.
        asked: the budget that was given, ``None`` for none.
        days_over: on how many days it would have been broken.
    """

    average: float
    worst: int
    worst_day: str
    asked: float | None = None
    days_over: int | None = None


class Precision(msgspec.Struct, frozen=True):
    """How often it would have been right, by what people said of the accesses that it would have hit."""

    judged: int
    harmful: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    false_positive_rate: float | None = None


class Step(msgspec.Struct, frozen=True):
    """One place of the threshold slider: what it would cost and catch to act from this score on.

    Attributes:
        threshold: of the score.
        a_day: interruptions on the average day, of accesses that policy would have let through otherwise.
        users: how many people and accounts; ``None`` where only counts were kept.
        precision: of the judged accesses at or above it, the share that was harmful.
        recall: of the judged harmful accesses, the share at or above it.
    """

    threshold: float
    a_day: float
    users: int | None = None
    precision: float | None = None
    recall: float | None = None


class Band(msgspec.Struct, frozen=True):
    """One band of the reliability diagram: what was predicted, and what people found, with its 95 % interval."""

    low: float
    high: float
    rows: int
    positives: int
    predicted: float
    seen: float
    seen_low: float
    seen_high: float


class Pattern(msgspec.Struct, frozen=True):
    """Where it would have hit.

    Attributes:
        of: ``group``, ``resource class`` or ``hour``.
        name: which one.
        hits: accesses that it would have hit.
        accesses: all that were watched there.
        lift: how much more often than on average.
        judged, wrong: of the hits, how many were judged, and how many of those were honest.
    """

    of: str
    name: str
    hits: int
    accesses: int
    lift: float | None
    judged: int
    wrong: int


class Person(msgspec.Struct, frozen=True):
    """One of those whom it would have hit most, in words; ``name`` is a pseudonym where names are left out."""

    name: str
    hits: int
    days: int
    words: str


class Moved(msgspec.Struct, frozen=True):
    """How far a column moved since the model's training."""

    name: str
    rows: int
    psi: float | None
    missing_before: float
    missing_now: float
    verdict: str


class Day(msgspec.Struct, frozen=True):
    """One day (UTC): accesses that were watched, would have been interrupted, would have been blocked."""

    day: str
    accesses: int
    interrupts: int
    blocks: int


class Sheet(msgspec.Struct, frozen=True):
    """The whole report.

    Attributes:
        about: a control's name, or a candidate's digest.
        what: ``control``, ``model`` or ``bundle``.
        tenant: whose log it is.
        since_ns, until_ns, days: the span.
        model: digest of the live model, empty without one.
        phase: of the control, empty for a candidate.
        decisions: accesses watched, or compared with the candidate.
        scored: how many had a score; ``None`` for a candidate.
        would: block, interrupt, reduce; for a candidate what would be so newly, and what would be let through newly.
        budget, precision, steps, reliability, calibration_error, patterns, people, drift, daily: see there.
        flips: for a candidate, how its answers stood to the enforced ones.
        missed: what was not compared, by its cause.
        stalled_days: for how long it has been watched without being live; ``None`` when that is not too long.
        anonymous: whether names were left out.
        notes: what could not be told, and why.
    """

    about: str
    what: str
    tenant: str
    since_ns: int
    until_ns: int
    days: float
    model: str
    phase: str
    decisions: int
    scored: int | None
    would: tuple[Would, ...]
    budget: Budget
    precision: Precision
    steps: tuple[Step, ...]
    reliability: tuple[Band, ...]
    calibration_error: float | None
    patterns: tuple[Pattern, ...]
    people: tuple[Person, ...]
    drift: tuple[Moved, ...]
    daily: tuple[Day, ...]
    flips: dict[str, int]
    missed: dict[str, int]
    stalled_days: float | None
    anonymous: bool
    notes: tuple[str, ...]
    version: int = 1

    @property
    def would_block(self) -> int:
        """Accesses that would have been refused or ended."""
        return self._of("block")

    @property
    def would_interrupt(self) -> int:
        """Accesses that would have been interrupted, refusals included."""
        return self._of("interrupt")

    @property
    def users_affected(self) -> int:
        """People and accounts that would have noticed anything."""
        return max((one.users for one in self.would if one.name != "allow"), default=0)

    def _of(self, name: str) -> int:
        return next((one.accesses for one in self.would if one.name == name), 0)


def shown(sheet: Sheet, digest: str) -> dict[str, Any]:
    """Return the report as ``--json`` prints it, with the digest of its kept copy."""
    told: dict[str, Any] = msgspec.to_builtins(sheet)
    totals = {
        "digest": digest,
        "would_block": sheet.would_block,
        "would_interrupt": sheet.would_interrupt,
        "users_affected": sheet.users_affected,
    }
    return {**totals, **told}
