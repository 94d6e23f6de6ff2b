"""Cuts devaccess into two organisations that share neither a person nor a repository, to measure transfer.

    python benchmarks/devaccess_splits.py [--shared DIR] [--before UNIX_TS] [--out DIR]

The four repositories left out are heat, horizon, kolla-ansible and nova. The rule that chose them looks at counts only,
never at a score: of all 1,001 sets of four that leave at least half of the own events to train on, they keep the most
takeovers whole in the organisation left out (`choose` computes it; `--choose` prints the first ten).

- Left-out people have more than half of their own events in the four. A person is on one side only.
- The organisation left out is what their accounts did in the four; the other one is what all other accounts did in the
  other ten. What somebody did on the far side is dropped: no account and no repository is on both sides.
- A takeover stays on its victim's side when at least four of its sessions lie there (four is the least that the set
  plants); one of fewer is dropped with all its events, so that no half of one counts as own behaviour.
- Eligible is told anew by the set's own rule, at least 30 earlier sessions of the account, counted within the side.
- ``--before 1467049435`` keeps the protocol's test part out of it, for choosing a model.

With ``--out`` each side is written as events.csv.gz and labels.csv.gz, which the product's own commands read.
"""

import argparse
import csv
import gzip
import itertools
import json
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.risk.reading import EventReader
from ostiary.risk.verdicts import Verdict, read_kinds, read_verdicts
from ostiary.vocabulary.events import AccessEvent

REPO: Final = Path(__file__).resolve().parent.parent
FOUR: Final = frozenset({"heat", "horizon", "kolla-ansible", "nova"})
BORDER: Final = 1_467_049_435
LEAST_SESSIONS: Final = 4
DEEP_ENOUGH: Final = 30
NS: Final = 1_000_000_000
OWN: Final = Verdict(label=0)


class Side(msgspec.Struct, frozen=True):
    """One organisation: its events in order of time, and a verdict for each."""

    events: list[AccessEvent]
    verdicts: dict[str, Verdict]


class Transfer(msgspec.Struct, frozen=True):
    """The organisation to train on and the one to score, which the model never saw."""

    train: Side
    test: Side


def repository(event: AccessEvent) -> str:
    """Return the repository of an event: its resource is ``repository/area``."""
    return event.resource_id.partition("/")[0]


def read_devaccess(folder: Path, before: float | None = None) -> tuple[list[AccessEvent], dict[str, Verdict]]:
    """Return events and verdicts of the set's folder, each verdict with its kind of attack."""
    kinds = read_kinds(folder / "attacks.csv")
    border = None if before is None else int(before * NS)
    reader = EventReader(folder / "events.csv.gz", "devaccess", "default", lambda rejected: print(rejected.text))
    events = [event for event in reader if border is None or event.time_ns < border]
    told = read_verdicts(folder / "labels.csv.gz")
    return events, {
        event.event_id: msgspec.structs.replace(one, kind=kinds.get(one.attack, ""))
        for event in events
        for one in (told[event.event_id],)
    }


def transfer_split(
    events: Sequence[AccessEvent], verdicts: Mapping[str, Verdict], four: Collection[str] = FOUR
) -> Transfer:
    """Return the organisation outside ``four`` to train on, and that of the people of ``four`` to score."""
    people = people_of(events, verdicts, four)
    inside = [event for event in events if event.subject_id in people and repository(event) in four]
    outside = [event for event in events if event.subject_id not in people and repository(event) not in four]
    return Transfer(train=_side(outside, verdicts), test=_side(inside, verdicts))


def people_of(events: Sequence[AccessEvent], verdicts: Mapping[str, Verdict], four: Collection[str]) -> set[str]:
    """Return who has more than half of the own events in ``four``."""
    within: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for event in events:
        if not verdicts.get(event.event_id, OWN).label:
            whole[event.subject_id] += 1
            within[event.subject_id] += repository(event) in four
    return {who for who, count in whole.items() if 2 * within[who] > count}


def _side(events: Sequence[AccessEvent], verdicts: Mapping[str, Verdict]) -> Side:
    sessions: dict[str, set[str]] = defaultdict(set)
    for event in events:
        one = verdicts.get(event.event_id, OWN)
        if one.label:
            sessions[one.attack].add(event.session_id or event.event_id)
    whole = {attack for attack, found in sessions.items() if len(found) >= LEAST_SESSIONS}
    kept = [event for event in events if not (one := verdicts.get(event.event_id, OWN)).label or one.attack in whole]
    return Side(kept, _eligible(kept, verdicts))


