"""Measures the watch over slow drift on real people's years (devaccess), and on the simulated organisation.

    python -m benchmarks.defence_drift [--shared DIR] [--json] [--frontier]

Every person of devaccess with at least 90 days of own accesses; the takeovers of the set are left out, so that all days
are honest ones. The first 30 days are the frozen baseline. Then, beside the honest run, a drift is put into one measure
at a time, in one direction, growing by ``step`` deviations a day on which the person did something; a deviation is that
of the person's single accesses on the baseline's days, for the number of accesses that of its days.

- *False step-ups*: alarms of the honest run. After each the person proves who he is and the baseline is taken anew of
  the last 30 days, which in life takes a deed that people agree to.
- *Stopped*: the share of drifts that alarm before they stand at +2 deviations, and before the profile has moved so far.
- ``--frontier``: what other slacks and heights would come to, on the half on which rules are chosen and on the other,
  and which sums the false alarms of the rule in force come from.
- The height of the sums was chosen on every second person (``chosen on``); the others are what is reported.
"""

import argparse
import csv
import gzip
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import exp, log1p
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from ostiary.defence import drift as watching
from ostiary.defence.drift import RULE, Anchor, Day, Rule, Watched, scale, step
from ostiary.defence.drift_days import MEASURES, OpenDay, closed, taken
from ostiary.vocabulary.events import AccessEvent

REPO: Final = Path(__file__).resolve().parent.parent
BASELINE: Final = 30
LEAST_DAYS: Final = 90
BEGINS: Final = (10, 30)
STEPS: Final = (0.05, 0.1, 0.5)
LIMIT: Final = 2.0
HEIGHTS: Final = (4.0, 5.0, 6.0, 7.0)
FRONTIER: Final = ((0.4, 5.0), (0.4, 7.0), (0.4, 9.0), (0.6, 7.0), (0.8, 5.0))


class Person(msgspec.Struct, frozen=True):
    """One person: days in order, and how wide single accesses lie on the baseline's days, one number a measure."""

    days: list[Day]
    wide: tuple[float, ...]

    @property
    def years(self) -> float:
        """Calendar years watched."""
        return (self.days[-1].number - self.days[BASELINE].number) / 365.25


def people_of(folder: Path) -> list[Person]:
    """Return the people of devaccess in the order of their names."""
    with gzip.open(folder / "labels.csv.gz", "rt") as file:
        stolen = {row["event_id"] for row in csv.DictReader(file) if row["label"] == "1"}
    with gzip.open(folder / "events.csv.gz", "rt") as file:
        own = [_event(row) for row in csv.DictReader(file) if row["event_id"] not in stolen]
    return persons(own)


def _event(row: dict[str, str]) -> AccessEvent:
    return AccessEvent(
        row["event_id"], "t", int(row["ts"]) * 10**9, row["user"], "push", "tree", f"{row['repo']}/{row['area']}",
        tz_offset_min=int(row["tz_offset_min"] or 0), count=float(row["n_files"] or 0),
    )  # fmt: skip


def persons(events: Sequence[AccessEvent]) -> list[Person]:
    """Return who has days enough."""
    days: dict[str, list[Day]] = defaultdict(list)
    going_on: dict[str, OpenDay] = {}
    single: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for event in events:
        who = event.subject_id
        going_on[who], over = taken(going_on.get(who), event)
        if over is not None:
            days[who].append(over)
        one = closed(taken(None, event)[0])
        single[who].append((one.number, one.values[0], log1p(max(0.0, event.count or 0.0))))
    for who, day in going_on.items():
        days[who].append(closed(day))
    found = []
    for who in sorted(days):
        if len(days[who]) >= LEAST_DAYS:
            until = days[who][BASELINE - 1].number
            early = [one for one in single[who] if one[0] <= until]
            busy = sorted(day.values[2] for day in days[who][:BASELINE])
            wide = (*(scale(sorted(one[place] for one in early))[1] for place in (1, 2)), scale(busy)[1])
            found.append(Person(days[who], wide))
    return found


