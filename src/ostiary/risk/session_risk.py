"""Session risk: judged anew at each access, from the session so far and the sittings before it.

- It remembers: a trail for each subject, bounded. Look and lesson are one call, in the order in which accesses happen.
- An access without a score leaves no mark and gets no session score: nothing is made up.
- Reasons are those of the session's riskiest access so far, and what the trail adds.
"""

from collections.abc import Callable, Sequence

import msgspec

from ostiary.risk.reasons import MOST_REASONS
from ostiary.risk.session_forest import SessionForest
from ostiary.risk.trail import Trails, step_of
from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import RiskScore, unavailable


class SessionRisk:
    """Judges sessions access by access. Not safe for threads: one stream, one of these."""

    def __init__(self, forest: Callable[[AccessEvent], SessionForest], digest: str) -> None:
        """Take what judges a subject's sessions, and the model's digest."""
        self._forest = forest
        self._digest = digest
        self._trails = Trails()

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
        if access.score is None:
            return unavailable(access.reason)
        if not isinstance(history, History):
            return unavailable(Reason.RISK_ERROR)
        forest, step = self._forest(event), step_of(event, history)
        llr = forest.llr(access.score)
        row = forest.row(self._trails.view(step, llr), features)
        self._trails.learn(step, llr)
        score = forest.score(row)
        level = forest.levels.level(score)
        reasons = () if level == "low" else (*access.contributions[: MOST_REASONS - 1], *forest.reasons(row))
        return msgspec.structs.replace(access, score=score, level=level, contributions=reasons)

    def forget(self, subject: str) -> None:
        """Drop what is remembered of ``type:id``."""
        self._trails.forget(subject)
