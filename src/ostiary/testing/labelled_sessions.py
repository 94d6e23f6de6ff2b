"""The simulated organisation's history with attacks inside its sessions, and a verdict for each access.

    python -m ostiary.testing.labelled_sessions --out DIR [--seed 1] [--people 80] [--days 30] [--rate 0.08]

writes ``events.jsonl``, ``labels.csv`` and ``attacks.csv`` for ``ostiary risk train`` and ``risk evaluate``. Simulated,
and labelled as such: every event says ``source="simulated"``.

- Everything follows from the seed; another seed is another organisation with other attacks.
- Attacks begin after ``QUIET_DAYS``, so that an account has a history. Only people's sessions count; what machines do
  is there, and judged, and has no verdict.
"""

import argparse
import csv
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from ostiary.signals.enrichment import Enricher
from ostiary.testing.organisation import DEFAULT_UNTIL_NS, Organisation
from ostiary.testing.organisation_cast import Person
from ostiary.testing.organisation_facts import Wardrobe
from ostiary.testing.session_attacks import attacked, chosen
from ostiary.testing.session_life import Session, lived
from ostiary.vocabulary.events import AccessEvent

QUIET_DAYS: Final = 8
_NS: Final = 1_000_000_000
_DAY_S: Final = 86_400


class Attack(msgspec.Struct, frozen=True):
    """One attack: its number, kind, whose session and which, when it began, the ids of its accesses."""

    attack_id: str
    kind: str
    subject: str
    session_id: str
    since_ns: int
    events: frozenset[str]


class Labelled(msgspec.Struct, frozen=True):
    """A history in order of time, with its attacks and the ids of accesses that count."""

    events: list[AccessEvent]
    attacks: list[Attack]
    eligible: frozenset[str]


def labelled(seed: int, people: int = 80, days: int = 30, rate: float = 0.08, tenant: str = "default") -> Labelled:
    """Return the history of organisation ``seed`` with attacks in a share ``rate`` of people's sessions."""
    organisation = Organisation(seed=seed, people=people, days=days, tenant=tenant)
    who = {person.name: person for person in organisation.people}
    sessions: dict[tuple[str, str], Session] = {}
    machines: Session = []
    for event in organisation.history():
        if event.subject_type == "service":
            machines.append(event)
        else:
            sessions.setdefault((event.subject_id, event.session_id or ""), []).append(event)
    wardrobe, begin = Wardrobe(DEFAULT_UNTIL_NS // _NS), DEFAULT_UNTIL_NS - (days - QUIET_DAYS) * _DAY_S * _NS
    found: Session = machines
    attacks: list[Attack] = []
    eligible: set[str] = set()
    for (subject, name), session in sessions.items():
        counts = session[0].time_ns >= begin
        events, attack = _session(name, session, who[subject], wardrobe, seed, rate if counts else 0.0)
        found += events
        if counts:
            eligible.update(event.event_id for event in events)
        if attack is not None:
            attacks.append(msgspec.structs.replace(attack, attack_id=f"a{len(attacks)}"))
    enricher = Enricher(organisation.catalogue())
    found = sorted((enricher.enrich(event) for event in found), key=lambda event: (event.time_ns, event.event_id))
    return Labelled(found, attacks, frozenset(eligible))


def _session(
    name: str, session: Session, person: Person, wardrobe: Wardrobe, seed: int, rate: float
) -> tuple[Session, Attack | None]:
    luck = Random(f"{seed}:session:{name}")  # noqa: S311 - a simulator, no secret
    honest = lived(session, person, luck, wardrobe)
    kind = chosen(name, seed, rate)
    if not kind:
        return honest, None
    told = attacked(kind, honest, person, wardrobe, luck)
    return told.events, Attack("", kind, person.name, name, told.since_ns, told.bad)


def write(told: Labelled, folder: Path) -> None:
    """Write events and verdicts as the commands read them."""
    folder.mkdir(parents=True, exist_ok=True)
    whose = {name: attack for attack in told.attacks for name in attack.events}
    (folder / "events.jsonl").write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in told.events))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("event_id", "label", "attack_id", "kind", "eligible"))
        for event in told.events:
            attack = whose.get(event.event_id)
            if event.event_id in told.eligible:
                row = ("1", attack.attack_id, attack.kind) if attack else ("0", "", "")
                writer.writerow((event.event_id, *row, "1"))
    with (folder / "attacks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("attack_id", "kind", "subject", "session_id", "since_ns"))
        writer.writerows((one.attack_id, one.kind, one.subject, one.session_id, one.since_ns) for one in told.attacks)


def main() -> None:
    """Write a labelled history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=80)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0.08)
    chosen_by = parser.parse_args()
    write(labelled(chosen_by.seed, chosen_by.people, chosen_by.days, chosen_by.rate), chosen_by.out)


if __name__ == "__main__":
    main()
