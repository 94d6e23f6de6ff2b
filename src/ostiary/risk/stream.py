"""Scores a stream of events as it would have been scored live: each from what came before it, in bounded memory.

- An event is looked at, then learned; the profile book bounds the memory.
- Features never depend on scores, so ``BATCH`` accesses are looked at before they are scored together: the trees then
  lie in the cache. A look is frozen, so nobody can tell; lines come by up to so many events later.
- For the same reason another process may score while this one looks (``beside``): the same lines, some batches later.
- A scorer that says which features it wants gets those, and NaN for what no tree of it looks at.
- A session is judged anew at each access; its score is the highest so far. Without a judge of sessions, that of its
  riskiest access. A session closes after 30 minutes unseen, or at the end.
- Session lines come in the order of their first event, so a line waits for the sessions that began before it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final, Protocol, runtime_checkable

import msgspec

from ostiary.risk.beside import Beside, Judgement, Looked, possible
from ostiary.risk.look import Known
from ostiary.signals import features
from ostiary.signals.history import History
from ostiary.signals.settled import Book
from ostiary.signals.signal import Extract
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore, Scorer

UNSEEN_NS: Final = 30 * 60 * 10**9
BATCH: Final = 32


class EventLine(msgspec.Struct, frozen=True):
    """One scored access."""

    event_id: str
    score: float | None
    level: str
    reasons: list[str]


class SessionLine(msgspec.Struct, frozen=True):
    """One scored session."""

    session_id: str
    score: float | None
    level: str
    reasons: list[str]


class Judged(msgspec.Struct, frozen=True):
    """An access, its score, and that of its session with this access in it, if sessions are judged."""

    event: AccessEvent
    risk: RiskScore
    session: RiskScore | None = None


class Sitting(msgspec.Struct):
    """A session so far: its first event, when it was last seen, its riskiest access, and event ids if they are kept."""

    first: AccessEvent
    last_ns: int
    worst: RiskScore
    events: list[str]


class SessionJudge(Protocol):
    """Judges the session of an access from the accesses so far, and remembers this one."""

    def observe_all(
        self,
        events: Sequence[AccessEvent],
        histories: Sequence[Known],
        features: Sequence[Sequence[float]],
        accesses: Sequence[RiskScore],
    ) -> list[RiskScore]:
        """Return the risk of the session at each access in turn."""
        ...


@runtime_checkable
class BatchScorer(Protocol):
    """A scorer of many accesses at once, which knows what it looks at."""

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the features that its scores and reasons depend on."""
        ...

    def score_all(self, events: Sequence[AccessEvent], features: Sequence[Sequence[float]]) -> list[RiskScore]:
        """Return the score of each event with its features."""
        ...


def judge(
    events: Iterable[AccessEvent],
    scorer: Scorer,
    book: Book,
    sessions: SessionJudge | None = None,
    *,
    apart: bool = False,
) -> Iterator[Judged]:
    """Yield each event with its score and that of its session, as known before it; the book learns it.

    With ``apart`` another process scores, where that can be: what ``sessions`` remembers then stays over there.

    Raises:
        UnavailableError: ``judge_ended``.
    """
    judging = partial(_judgement, scorer, sessions)
    if not isinstance(scorer, BatchScorer):
        batches = _looks(events, book, features.extract)
    else:
        batches = _looks(events, book, features.plan(scorer.wanted))
        if apart and possible():
            beside = Beside(judging, scorer.wanted, BATCH, looks=sessions is not None)
            return _told(beside.judged(batches))
    return _told((batch, judging(*batch)) for batch in batches)


def _looks(events: Iterable[AccessEvent], book: Book, extract: Extract) -> Iterator[Looked]:
    waiting = iter(events)
    while batch := list(islice(waiting, BATCH)):
        histories: list[History] = []
        rows: list[Sequence[float]] = []
        for event in batch:
            history = book.view(event)
            rows.append(extract(event, history))
            book.learn(event)
            histories.append(history)
        yield Looked(batch, histories, rows)


def _judgement(
    scorer: Scorer,
    sessions: SessionJudge | None,
    events: Sequence[AccessEvent],
    looks: Sequence[Known],
    rows: Sequence[Sequence[float]],
) -> Judgement:
    if isinstance(scorer, BatchScorer):
        risks = scorer.score_all(events, rows)
    else:
        risks = [scorer.score(event, row) for event, row in zip(events, rows, strict=True)]
    return Judgement(risks, sessions.observe_all(events, looks, rows, risks) if sessions is not None else None)


def _told(judged: Iterable[tuple[Looked, Judgement]]) -> Iterator[Judged]:
    for looked, (risks, sessions) in judged:
        wholes: Sequence[RiskScore | None] = sessions if sessions is not None else [None] * len(risks)
        for event, history, risk, whole in zip(looked.events, looked.histories, risks, wholes, strict=True):
            yield Judged(event, in_words(risk, event, history), in_words(whole, event, history) if whole else None)


def in_words(risk: RiskScore, event: AccessEvent, history: History) -> RiskScore:
    """Return ``risk`` with reasons told against the subject's own baseline; what is no feature keeps its words."""
    if not risk.contributions:
        return risk
    told = tuple(
        msgspec.structs.replace(reason, text=features.describe(event, reason.signal, history, reason.value))
        if reason.signal in features.INDEX
        else reason
        for reason in risk.contributions
    )
    return msgspec.structs.replace(risk, contributions=told)


def event_lines(judged: Iterable[Judged]) -> Iterator[EventLine]:
    """Yield one line an event."""
    for one in judged:
        yield EventLine(one.event.event_id, one.risk.score, one.risk.level, _texts(one.risk))


def sittings(judged: Iterable[Judged], *, keep_events: bool = False) -> Iterator[Sitting]:
    """Yield closed sessions in the order of their first event; with ``keep_events`` with all their event ids."""
    waiting: OrderedDict[int, Sitting] = OrderedDict()
    open_ones: dict[tuple[str, str], Sitting] = {}
    for number, one in enumerate(judged):
        event, risk = one.event, one.session or one.risk
        key = (subject_key(event), event.session_id or "")
        sitting = open_ones.get(key)
        if sitting is None or event.time_ns - sitting.last_ns > UNSEEN_NS:
            sitting = waiting[number] = open_ones[key] = Sitting(event, event.time_ns, risk, [])
        sitting.last_ns = max(sitting.last_ns, event.time_ns)
        if keep_events:
            sitting.events.append(event.event_id)
        if (risk.score or 0.0) > (sitting.worst.score or 0.0):
            sitting.worst = risk
        yield from _closed(waiting, open_ones, event.time_ns)
    yield from waiting.values()


def _closed(
    waiting: OrderedDict[int, Sitting], open_ones: dict[tuple[str, str], Sitting], now_ns: int
) -> Iterator[Sitting]:
    """Take the oldest sessions out as long as they are over."""
    while waiting:
        number, oldest = next(iter(waiting.items()))
        if now_ns - oldest.last_ns <= UNSEEN_NS:
            return
        del waiting[number]
        key = (subject_key(oldest.first), oldest.first.session_id or "")
        if open_ones.get(key) is oldest:
            del open_ones[key]
        yield oldest


def session_lines(closed: Iterable[Sitting]) -> Iterator[SessionLine]:
    """Yield one line a session; a session without an id bears that of its first event."""
    for sitting in closed:
        worst = sitting.worst
        name = sitting.first.session_id or sitting.first.event_id
        yield SessionLine(name, worst.score, worst.level, _texts(worst))


def _texts(risk: RiskScore) -> list[str]:
    return [reason.text for reason in risk.contributions]
