"""Batches that nobody may train on: forged, replayed, reordered, spliced, edited afterwards.

Without the intake a history is a file: whatever is appended to it trains. With it every try ends in quarantine, or the
history is refused whole.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from ostiary.defence.producers import Producers
from ostiary.errors import OstiaryError
from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.world import World
from ostiary.testing.batches import BatchScene, Sender
from ostiary.vocabulary.events import AccessEvent

_KINDS: Final = ("unsigned", "forged", "replayed", "gap", "forked", "spliced", "changed", "revoked", "edited", "copied")
_ROUNDS: Final = 5


def _run(world: World) -> Outcome:
    luck = world.rng("poison-replay")
    tries = [kind for kind in _KINDS for _ in range(_ROUNDS)]
    through = []
    with tempfile.TemporaryDirectory(prefix="ostiary-poison-") as folder:
        for number, kind in enumerate(tries):
            if _trains(BatchScene(Path(folder, str(number))), kind, luck):
                through.append(f"a batch that was {kind} trained")
    taken = Tally(len(tries), len(tries), ("a file has no producers: what is appended to it trains",))
    return Outcome(taken, Tally(len(tries), len(through), tuple(through[:5])), 0.0, {"kinds": list(_KINDS)})


def _trains(scene: BatchScene, kind: str, luck: Random) -> bool:
    """Return whether the poisoned access is among what may train."""
    door, gate = scene.sender("door"), scene.sender("gate")
    scene.take(door.batch(scene.event(luck.randrange(100))))
    poison = scene.event(1_000 + luck.randrange(100), "eve")
    for data in _batches(scene, kind, door, gate, poison):
        try:
            scene.take(data)
        except OstiaryError:
            continue
    try:
        found = [event.event_id for event in scene.proven().events]
    except OstiaryError:
        return False
    wanted = poison.event_id if kind not in {"replayed", "copied"} else found[0]
    return found.count(wanted) > (kind in {"replayed", "copied"})


def _batches(scene: BatchScene, kind: str, door: Sender, gate: Sender, poison: AccessEvent) -> Iterator[bytes]:
    line = msgspec.json.encode(poison) + b"\n"
    if kind == "unsigned":
        yield line
    elif kind == "forged":
        yield Sender("door", "acme", scene.clock).batch(poison, sequence=2, previous=door.head)
    elif kind == "replayed":
        again = Sender("door", "acme", scene.clock, door.key).batch(scene.event(7))
        yield again
        yield again
    elif kind == "gap":
        yield door.batch(poison, sequence=3)
    elif kind == "forked":
        yield door.batch(poison, sequence=2, previous="sha256:" + "0" * 64)
    elif kind == "spliced":
        yield door.batch(scene.event(1)).partition(b"\n")[0] + b"\n" + gate.batch(poison).partition(b"\n")[2]
    elif kind == "changed":
        yield door.batch(scene.event(1, "ann")).partition(b"\n")[0] + b"\n" + line
    elif kind == "revoked":
        kept = door.batch(poison)
        Producers(scene.producers).revoke("acme", "door", scene.clock.now_ns())
        yield kept
    else:
        history = scene.history()
        whole = history.read_bytes()
        history.write_bytes(whole + (line if kind == "edited" else whole))


ATTACK = Attack(
    name="poison-replay",
    atlas="AML.T0020",
    describe="Slip accesses into the training history by unsigned, forged, replayed, reordered or spliced batches.",
    run=_run,
).check()
