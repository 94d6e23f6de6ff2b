"""People and workloads by the risk of their living sessions, riskiest first.

1. Known is whoever the catalogue names, has a session, or had one that ended.
2. A subject's risk is that of its riskiest living session; where none lives there is none.
3. Filters are joined by AND; an empty one filters nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from ostiary.server.responses import Shown
from ostiary.server.wiring import House
from ostiary.sessions import Session, SessionState
from ostiary.sessions.hysteresis import LEVELS

STATES: Final = ("active", "reduced", "step_up", "ended", "none")
_MOST_CASES: Final = 1_000
_HELD: Final = {"step_up": 2, "reduced": 1, "active": 0}


class SubjectFilter(msgspec.Struct, frozen=True):
    """Which subjects; ``name`` is a part of the id, whatever its case."""

    type: str = ""
    name: str = ""
    level: str = ""
    state: str = ""

    def fits(self, row: "SubjectRow") -> bool:
        """Return whether a subject is wanted."""
        pairs = ((self.type, row.type), (self.level, row.level), (self.state, row.state))
        exact = all(not wanted or wanted == told for wanted, told in pairs)
        return exact and self.name.casefold() in row.name.casefold()


class SubjectRow(Shown):
    """One subject in the list.

    Attributes:
        level, score: of its riskiest living session; ``unknown`` and ``None`` where none lives or none was judged.
        state: the worst of its living sessions; ``ended`` where all ended, ``none`` where there never was one.
        sessions: how many live.
        seen_ns: its latest access in a session; 0 = none.
        cases: how many are open.
    """

    subject: str
    type: str
    name: str
    level: str
    score: float | None
    state: str
    sessions: int
    seen_ns: int
    cases: int
    known: bool


def subjects_of(
    house: House, tenant: str, wanted: SubjectFilter, limit: int, *, hidden: frozenset[str] = frozenset()
) -> list[SubjectRow]:
    """Return the subjects that fit, riskiest first.

    ``hidden`` is who looks, by all its names: its own risk is as if nobody had judged it, or filter and order would
    tell it.
    """
    rows = (_unjudged(row) if row.subject in hidden else row for row in _rows(house, tenant))
    return sorted(filter(wanted.fits, rows), key=_riskiest)[:limit]


def row_of(house: House, tenant: str, subject: str) -> SubjectRow:
    """Return one subject as the list has it, known or not."""
    kind, _, name = subject.partition(":")
    known = house.knowledge.enricher(tenant).catalogue.subject(kind, name) is not None
    ended = any(one.subject == subject for one in house.ledger.ended(tenant))
    cases = sum(case.subject == subject for case in house.response.cases.listed(tenant, "open", _MOST_CASES))
    living = house.ledger.of_subject(tenant, subject)
    return _row(subject, living, house.clock.now_ns(), ended=ended, known=known, cases=cases)


def state_of(session: Session, now_ns: int) -> str:
    """Return the state of a session in one word of ``STATES``."""
    state = session.state(now_ns)
    if state.over:
        return "ended"
    if state is SessionState.STEP_UP:
        return "step_up"
    return "reduced" if session.is_reduced else "active"


def _rows(house: House, tenant: str) -> Iterator[SubjectRow]:
    now, living = house.clock.now_ns(), defaultdict[str, list[Session]](list)
    for session in house.ledger.of_tenant(tenant):
        if session.subject:
            living[session.subject].append(session)
    ended = {one.subject for one in house.ledger.ended(tenant) if one.subject}
    entered = house.knowledge.enricher(tenant).catalogue.names()[0]
    known = {f"{kind}:{name}" for kind, name in entered}
    opened = Counter(case.subject for case in house.response.cases.listed(tenant, "open", _MOST_CASES))
    for subject in known | ended | set(living):
        found = living.get(subject, [])
        yield _row(subject, found, now, ended=subject in ended, known=subject in known, cases=opened[subject])


def _row(subject: str, living: Iterable[Session], now_ns: int, *, ended: bool, known: bool, cases: int) -> SubjectRow:
    kind, _, name = subject.partition(":")
    open_ = [one for one in living if not one.state(now_ns).over]
    states = [state_of(one, now_ns) for one in open_]
    scores = [one.score for one in open_ if one.score is not None]
    return SubjectRow(
        subject=subject,
        type=kind,
        name=name,
        level=max((one.level for one in open_), key=LEVELS.index, default=LEVELS[0]),
        score=max(scores, default=None),
        state=max(states, key=_HELD.__getitem__, default="ended" if ended else "none"),
        sessions=len(open_),
        seen_ns=max((one.seen_ns for one in open_), default=0),
        cases=cases,
        known=known,
    )


def _unjudged(row: SubjectRow) -> SubjectRow:
    return row.model_copy(update={"level": LEVELS[0], "score": None})


def _riskiest(row: SubjectRow) -> tuple[object, ...]:
    score = -1.0 if row.score is None else row.score
    return -(row.sessions > 0), -LEVELS.index(row.level), -score, -row.seen_ns, row.subject
