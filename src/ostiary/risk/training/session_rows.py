"""Examples of session risk: whole rounds replayed, each access judged by a forest that never saw its subject.

- The risk of an access goes into its subject's trail, as it would have in life, right or wrong.
- A sitting's own accesses come from one round only; impostors come from every round.
- A session is what the session so far takes for one: it may rest for hours, so thresholds are of whole sessions.
- A session that was stolen stays so: what its owner does in it afterwards is no proof of the contrary, and counts as
  the session's, not as his.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.calibration import Calibration, log_odds
from ostiary.risk.groups import EVERYBODY, group_of
from ostiary.risk.native import NativeTrees
from ostiary.risk.session_columns import NAMES as SO_FAR
from ostiary.risk.session_so_far import UNSEEN_S, SessionsSoFar
from ostiary.risk.session_state import row_of
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.risk.trail import Trails, step_of
from ostiary.risk.training.contrast import HIJACK, LABELLED, OWN, ContrastSettings, Planter
from ostiary.risk.training.fit import Ints, Rows
from ostiary.risk.training.folds import FOLDS
from ostiary.risk.training.pool import each_round
from ostiary.risk.training.prepare import Progress, facts_of, seed_of, subjects_of
from ostiary.risk.training.sittings import sittings_of
from ostiary.signals.features import NAMES, extract
from ostiary.signals.settled import book_of
from ostiary.vocabulary.events import AccessEvent

FIRST_ROUND: Final = 500
"""Number of the first round of sessions: other impostors than those that single accesses were learned from."""

UNSEEN_NS: Final = UNSEEN_S * 10**9
_THEFTS: Final = (HIJACK, LABELLED)


class Judge(msgspec.Struct, frozen=True):
    """How accesses of one group are judged: one forest a fold, the calibration, and the features that sessions see."""

    texts: tuple[str, ...]
    table: Calibration
    features: tuple[int, ...]


class SessionExamples(msgspec.Struct, frozen=True):
    """Rows of session risk, one an access; members as in ``prepare.Examples``, ``risk`` is the access's own."""

    rows: Rows
    label: Ints
    kind: Ints
    time_ns: Ints
    subject: Ints
    sitting: Ints


def session_examples(
    events: Sequence[AccessEvent],
    verdicts: Mapping[str, int],
    judges: Mapping[str, Judge],
    contrast: ContrastSettings,
    seed: int,
    rounds: int,
    tell: Progress,
    workers: int,
    settled_days: float = 0.0,
) -> dict[str, SessionExamples]:
    """Return the examples of each group in ``judges``; a group that is not in it is judged by ``everybody``'s."""
    parts = each_round(
        _rounds,
        (msgspec.msgpack.encode(events), dict(verdicts), dict(judges), contrast, seed, rounds, settled_days),
        rounds,
        workers=workers,
        accesses=len(events),
        done=lambda done: tell("sessions", done / rounds),
    )
    return {name: _joined([part[name] for part in parts]) for name in judges}


def sessions_of(events: Sequence[AccessEvent]) -> Ints:
    """Return the number of each access's session."""
    session = np.zeros(len(events), dtype=np.int64)
    for number, one in enumerate(sittings_of(events, UNSEEN_NS)):
        session[one.places] = number
    return session


def overtaken(events: Sequence[AccessEvent], kind: Ints) -> Ints:
    """Return the number of each access's session, and mark in ``kind`` what follows a theft within one."""
    for one in sittings_of(events, UNSEEN_NS):
        stolen = next((place for place in one.places if kind[place] in _THEFTS), None)
        if stolen is not None:
            after = np.array([place for place in one.places if place > stolen], dtype=np.int64)
            kind[after[kind[after] == OWN]] = kind[stolen]
    return sessions_of(events)


def _joined(parts: Sequence[SessionExamples]) -> SessionExamples:
    names = SessionExamples.__struct_fields__
    return SessionExamples(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _rounds(
    history: bytes,
    verdicts: Mapping[str, int],
    judges: Mapping[str, Judge],
    contrast: ContrastSettings,
    seed: int,
    rounds: int,
    settled_days: float,
) -> Callable[[int], dict[str, SessionExamples]]:
    """Return what makes the examples of one round."""
    events = msgspec.msgpack.decode(history, type=list[AccessEvent])
    facts = facts_of(events, verdicts)
    session = sessions_of(events)
    planter = Planter(events, contrast, facts.attack.tolist())
    benches = {name: _Bench(judge) for name, judge in judges.items()}

    def one_round(number: int) -> dict[str, SessionExamples]:
        planted = planter.plant(seed_of(seed, FIRST_ROUND + number))
        kind = np.array(planted.kind, dtype=np.int64)
        kind[(kind == OWN) & facts.attack] = LABELLED
        sitting = overtaken(planted.events, kind)
        keep = (kind != OWN) | (session % rounds == number)
        return _replayed(planted.events, kind, keep.tolist(), sitting + number * len(events), benches, settled_days)

    return one_round


class _Bench:
    """The forests of one group, ready to judge."""

    def __init__(self, judge: Judge) -> None:
        self._forests = [NativeTrees(text, len(NAMES)) for text in judge.texts]
        self._table = judge.table
        self._base = log_odds(judge.table.prior)
        self.features = judge.features

    def llr(self, row: Sequence[float], subject: int) -> float:
        """Return the log-likelihood ratio of a row by the forest that never saw its subject."""
        return self._table.logit(self._forests[subject % FOLDS].margin(row)) - self._base


def _replayed(
    events: Sequence[AccessEvent],
    kind: Ints,
    keep: Sequence[bool],
    sitting: Ints,
    benches: Mapping[str, _Bench],
    settled_days: float,
) -> dict[str, SessionExamples]:
    rows: dict[str, list[list[float]]] = {name: [] for name in benches}
    places: dict[str, list[int]] = {name: [] for name in benches}
    subject, book = subjects_of(events), book_of(events[0].tenant, settled_days)
    trails, so_far = Trails(), SessionsSoFar()
    for place, event in enumerate(events):
        history = book.view(event)
        row = extract(event, history)
        group = group_of(event.subject_type)
        own = benches.get(group) or benches[EVERYBODY]
        llr, step = own.llr(row, int(subject[place])), step_of(event, history)
        state, usual = so_far.learn(event, history, llr)
        if keep[place]:
            known = [*trails.view(step, llr), *row_of(state, usual)]
            for name, bench in benches.items():
                if name in {group, EVERYBODY}:
                    rows[name].append([*known, *[row[column] for column in bench.features]])
                    places[name].append(place)
        trails.learn(step, llr)
        book.learn(event)
    when = np.array([event.time_ns for event in events], dtype=np.int64)
    return {
        name: _examples(rows[name], len(bench.features), places[name], kind, when, subject, sitting)
        for name, bench in benches.items()
    }


def _examples(
    rows: list[list[float]], features: int, places: list[int], kind: Ints, when: Ints, subject: Ints, sitting: Ints
) -> SessionExamples:
    place = np.array(places, dtype=np.int64)
    return SessionExamples(
        rows=np.array(rows, dtype=np.float32).reshape(-1, len(TRAIL) + len(SO_FAR) + features),
        label=(kind[place] != OWN).astype(np.int64),
        kind=kind[place],
        time_ns=when[place],
        subject=subject[place],
        sitting=sitting[place],
    )