def _eligible(events: Sequence[AccessEvent], verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Return the verdicts, each eligible when its session's account had enough sessions before."""
    had: Counter[str] = Counter()
    earlier: dict[tuple[str, str], int] = {}
    told: dict[str, Verdict] = {}
    for event in events:
        key = (event.subject_id, event.session_id or event.event_id)
        if key not in earlier:
            earlier[key] = had[event.subject_id]
            had[event.subject_id] += 1
        one = verdicts.get(event.event_id, OWN)
        told[event.event_id] = msgspec.structs.replace(one, eligible=earlier[key] >= DEEP_ENOUGH)
    return told


def counts(side: Side) -> dict[str, Any]:
    """Return what a side holds."""
    session = {event.event_id: event.session_id or event.event_id for event in side.events}
    eligible = {session[name] for name, one in side.verdicts.items() if one.eligible}
    positive = {session[name] for name, one in side.verdicts.items() if one.eligible and one.label}
    kinds = {one.attack: one.kind for one in side.verdicts.values() if one.label}
    return {
        "events": len(side.events),
        "sessions": len(set(session.values())),
        "people": len({event.subject_id for event in side.events}),
        "eligible_sessions": len(eligible),
        "positive_sessions": len(positive),
        "takeovers": len(kinds),
        "takeovers_by_kind": dict(sorted(Counter(kinds.values()).items())),
    }


def choose(events: Sequence[AccessEvent], verdicts: Mapping[str, Verdict]) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return (takeovers whole, own events to train on, four) of every set of four, best first."""
    own: dict[str, Counter[str]] = defaultdict(Counter)
    attacked: dict[str, tuple[str, dict[str, str]]] = {}
    for event in events:
        one = verdicts[event.event_id]
        if one.label:
            attacked.setdefault(one.attack, (event.subject_id, {}))[1][event.session_id or ""] = repository(event)
        else:
            own[event.subject_id][repository(event)] += 1
    half = sum(map(Counter.total, own.values())) / 2
    found = [_worth(set(four), own, attacked) for four in itertools.combinations(sorted(set().union(*own.values())), 4)]
    return sorted((one for one in found if one[1] >= half), key=lambda one: (-one[0], one[2]))


def _worth(
    four: set[str], own: Mapping[str, Counter[str]], attacked: Mapping[str, tuple[str, dict[str, str]]]
) -> tuple[int, int, tuple[str, ...]]:
    people = {who for who, did in own.items() if 2 * sum(did[one] for one in four) > did.total()}
    left = sum(did.total() - sum(did[one] for one in four) for who, did in own.items() if who not in people)
    whole = sum(
        victim in people and sum(place in four for place in places.values()) >= LEAST_SESSIONS
        for victim, places in attacked.values()
    )
    return whole, left, tuple(sorted(four))


def write_side(side: Side, folder: Path) -> None:
    """Write a side as the set's own tables."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("event_id", "session_id", "ts", "tz_offset_min", "user", "repo", "area", "n_files")
    rows = (
        (
            event.event_id,
            event.session_id,
            event.time_ns // NS,
            event.tz_offset_min,
            event.subject_id,
            *event.resource_id.split("/", 1),
            int(event.count or 0),
        )
        for event in side.events
    )
    _write(folder / "events.csv.gz", names, rows)
    told = ((name, one.label, one.attack or -1, one.kind, int(one.eligible)) for name, one in side.verdicts.items())
    _write(folder / "labels.csv.gz", ("event_id", "label", "attack_id", "kind", "eligible"), told)


def _write(path: Path, names: Sequence[str], rows: Any) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)


def main() -> None:
    """Print the counts of both sides, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--before", type=float, help="use only events before this Unix time")
    parser.add_argument("--out", type=Path, help="write train/ and test/ here")
    parser.add_argument("--choose", action="store_true", help="print the ten best sets of four and stop")
    chosen = parser.parse_args()
    events, verdicts = read_devaccess(chosen.shared / "data" / "risk" / "devaccess", chosen.before)
    if chosen.choose:
        print(json.dumps(choose(events, verdicts)[:10], indent=1))
        return
    split = transfer_split(events, verdicts)
    for name, side in (("train", split.train), ("test", split.test)):
        print(name, json.dumps(counts(side)))
        if chosen.out:
            write_side(side, chosen.out / name)


if __name__ == "__main__":
    main()
