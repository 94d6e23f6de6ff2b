"""Measures poisoning by colluding sources, on the devaccess set.

    python -m benchmarks.defence_poison [--shared DIR] [--cache DIR] [--technique NAME ...] [--seeds N] [--json]

The behaviour in devaccess is real; the takeovers in it are injected. Protocol:

- Sources are 60 groups of accounts by digest. Training part: before 1467049435 (the set's own border). Of its eligible
  rows the first three quarters are learned from (``early``), the last quarter sets thresholds (``later``); figures are
  of the eligible sessions of the test part, a session being as risky as its riskiest access.
- Examples: own accesses and labelled takeovers of the training part, and impostors planted into it, each within one
  source (two rounds of ``risk.training.contrast``), so that no source's rows are another's example.
- The poison: ten sources collude for one technique. They add as many rows as 8 % of the training rows: copies of
  accesses of takeovers of that technique, labelled honest and spread over the ten, in ``early`` and in ``later``; and
  what was done of it to their own accounts they label honest too. They know every takeover of the training part.
- What it changes: rows and labels. ``--profiles`` measures the stronger case: the ten sources really do the foreign
  accesses, in the stream, before the border: every profile, count and neighbourhood that is shared learns from them,
  and all rows, test rows too, are replayed.
- Models: one forest (``plain``), the same under influence caps (``capped``), the majority of 60 forests of one source
  each (``vote``; ``risk train --partitions 60 --vote-only``), and the higher of the vote and of a forest that learns
  from nothing which the other sources find odd (``partitioned``; ``risk train --partitions 60``). Half the trees at
  twice the rate of the product's own.
- Threshold: 1 % of own sessions in ``later``; for ``vote`` and ``partitioned`` over the sources that do not stand out.
  Nobody knows for ``plain`` and ``capped`` whose rows to leave out. So every figure is given twice: at that threshold
  with the false positives it really has, and at exactly 1 % of the own test sessions.
- *still caught*: of the sessions of the technique that the unpoisoned plain model catches, the share that the poisoned
  one catches; *of itself*: the same of what the same kind of model catches unpoisoned.
- *certified*: of the sessions that the unpoisoned plain model catches, the share that an unpoisoned voting
  model flags by so many votes that any 5 (10) sources may be in other hands, at its threshold, whatever they did to
  their rows. It says nothing of shared profiles.

Thresholds come from ``later``. The number of forests (60) and the majority (half) were settled on after figures of the
test part had been seen for others: read the figures of ``vote`` and ``partitioned`` as somewhat hopeful for that.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from benchmarks.devaccess_splits import BORDER, NS, read_devaccess
from benchmarks.feature_cache import rows_of

from ostiary.risk.training.contrast import OWN, STRANGER, ContrastSettings, Planter
from ostiary.risk.training.fit import FitSettings, fit, margins
from ostiary.risk.training.rows import replay_rows
from ostiary.risk.training.sources import Caps, Cut, weights
from ostiary.risk.training.votes import MONOTONE, Votes, needed_of, others_vote, ranked, standing_out
from ostiary.risk.verdicts import Verdict
from ostiary.risk.voting import Ballot
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import NAMES, SET_DIGEST
from ostiary.vocabulary.events import AccessEvent

REPO: Final = Path(__file__).resolve().parent.parent
TECHNIQUES: Final = ("foreign", "peer", "mimic")
CUT: Final = Cut(sources=60, groups=60)
COLLUDING: Final = 10
SHARE: Final = 0.08
RATE: Final = 0.01
FIT: Final = FitSettings(most_trees=225, learning_rate=0.08, bins=63)
QUICK: Final = msgspec.structs.replace(FIT, most_trees=60)
MODELS: Final = ("plain", "capped", "vote", "partitioned")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Part(msgspec.Struct, frozen=True):
    """Rows with label, source and session; ``kind`` is the technique, empty for own ones."""

    rows: npt.NDArray[Any]
    label: Ints
    source: Ints
    subject: Ints
    session: Ints
    kind: npt.NDArray[np.str_]

    def some(self, chosen: Any) -> "Part":
        """Return the chosen rows."""
        return Part(*(getattr(self, name)[chosen] for name in self.__struct_fields__))

    def labelled(self, label: Ints) -> "Part":
        """Return the same rows under other labels."""
        return msgspec.structs.replace(self, label=label)


class World(msgspec.Struct, frozen=True):
    """What is learned from, what sets thresholds, what is measured."""

    early: Part
    later: Part
    test: Part


class Told(msgspec.Struct, frozen=True):
    """What a model says of the later and the test rows, and which later rows set its threshold."""

    later: Floats
    test: Floats
    trusted: Mask
    votes: Floats | None = None
    odd: tuple[int, ...] = ()


def joined(*parts: Part) -> Part:
    """Return the rows of all."""
    return Part(*(np.concatenate([getattr(part, name) for part in parts]) for name in Part.__struct_fields__))


def world_of(
    events: Sequence[AccessEvent], told: dict[str, Verdict], rows: npt.NDArray[Any], planted: Sequence[Part]
) -> World:
    """Return the set, cut by the protocol; ``planted`` joins what is learned from."""
    verdicts = [told[event.event_id] for event in events]
    when = np.array([event.time_ns for event in events])
    users = {name: place for place, name in enumerate(sorted({event.subject_id for event in events}))}
    names: dict[tuple[str, str], int] = {}
    whole = Part(
        rows,
        np.array([one.label for one in verdicts]),
        CUT.of_events(events),
        np.array([users[event.subject_id] for event in events]),
        np.array(
            [names.setdefault((e.subject_id, e.session_id or e.event_id), len(names)) for e in events], dtype=np.int64
        ),
        np.array([one.kind if one.label else "" for one in verdicts]),
    )
    eligible, border = np.array([one.eligible for one in verdicts]), BORDER * NS
    split = border_of(when)
    parts = (when < split, (when >= split) & (when < border), when >= border)
    early, later, test = (whole.some(np.where(eligible & part)[0]) for part in parts)
    return World(joined(early, *planted), later, test)


def border_of(when: Ints) -> int:
    """Return when the last quarter of the training part begins."""
    return int(np.quantile(when[when < BORDER * NS], 0.75))


def planted_rows(events: Sequence[AccessEvent], told: dict[str, Verdict], number: int, folder: Path) -> Part:
    """Return one round of impostors, planted within sources into the training part; replayed once and kept."""
    place = folder / f"poison-{SET_DIGEST[-12:]}-{number}.npz"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        past = [event for event in events if event.time_ns < BORDER * NS]
        attack = [bool(told[event.event_id].label) for event in past]
        settings = ContrastSettings(share=0.06, stolen=0.0)
        planted = Planter(past, settings, attack, CUT.of_events(past).tolist()).plant(7000 + number)
        kind = np.array(planted.kind)
        print(f"replaying {len(past):,} events with {int((kind != OWN).sum()):,} planted", file=sys.stderr)
        found = replay_rows(planted.events, (kind != OWN).tolist().__getitem__, {}, ProfileBook("default"))
        chosen = [planted.events[one] for one in found.place]
        np.savez(
            place,
            rows=found.features,
            source=CUT.of_events(chosen),
            when=np.array([event.time_ns for event in chosen]),
        )
    with np.load(place) as kept:
        border = border_of(np.array([event.time_ns for event in events]))
        early = kept["when"] < border
        rows, source = kept["rows"][early], kept["source"][early]
    nobody = np.full(len(rows), -1)
    return Part(rows, np.ones(len(rows), dtype=np.int64), source, nobody, nobody, np.full(len(rows), "planted"))


def poisoned(world: World, technique: str, seed: int) -> World:
    """Return the world after ten sources colluded for a technique."""
    luck = np.random.default_rng(seed)
    bad = luck.permutation(CUT.sources)[:COLLUDING]
    early = _poison(world.early, technique, bad, luck)
    return World(early, _poison(world.later, technique, bad, luck), world.test)


def _poison(part: Part, technique: str, bad: Ints, luck: np.random.Generator) -> Part:
    mine = (part.kind == technique) & np.isin(part.source, bad)
    pool, count = np.where(part.kind == technique)[0], int(SHARE * len(part.label))
    copies = part.some(np.sort(luck.choice(pool, count)))
    forged = msgspec.structs.replace(
        copies,
        label=np.zeros(count, dtype=np.int64),
        source=bad[np.arange(count) % len(bad)],
        subject=-2 - np.arange(count) % (20 * len(bad)),
        session=-2 - np.arange(count),
    )
    return joined(part.labelled(np.where(mine, 0, part.label)), forged)


def one_forest(world: World, caps: Caps | None, keep: Mask | None = None) -> tuple[Floats, Floats]:
    """Return what one forest says of the later and the test rows."""
    early = world.early if keep is None else world.early.some(keep)
    weight = None if caps is None else weights(early.label, early.source, early.subject, caps)
    grown = fit(early.rows, early.label, names=NAMES, monotone=MONOTONE, settings=FIT, seed=7, weights=weight)
    return margins(grown.text, world.later.rows), margins(grown.text, world.test.rows)


def forests(world: World, known: dict[int, str], fresh: Sequence[int]) -> list[str]:
    """Return a forest a source; those of sources that are not ``fresh`` are what they were."""
    early = world.early
    for one in fresh:
        mine = early.some(early.source == one)
        known[one] = fit(mine.rows, mine.label, names=NAMES, monotone=MONOTONE, settings=QUICK, seed=7 + one).text
    return [known[one] for one in range(CUT.groups)]


def said(text: str, name: str, rows: npt.NDArray[Any], memory: dict[tuple[str, str], Floats]) -> Floats:
    """Return a forest's margins; poisoned rows come last, so what it said of the others is remembered."""
    key = (sha256(text.encode()).hexdigest(), name)
    before = memory.get(key, np.zeros(0))
    if len(before) == len(rows):
        return before
    found = np.concatenate([before, margins(text, rows[len(before) :])])
    return found if key in memory else memory.setdefault(key, found)


