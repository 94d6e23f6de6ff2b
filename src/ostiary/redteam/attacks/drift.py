"""Slow drift, the "boiling frog": a little further each day, so that the profile comes along.

Simulated days of a steady worker with a natural wobble; the drifter adds a step of the worker's own deviations a day to
one measure. Without the defence nothing but the adaptive profile is asked: it alarms when a day is three deviations
from it. With it the frozen baseline stands beside the profile, which moves by no more than its budget a day. The attack
succeeds when the profile has come along by two deviations unseen.
"""

from functools import partial
from random import Random
from statistics import median
from typing import Final

from ostiary.defence.drift import RULE, Anchor, Day, Watched, step
from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.world import World

BASELINE: Final = 30
FAR: Final = 2.0
_WOBBLE: Final = 0.02
_FOLLOW: Final = 0.13
"""Share of the way that a profile of two weeks' memory goes to each day."""
_ODD: Final = 3.0
_LONGEST: Final = 120
_SIZES: Final = (0.05, 0.1, 0.5)


def days_of(rng: Random, size: float, count: int) -> list[Day]:
    """Return a worker's days: a steady measure that wobbles, and a drift of ``size`` a day after the baseline."""
    level, days = 0.0, []
    for number in range(BASELINE + count):
        level += rng.gauss(0.0, _WOBBLE)
        drift = size * max(0, number + 1 - BASELINE)
        days.append(Day(number, (level + rng.gauss(0.0, 1.0) + drift,), number % 7 >= 5))  # noqa: PLR2004 - a weekend
    return days


def seen_by_profile(days: list[Day]) -> bool:
    """Return whether a profile that follows its subject finds a day odd before it has come along so far."""
    start = level = sum(day.values[0] for day in days[:BASELINE]) / BASELINE
    for day in days[BASELINE:]:
        if abs(day.values[0] - level) >= _ODD:
            return True
        level += _FOLLOW * (day.values[0] - level)
        if level - start >= FAR:
            return False
    return True


def seen_by_anchor(days: list[Day]) -> bool:
    """Return whether the watch over the frozen baseline alarms before the profile has moved so far."""
    return days_to_alarm(days) is not None


def days_to_alarm(days: list[Day]) -> int | None:
    """Return on which day after the baseline the watch alarms, ``None`` when the profile has come along before."""
    anchor, watched = Anchor.of(days[:BASELINE]), Watched()
    for number, day in enumerate(days[BASELINE:], start=1):
        watched = step(watched, anchor, day, RULE)
        if watched.alarms:
            return number
        if max(watched.moved, default=0.0) >= FAR:
            return None
    return len(days) - BASELINE


def _run(world: World, size: float) -> Outcome:
    tries = world.scale.tries
    drifters = [days_of(rng, size, _LONGEST) for rng in [world.rng(f"drift-{size:g}")] for _ in range(tries)]
    stopped = sorted(day for day in map(days_to_alarm, drifters) if day is not None)
    notes = {"days_for_the_profile_at_least": RULE.days_to(FAR)}
    if stopped:
        days = median(stopped)
        notes |= {"median_days_to_alarm": days, "median_deviations_at_alarm": round(days * size, 2)}
    without = sum(not seen_by_profile(days) for days in drifters)
    return Outcome(_tally(tries, without), _tally(tries, tries - len(stopped)), notes=notes)


def _tally(tries: int, passed: int) -> Tally:
    return Tally(tries, passed, (f"{passed} of {tries} profiles came along unseen",) if passed else ())


def _attack(size: float) -> Attack:
    text = f"Moves {size:g} deviations a day away from the subject's habits, so that the profile comes along"
    return Attack(f"drift-{size:g}", "AML.T0015", text, partial(_run, size=size))


ATTACKS: Final = tuple(_attack(size) for size in _SIZES)
