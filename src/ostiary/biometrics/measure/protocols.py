"""What is tried against what, by modality, on people whom the model never saw (``docs/reference/biometrics.md``).

- keystroke: the first G of 1, 2, 5, 10 windows enrol; each of the last five is a genuine probe, the twelfth (the middle
  one of fewer) of everybody else an impostor's. Then ten enrolled against the mean of five, for both kinds.
- phrase (keystrokes of one short phrase): the first half enrols, at most 200; the rest are genuine, the first five of
  everybody else an impostor's.
- pointer: the first session enrols; of the others runs of n = 1 and 5 blocks of 128 events are probes.
- sequence: the first half of the windows enrols; the rest are genuine, twenty of everybody else's rest an impostor's.
- keystroke-features: one log against one log, all pairs of logs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec

from ostiary.biometrics.training import Row, is_phrase
from ostiary.biometrics.window import Floats, Modality, Window

BLOCK: Final = 128
GALLERIES: Final = (1, 2, 5, 10)
RUNS: Final = (1, 5)
_PROBES: Final = 5
_TWELFTH: Final = 11
_MOST_PHRASES: Final = 200
_MOST_OTHERS: Final = 20
Group = tuple[Window, ...]


class Tried(msgspec.Struct, frozen=True):
    """What one template is made of and tried with.

    Attributes:
        person: whose.
        enrol: windows of the template.
        genuine: the person's own probes, each of some windows.
        sessions: from how many sessions the template is.
    """

    person: str
    enrol: Group
    genuine: tuple[Group, ...]
    sessions: int = 0


class Protocol(msgspec.Struct, frozen=True):
    """One protocol: its templates, and what each person tries against everybody else's.

    Attributes:
        name: short.
        tried: the templates.
        impostor: by person, the probes that they try against others.
    """

    name: str
    tried: tuple[Tried, ...]
    impostor: Mapping[str, tuple[Group, ...]]


def protocols(modality: Modality, rows: Sequence[Row]) -> Iterator[Protocol]:
    """Yield the protocols for which the people have enough windows."""
    people: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.subject, row.order)):
        people.setdefault(row.subject, []).append(row)
    phrase = modality is Modality.KEYSTROKE and is_phrase([row.window for row in rows])
    found = _of(modality, people, phrase=phrase)
    return (one for one in found if len({tried.person for tried in one.tried}) > 1)


def _of(modality: Modality, people: Mapping[str, Sequence[Row]], *, phrase: bool) -> Iterator[Protocol]:
    match modality:
        case Modality.KEYSTROKE:
            if phrase:
                return iter([_halves("phrase", people, _MOST_PHRASES, _PROBES)])
            return _sentences({name: [row.window for row in some] for name, some in people.items()})
        case Modality.POINTER:
            return _blocks(people)
        case Modality.SEQUENCE:
            return iter([_halves("first half", people, None, _MOST_OTHERS)])
        case Modality.FEATURES:
            return iter([_logs(people)])


def _sentences(people: Mapping[str, Sequence[Window]]) -> Iterator[Protocol]:
    for gallery in GALLERIES:
        enough = {name: some for name, some in people.items() if len(some) >= gallery + _PROBES}
        tried = tuple(
            Tried(name, tuple(some[:gallery]), tuple((window,) for window in some[-_PROBES:]))
            for name, some in enough.items()
        )
        impostor = {name: ((some[min(_TWELFTH, len(some) // 2)],),) for name, some in enough.items()}
        yield Protocol(f"{gallery} enrolled, 1 probe", tried, impostor)
        if gallery == GALLERIES[-1]:
            last = {name: tuple(some[-_PROBES:]) for name, some in enough.items()}
            means = tuple(Tried(one.person, one.enrol, (last[one.person],)) for one in tried)
            yield Protocol(f"{gallery} enrolled, mean of 5", means, {name: (group,) for name, group in last.items()})


def _halves(name: str, people: Mapping[str, Sequence[Row]], most: int | None, others: int) -> Protocol:
    enough = {person: rows for person, rows in people.items() if len(rows) > 1}
    cuts = {person: min(len(rows) // 2, most or len(rows)) for person, rows in enough.items()}
    tried = tuple(
        Tried(
            person,
            tuple(row.window for row in rows[: cuts[person]]),
            tuple((row.window,) for row in rows[cuts[person] :]),
            len({row.session for row in rows[: cuts[person]]}),
        )
        for person, rows in enough.items()
    )
    first = {person: 0 if most else cuts[person] for person in enough}
    return Protocol(
        name,
        tried,
        {
            person: tuple((row.window,) for row in rows[first[person] : first[person] + others])
            for person, rows in enough.items()
        },
    )


def _blocks(people: Mapping[str, Sequence[Row]]) -> Iterator[Protocol]:
    enrol, rest = {}, {}
    for person, rows in people.items():
        first = rows[0].session
        enrol[person] = tuple(block for row in rows if row.session == first for block in cut(row.window))
        rest[person] = [cut(row.window) for row in rows if row.session != first]
    for run in RUNS:
        groups = {
            person: tuple(
                blocks[at : at + run] for blocks in sessions for at in range(0, max(len(blocks) - run + 1, 0), run)
            )
            for person, sessions in rest.items()
        }
        tried = (Tried(person, enrol[person], groups[person], 1) for person in people)
        yield Protocol(f"{run} blocks", tuple(one for one in tried if one.enrol and one.genuine), groups)


def cut(window: Window) -> tuple[Window, ...]:
    """Return the whole blocks of a long window of pointer events, in order."""
    events = cast("Floats", window.content)
    return tuple(Window(window.modality, events[at : at + BLOCK]) for at in range(0, len(events) - BLOCK + 1, BLOCK))


def _logs(people: Mapping[str, Sequence[Row]]) -> Protocol:
    tried = tuple(
        Tried(person, (row.window,), tuple((other.window,) for other in rows if other is not row), 1)
        for person, rows in people.items()
        for row in rows
        if len(rows) > 1
    )
    return Protocol(
        "log against log", tried, {name: tuple((row.window,) for row in rows) for name, rows in people.items()}
    )