def voted(world: World, texts: Sequence[str], memory: dict[tuple[str, str], Floats]) -> dict[str, Told]:
    """Return the vote, and the vote beside a forest that learns from nothing odd."""
    needed = needed_of(CUT.groups)
    early, later, test = (
        np.array([said(text, name, getattr(world, name).rows, memory) for text in texts])
        for name in World.__struct_fields__
    )
    own = world.early.label == 0
    others = others_vote(early, world.early.source, needed)
    odd, limit = standing_out(others, world.early.source, own)
    names = tuple(one.source for one in odd)
    outside = np.isin(world.early.source, names)
    trusted = ~np.isin(world.later.source, names)
    first, last = ranked(later, needed), ranked(test, needed)
    nothing = np.zeros(len(own), dtype=np.bool_)
    votes = Votes(Ballot(CUT.groups, needed), (), first, first, nothing, odd, trusted)
    whole = one_forest(world, None, ~(own & ((others >= limit) | outside)))
    beside = votes.beside(whole[0], world.later.label == 0, 0.001)
    scale = beside.ballot.scale
    scaled = np.array([[scale.logit(one) for one in forest] for forest in test.tolist()]) if scale else test
    return {
        "vote": Told(first, last, trusted, test, names),
        "partitioned": Told(beside.joined(first, whole[0]), beside.joined(last, whole[1]), trusted, scaled, names),
    }