def honest(person: Person, rule: Rule) -> int:
    """Return how many alarms an honest person's days raise."""
    return len(false_alarms(person, rule))


def false_alarms(person: Person, rule: Rule) -> list[tuple[str, ...]]:
    """Return the alarms of an honest person's days: of each, which measures alarmed and in which direction."""
    anchor, watched, alarms = Anchor.of(person.days[:BASELINE]), Watched(), list[tuple[str, ...]]()
    for place in range(BASELINE, len(person.days)):
        watched = step(watched, anchor, person.days[place], rule)
        if watched.alarms:
            alarms.append(watched.alarms)
            anchor = Anchor.of(person.days[place + 1 - BASELINE : place + 1])
            watched = Watched(last=watched.last)
    return alarms


class Caught(msgspec.Struct, frozen=True):
    """When a drift was stopped: where it stood itself, where the profile stood, after how many of its days."""

    stood: float
    profile: float
    days: int


def drifter(person: Person, rule: Rule, drift: Sequence[float], begins: int) -> Caught | None:
    """Return when a drift that begins so many days after the baseline is stopped; ``None`` when the days ran out."""
    anchor, watched = Anchor.of(person.days[:BASELINE]), Watched()
    start, far = BASELINE + begins, max(abs(one) for one in drift)
    for place in range(BASELINE, len(person.days)):
        day, since = person.days[place], max(0, place + 1 - start)
        moved = [value + since * by * wide for value, by, wide in zip(day.values, drift, person.wide, strict=True)]
        watched = step(watched, anchor, msgspec.structs.replace(day, values=tuple(moved)), rule)
        if watched.alarms and since:
            return Caught(since * far, max(abs(one) for one in watched.moved), since)
        if watched.alarms:
            anchor = Anchor.of(person.days[place + 1 - BASELINE : place + 1])
            watched = Watched(last=watched.last)
    return None


