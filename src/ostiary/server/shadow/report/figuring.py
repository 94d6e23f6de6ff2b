"""Turns what was counted into a report's figures: budget, precision, thresholds, reliability, patterns.

- Shares of judged accesses stand with how many they rest on; without any they are ``None``.
- Days without an access count as days: an average over busy days alone would flatter.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ostiary.decision.counts import EDGES
from ostiary.server.shadow.report.sheet import Band, Budget, Day, Pattern, Precision, Step
from ostiary.server.shadow.report.tallying import DAY_NS, NS, Tally

STEPS: Final = 50
MOST_PATTERNS: Final = 8
_Z: Final = 1.96
_TINY: Final = 1e-12


def day_of(day: int) -> str:
    """Return the UTC day of a number of days since the Unix epoch.

    >>> day_of(20_000)
    '2024-10-04'
    """
    return datetime.fromtimestamp(day * DAY_NS // NS, UTC).strftime("%Y-%m-%d")


def budget_of(tally: Tally, since_ns: int, until_ns: int, asked: float | None) -> Budget:
    """Return what people would have borne a day."""
    days = max(1.0, (until_ns - since_ns) / DAY_NS)
    interrupts = {day: counts[1] for day, counts in tally.daily.items()}
    worst = max(interrupts, key=lambda day: (interrupts[day], -day), default=None)
    return Budget(
        average=sum(interrupts.values()) / days,
        worst=interrupts[worst] if worst is not None else 0,
        worst_day=day_of(worst) if worst is not None and interrupts[worst] else "",
        asked=asked,
        days_over=None if asked is None else sum(count > asked for count in interrupts.values()),
    )


def precision_of(tally: Tally, hits: int) -> Precision:
    """Return how often it would have been right."""
    judged = tally.harmful + tally.honest
    if not judged:
        return Precision(0, 0)
    value = tally.harmful / judged
    low, high = wilson(tally.harmful, judged)
    honest = tally.decisions - hits * value
    rate = min(1.0, hits * (1 - value) / honest) if honest > 0 else None
    return Precision(judged, tally.harmful, value, low, high, rate)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), honest for few.

    >>> [round(end, 3) for end in wilson(3, 4)]
    [0.301, 0.954]
    """
    share, spread = part / whole, _Z * _Z / whole
    middle, reach = share + spread / 2, _Z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return max(0.0, (middle - reach) / (1 + spread)), min(1.0, (middle + reach) / (1 + spread))


def steps_of(tally: Tally, days: float) -> tuple[Step, ...]:
    """Return the slider's places: from half of all scores alarming to one."""
    falling = sorted(zip(tally.scores, tally.who, tally.truth, strict=True), reverse=True)
    if not falling:
        return ()
    wanted = _places(len(falling))
    harmful = sum(truth == 1 for _, _, truth in falling)
    steps: list[Step] = []
    users: set[int] = set()
    right = wrong = 0
    for place, (score, who, truth) in enumerate(falling, 1):
        users.add(who)
        right, wrong = right + (truth == 1), wrong + (truth == 0)
        tied = place < len(falling) and falling[place][0] == score  # equal scores alarm together
        if not tied and wanted and place >= wanted[-1]:
            steps.append(_step(score, place, len(users), right, wrong, harmful, days))
            while wanted and wanted[-1] <= place:
                wanted.pop()
    return tuple(reversed(steps))


def _places(count: int) -> list[int]:
    """Return how many of ``count`` shall alarm at each step, most first: from half of them down to one."""
    halvings = math.log2(max(2, count)) - 1
    shares = (2 ** (1 + halvings * step / (STEPS - 1)) for step in range(STEPS))
    return sorted({max(1, round(count / share)) for share in shares}, reverse=True)


def counted_steps(counts: Mapping[str, int], days: float) -> tuple[Step, ...]:
    """Return the slider's places of a candidate, of which only counts by score were kept."""
    above, steps = 0, []
    for number in reversed(range(len(EDGES))):
        above += counts.get(f"score_{number:02d}", 0)
        steps.append(Step(EDGES[number], above / max(days, _TINY)))
    return tuple(reversed(steps)) if above else ()


def calibrated(tally: Tally) -> tuple[tuple[Band, ...], float | None]:
    """Return the reliability diagram of judged accesses, and how far scores are off on average."""
    told = [(score, truth) for score, truth in zip(tally.scores, tally.truth, strict=True) if truth >= 0]
    if not told:
        return (), None
    import numpy as np  # noqa: PLC0415 - an extra

    from ostiary.risk.measure.reliability import reliability  # noqa: PLC0415

    bands = reliability(np.array([score for score, _ in told]), np.array([truth for _, truth in told]))
    error = sum(band.rows * abs(band.predicted - band.seen) for band in bands) / len(told)
    kept = [
        Band(one.low, one.high, one.rows, one.positives, one.predicted, one.seen, one.seen_low, one.seen_high)
        for one in bands
    ]
    return tuple(kept), error


def patterns_of(tally: Tally) -> tuple[Pattern, ...]:
    """Return where it would have hit: the places with most wrong hits first, then with most."""
    base = tally.by_effect.total() / tally.decisions if tally.decisions else 0.0
    found: list[Pattern] = []
    for of in ("group", "resource class", "hour"):
        places = [place for place in tally.hit if place[0] == of]
        places.sort(key=lambda place: (-tally.wrong[place], -tally.hit[place], place))
        for place in places[:MOST_PATTERNS]:
            hits, seen = tally.hit[place], tally.seen[place]
            lift = hits / seen / base if seen and base else None
            found.append(Pattern(of, place[1], hits, seen, lift, tally.told[place], tally.wrong[place]))
    return tuple(found)


def daily_of(tally: Tally, since_ns: int, until_ns: int) -> tuple[Day, ...]:
    """Return every day of the span, those without an access included."""
    days = range(since_ns // DAY_NS, until_ns // DAY_NS + 1)
    return tuple(Day(day_of(day), *tally.daily.get(day, [0, 0, 0])) for day in days)


def _step(score: float, above: int, users: int, right: int, wrong: int, harmful: int, days: float) -> Step:
    return Step(
        threshold=score,
        a_day=above / max(days, _TINY),
        users=users,
        precision=right / (right + wrong) if right + wrong else None,
        recall=right / harmful if harmful else None,
    )