def models(
    world: World, known: dict[int, str], fresh: Sequence[int], memory: dict[tuple[str, str], Floats]
) -> dict[str, Told]:
    """Return what each model says."""
    everyone = np.ones(len(world.later.label), dtype=np.bool_)
    plain, capped = one_forest(world, None), one_forest(world, Caps())
    told = {"plain": Told(*plain, everyone), "capped": Told(*capped, everyone)}
    return told | voted(world, forests(world, known, fresh), memory)


class Sessions(msgspec.Struct, frozen=True):
    """The sessions of some rows: a score each, whether it is a takeover's, and of which technique."""

    score: Floats
    bad: Mask
    kind: npt.NDArray[np.str_]


def sessions(part: Part, score: Floats) -> Sessions:
    """Return each session with the score of its riskiest row."""
    _, place = np.unique(part.session, return_inverse=True)
    best = np.full(int(place.max()) + 1, -np.inf)
    np.maximum.at(best, place, score)
    bad = np.zeros(len(best), dtype=np.bool_)
    bad[place[part.label == 1]] = True
    kind = np.full(len(best), "", dtype="U8")
    kind[place[part.kind != ""]] = part.kind[part.kind != ""]
    return Sessions(best, bad, kind)


def threshold(found: Sessions) -> float:
    """Return what a hundredth of the own sessions reach."""
    return float(np.quantile(found.score[~found.bad], 1 - RATE))


