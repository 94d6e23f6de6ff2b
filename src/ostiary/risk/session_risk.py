"""Session risk: judged anew at each access, from the session so far and the sittings before it.

- It remembers: a trail and the live sessions of each subject, bounded. Look and lesson are one call, in the order in
  which accesses happen.
- An access without a score leaves no trail and gets no session score: nothing is made up. What it changed in its
  session is kept all the same, so that a thief gains nothing from a scorer that fails.
- Reasons are those of the access, and what the session so far and the trail add, strongest first.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.risk.groups import alike
from ostiary.risk.look import Known
from ostiary.risk.reasons import MOST_REASONS
from ostiary.risk.session_forest import SessionForest
from ostiary.risk.session_so_far import SessionsSoFar
from ostiary.risk.trail import Trails, step_of
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import Contribution, RiskScore, unavailable

_NEUTRAL: Final = 0.0


class SessionRisk:
    """Judges sessions access by access. Not safe for threads: one stream, one of these."""

    def __init__(self, forest: Callable[[AccessEvent], SessionForest], digest: str) -> None:
        """Take what judges a subject's sessions, and the model's digest."""
        self._forest = forest
        self._digest = digest
        self.trails = Trails()
        self.so_far = SessionsSoFar()

    @property
    def digest(self) -> str:
        """Digest of the model artefact."""
        return self._digest

    def observe(self, event: AccessEvent, history: object, features: Sequence[float], access: RiskScore) -> RiskScore:
        """Return the risk of the event's session with this access in it, and remember the access.

        Args:
            event: the access.
            history: what was known before it.
            features: its feature row.
            access: the score of the access alone.
        """
        told = self._remember(event, history, features, access)
        return told if isinstance(told, RiskScore) else _judged(access, *told, told[0].score(told[1]))

    def observe_all(
        self,
        events: Sequence[AccessEvent],
        histories: Sequence[object],
        features: Sequence[Sequence[float]],
        accesses: Sequence[RiskScore],
    ) -> list[RiskScore]:
        """Return what ``observe`` would for each in turn: what is remembered are risks of accesses, not of sessions."""
        told = [self._remember(*one) for one in zip(events, histories, features, accesses, strict=True)]
        rows = {place: one for place, one in enumerate(told) if not isinstance(one, RiskScore)}
        found = {place: one for place, one in enumerate(told) if isinstance(one, RiskScore)}
        order = list(rows)
        for forest, among in alike([rows[place][0] for place in order]).items():
            places = [order[each] for each in among]
            scores = forest.scores([rows[place][1] for place in places])
            for place, score in zip(places, scores, strict=True):
                found[place] = _judged(accesses[place], *rows[place], score)
        return [found[place] for place in range(len(told))]

    def _remember(
        self, event: AccessEvent, history: object, features: Sequence[float], access: RiskScore
    ) -> tuple[SessionForest, list[float]] | RiskScore:
        """Remember the access; return what judges its session and the row to judge, or why there is no score."""
        if not isinstance(history, Known):
            return unavailable(Reason.RISK_ERROR)
        if access.score is None:
            self.so_far.learn(event, history, _NEUTRAL)
            return unavailable(access.reason)
        forest, step = self._forest(event), step_of(event, history)
        llr = forest.llr(access.score)
        row = forest.row(self.trails.view(step, llr), self.so_far.observe(event, history, llr), features)
        self.trails.learn(step, llr)
        return forest, row

    def judged_by(self, forest: Callable[[AccessEvent], SessionForest], digest: str) -> None:
        """Let another model judge from now on; risks are kept as likelihood ratios, which a new model continues."""
        self._forest, self._digest = forest, digest

    def forget(self, subject: str) -> None:
        """Drop what is remembered of ``type:id``."""
        self.trails.forget(subject)
        self.so_far.forget(subject)


def joined(access: Sequence[Contribution], session: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """Return at most ``MOST_REASONS``: one of the session's own at least, if it has any."""
    kept = access[: MOST_REASONS - min(len(session), 1 if access else MOST_REASONS)]
    return (*kept, *session[: MOST_REASONS - len(kept)])


def _judged(access: RiskScore, forest: SessionForest, row: Sequence[float], score: float) -> RiskScore:
    level = forest.levels.level(score)
    reasons = () if level == "low" else joined(access.contributions, forest.reasons(row))
    return msgspec.structs.replace(access, score=score, level=level, contributions=reasons)