def drifts(size: float) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield every drift of one measure in one direction, and the first two measures against each other."""
    width = len(MEASURES)
    for place, name in enumerate(MEASURES):
        for sign, word in ((1, "up"), (-1, "down")):
            yield f"{name} {word}", tuple(sign * size if each == place else 0.0 for each in range(width))
    yield "hour up, amount down", (size, -size, *[0.0] * (width - 2))


def figures(people: Sequence[Person], rule: Rule) -> dict[str, Any]:
    """Return what the honest and the drifting runs of ``people`` give."""
    alarms = [honest(person, rule) for person in people]
    years = sum(person.years for person in people)
    days = sum(len(person.days) - BASELINE for person in people)
    return {
        "people": len(people),
        "user_years": round(years, 1),
        "false_step_ups": sum(alarms),
        "false_step_ups_per_user_year": round(sum(alarms) / years, 3),
        "false_step_ups_per_240_active_days": round(240 * sum(alarms) / days, 3),
        "people_without_any": round(sum(not one for one in alarms) / len(alarms), 3),
        "drift": {f"{size:g}": _of_size(people, rule, size) for size in STEPS},
    }


def _of_size(people: Sequence[Person], rule: Rule, size: float) -> dict[str, Any]:
    told: dict[str, list[Caught | None]] = {}
    need = round(LIMIT / rule.budget) + 5
    for name, drift in drifts(size):
        told[name] = [
            drifter(person, rule, drift, begins)
            for person in people
            for begins in BEGINS
            if len(person.days) >= BASELINE + begins + need
        ]
    every = [one for some in told.values() for one in some]
    stood = sorted(one.stood for one in every if one)
    return {
        "n": len(every),
        "stopped_before_2sd": _share(every, lambda one: one.stood < LIMIT),
        "stopped_before_profile_2sd": _share(every, lambda one: one.profile < LIMIT),
        "median_sd_at_alarm": round(median(stood), 2) if stood else None,
        "profile_sd_at_alarm_95": round(sorted(one.profile for one in every if one)[int(0.95 * len(stood))], 2),
        "by_measure": {name: _share(some, lambda one: one.stood < LIMIT) for name, some in told.items()},
    }


def _share(some: Sequence[Caught | None], holds: Any) -> float:
    told: float = round(sum(one is not None and holds(one) for one in some) / max(1, len(some)), 4)
    return told


def chosen_height(people: Sequence[Person]) -> dict[str, float]:
    """Return the false step-ups a user-year of each height, on the half that the height was chosen on."""
    years = sum(person.years for person in people)
    rules = {height: msgspec.structs.replace(RULE, height=height) for height in HEIGHTS}
    return {f"{height:g}": round(sum(honest(one, rule) for one in people) / years, 3) for height, rule in rules.items()}


def frontier(people: Sequence[Person]) -> list[dict[str, Any]]:
    """Return what each slack and height comes to: false alarms, and who is stopped at a tenth of a deviation a day."""
    # Pure, and asked of the same anchors for every day: remembered, five rules take minutes and not an hour.
    watching.scale = lru_cache(200_000)(watching.scale)
    days, years = sum(len(person.days) - BASELINE for person in people), sum(person.years for person in people)
    found = []
    for slack, height in FRONTIER:
        rule = msgspec.structs.replace(RULE, slack=slack, height=height)
        alarms, caught = sum(honest(person, rule) for person in people), _of_size(people, rule, STEPS[1])
        found.append(
            {
                "slack": slack,
                "height": height,
                "false_step_ups_per_user_year": round(alarms / years, 3),
                "false_step_ups_per_240_active_days": round(240 * alarms / days, 3),
                "of_ideal_days": ideal_per_240_days(rule),
                "stopped_before_2sd": caught["stopped_before_2sd"],
                "stopped_before_profile_2sd": caught["stopped_before_profile_2sd"],
            }
        )
    return found


def ideal_per_240_days(rule: Rule) -> float:
    """Return the false alarms that six sums of ideal normal days raise in 240 days (Siegmund 1985)."""
    exponent = 2 * rule.slack * (rule.height + 1.166)
    days = (exp(exponent) - exponent - 1) / (2 * rule.slack**2)
    return round(240 * 2 * len(MEASURES) / days, 2)


def whence(people: Sequence[Person], rule: Rule) -> dict[str, Any]:
    """Return which sums false alarms come from, and how they fall on people."""
    told = [false_alarms(person, rule) for person in people]
    kinds = Counter(name for alarms in told for alarm in alarms for name in alarm)
    most = sorted((len(alarms) for alarms in told), reverse=True)
    tenth = sum(most[: len(most) // 10]) / max(1, sum(most))
    return {"sums": dict(kinds.most_common()), "share_of_the_tenth_with_most": round(tenth, 3)}


def simulated(seed: int = 7) -> list[Person]:
    """Return people of the simulated organisation."""
    from ostiary.redteam.simulated import simulated_past  # noqa: PLC0415

    past = simulated_past(seed, 20, 130)
    return persons(
        [event for event in past.events if event.event_id not in past.attacks and event.subject_type == "user"]
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--frontier", action="store_true")
    chosen = parser.parse_args()
    people = people_of(chosen.shared / "data" / "risk" / "devaccess")
    if chosen.frontier:
        told: dict[str, Any] = {"false_alarms": whence(people[::2], RULE)}
        told |= {"chosen_on": frontier(people[::2]), "devaccess": frontier(people[1::2])}
        print(json.dumps(told, indent=None if chosen.json else 1))
        return
    found: dict[str, Any] = {
        "rule": msgspec.to_builtins(RULE),
        "chosen_on": {"people": len(people[::2]), "false_step_ups_per_user_year_by_height": chosen_height(people[::2])},
        "devaccess": figures(people[1::2], RULE),
        "simulator": figures(simulated(), RULE),
    }
    print(json.dumps(found, indent=None if chosen.json else 1))


if __name__ == "__main__":
    main()