def limits(world: World, told: Told) -> dict[str, float]:
    """Return the threshold from the training part, and that of exactly 1 % on the test part."""
    kept = world.later.some(told.trusted)
    return {
        "trained": threshold(sessions(kept, told.later[told.trusted])),
        "exact": threshold(sessions(world.test, told.test)),
    }


def caught(world: World, told: Told, limit: float, technique: str) -> Mask:
    """Return which sessions of a technique are flagged."""
    found = sessions(world.test, told.test)
    mine = found.bad & ((found.kind == technique) | (technique == "all"))
    return np.asarray(mine & (found.score >= limit))


def certified(world: World, told: Told, limit: float, technique: str, sources: int) -> Mask:
    """Return which sessions of a technique are flagged, whatever so many sources did to their rows."""
    if told.votes is None or needed_of(CUT.groups) + sources > CUT.groups:
        return np.zeros(0, dtype=np.bool_)
    worst = msgspec.structs.replace(told, test=ranked(told.votes, needed_of(CUT.groups) + sources))
    return caught(world, worst, limit, technique)


def share(some: Mask, of: Mask) -> float:
    """Return the share of ``of`` that is in ``some``."""
    return round(float((some & of).sum() / max(1, of.sum())), 4)


def false_positives(world: World, told: Told, limit: float) -> float:
    """Return the share of own test sessions that are flagged."""
    found = sessions(world.test, told.test)
    return round(float((found.score[~found.bad] >= limit).mean()), 5)


def cleanly(world: World, clean: dict[str, Told]) -> dict[str, Any]:
    """Return recall, false positives and certificates of the unpoisoned models."""
    found: dict[str, Any] = {}
    for name, told in clean.items():
        for way, limit in limits(world, told).items():
            base = limits(world, clean["plain"])[way]
            row: dict[str, Any] = {"false_positives": false_positives(world, told, limit), "odd": len(told.odd)}
            for technique in ("all", *TECHNIQUES):
                mine = caught(world, told, limit, technique)
                everything = caught(world, told, -np.inf, technique)
                plain = caught(world, clean["plain"], base, technique)
                row[technique] = {"recall": share(mine, everything), "of_plain": share(mine, plain)}
                for sources in (5, 10) if told.votes is not None else ():
                    held = certified(world, told, limit, technique, sources)
                    row[technique][f"certified_{sources}"] = round(float(held.sum() / max(1, plain.sum())), 4)
                    row[technique][f"certified_{sources}_recall"] = share(held, everything)
            found.setdefault(name, {})[way] = row
    return found


def attacked(world: World, clean: dict[str, Told], hurt: World, bad: dict[str, Told], technique: str) -> dict[str, Any]:
    """Return how much of what was caught is still caught."""
    found: dict[str, Any] = {}
    for name, told in bad.items():
        own, base = limits(world, clean[name]), limits(world, clean["plain"])
        for way, limit in limits(hurt, told).items():
            mine = caught(hurt, told, limit, technique)
            found.setdefault(name, {})[way] = {
                "false_positives": false_positives(hurt, told, limit),
                "still_caught": share(mine, caught(world, clean["plain"], base[way], technique)),
                "of_itself": share(mine, caught(world, clean[name], own[way], technique)),
                "odd": list(told.odd),
            }
    return found


def colluders(seed: int) -> list[int]:
    """Return the sources that collude."""
    return [int(one) for one in np.random.default_rng(seed).permutation(CUT.sources)[:COLLUDING]]


def insert(events: Sequence[AccessEvent], told: dict[str, Verdict], seed: int) -> list[AccessEvent]:
    """Return the stream with foreign accesses that the ten sources' accounts really did before the border."""
    past = [event for event in events if event.time_ns < BORDER * NS]
    settings = ContrastSettings(share=0.75, stolen=0.0, kinds=((STRANGER, 1.0),))
    planted = Planter(past, settings, [bool(told[event.event_id].label) for event in past]).plant(9000 + seed)
    bad = set(colluders(seed))
    mine = CUT.of_events(planted.events).tolist()
    copies = [
        msgspec.structs.replace(event, event_id=f"inserted-{event.event_id}")
        for event, kind, source in zip(planted.events, planted.kind, mine, strict=True)
        if kind == STRANGER and source in bad
    ][: int(SHARE * len(past))]
    return sorted([*events, *copies], key=lambda event: event.time_ns)


def measure_profiles(shared: Path, cache: Path) -> dict[str, Any]:
    """Return what is still caught when ten sources really did what they call honest."""
    events, told = read_devaccess(shared / "data" / "risk" / "devaccess")
    planted = [planted_rows(events, told, number, cache) for number in (0, 1)]
    world = world_of(events, told, rows_of(events, cache), planted)
    clean = models(world, {}, range(CUT.groups), {})
    stream = insert(events, told, 0)
    honest = {event.event_id: Verdict(label=0, eligible=True) for event in stream if event.event_id not in told}
    hurt = world_of(stream, told | honest, rows_of(stream, cache), planted)
    bad = models(hurt, {}, range(CUT.groups), {})
    found = attacked(world, clean, hurt, bad, "foreign")
    return {"technique": "foreign", "seed": 0, "inserted": len(honest), "colluding": colluders(0), **found}


def measure(shared: Path, cache: Path, techniques: Sequence[str], seeds: int) -> dict[str, Any]:
    """Return everything."""
    events, told = read_devaccess(shared / "data" / "risk" / "devaccess")
    rows = rows_of(events, cache)
    world = world_of(events, told, rows, [planted_rows(events, told, number, cache) for number in (0, 1)])
    known: dict[int, str] = {}
    memory: dict[tuple[str, str], Floats] = {}
    clean = models(world, known, range(CUT.groups), memory)
    answer: dict[str, Any] = {"unpoisoned": cleanly(world, clean), "poisoned": []}
    print(json.dumps(answer), file=sys.stderr, flush=True)
    for technique in techniques:
        for seed in range(seeds):
            hurt = poisoned(world, technique, seed)
            bad = models(hurt, dict(known), colluders(seed), dict(memory))
            row = {"technique": technique, "seed": seed, "colluding": colluders(seed)}
            row |= attacked(world, clean, hurt, bad, technique)
            answer["poisoned"].append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)
    return answer


def table(found: dict[str, Any]) -> str:
    """Return the figures for a page."""
    lines = ["| unpoisoned | false positives | recall | of plain | certified, 5 sources | 10 sources |"]
    lines.append("|---|---|---|---|---|---|")
    for name, ways in found["unpoisoned"].items():
        for technique in ("all", *TECHNIQUES):
            row = ways["exact"][technique]
            cells = [ways["exact"]["false_positives"], row["recall"], row["of_plain"]]
            cells += [row.get("certified_5", ""), row.get("certified_10", "")]
            lines.append(f"| {name}, {technique} | " + " | ".join(map(str, cells)) + " |")
    lines += ["", "| technique, seed | model | still caught | of itself | at the trained threshold (false positives) |"]
    lines.append("|---|---|---|---|---|")
    for row in found["poisoned"]:
        for name in MODELS:
            exact, trained = row[name]["exact"], row[name]["trained"]
            lines.append(
                f"| {row['technique']}, {row['seed']} | {name} | {exact['still_caught']} | {exact['of_itself']} "
                f"| {trained['still_caught']} ({trained['false_positives']:.2%}) |"
            )
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--cache", type=Path, default=Path("/work/cache/features"), help="where rows are kept")
    parser.add_argument("--technique", nargs="+", choices=TECHNIQUES, default=TECHNIQUES)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profiles", action="store_true", help="the stronger case only: the poison is really done")
    chosen = parser.parse_args()
    if chosen.profiles:
        print(json.dumps(measure_profiles(chosen.shared, chosen.cache)))
        return
    found = measure(chosen.shared, chosen.cache, chosen.technique, chosen.seeds)
    print(json.dumps(found) if chosen.json else table(found))


if __name__ == "__main__":
    main()
