"""What people said of decisions, joined with what the models proposed there: the ground that precision stands on.

- Verdicts are read from the log (kind ``feedback``) from where the last look ended; a later verdict on the same
  decision replaces the earlier one, and one on the decision itself stands before one on its session.
- A table of verdicts (``risk.verdicts``: event_id, label) does as well; an event's id is its decision's.
- Bounded: the newest ``most`` are kept.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import msgspec

from ostiary.audit import AuditLog
from ostiary.decision.shadow import comparable, enforced
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.effects import Control
from ostiary.vocabulary.unreadable import UNREADABLE
from ostiary.vocabulary.verdicts import DecisionRecord

FEEDBACK: Final = "feedback"
_HARMFUL: Final = {"confirm": True, "dismiss": False, "safe": False}
_DECISION: Final = "decision:"


class Said(msgspec.Struct, frozen=True):
    """One verdict on a decision: ``harmful`` is ``None`` for an unknown word, ``exact`` when it names the decision."""

    decision_id: str
    harmful: bool | None
    exact: bool = True


class Judged(msgspec.Struct, frozen=True):
    """A decision that somebody judged.

    Attributes:
        decision_id, at_ns: which, and when it was made.
        harmful: whether it was no honest access.
        reach: controls through which the models would have acted.
        score: the model's, when it had one.
    """

    decision_id: str
    at_ns: int
    harmful: bool
    reach: frozenset[Control]
    score: float | None


class Verdicts(Protocol):
    """Where verdicts come from, oldest first."""

    def after(self, tenant: str, cursor: int) -> tuple[list[Said], int]:
        """Return what was said from ``cursor`` on, and the next cursor."""
        ...


class _Feedback(msgspec.Struct):
    target: str = ""
    verdict: str = ""
    events: tuple[str, ...] = ()


class _Kept(msgspec.Struct):
    feedback: _Feedback


class LoggedVerdicts:
    """Verdicts as the log has them."""

    def __init__(self, log: AuditLog) -> None:
        """Read ``log``."""
        self._log = log

    def after(self, tenant: str, cursor: int) -> tuple[list[Said], int]:
        """Return what was said from a place in the log on."""
        found: list[Said] = []
        for stored in self._log.iterate(tenant, FEEDBACK, cursor):
            cursor = stored.index + 1
            found += _said(stored.payload)
        return found, cursor


class JudgedBook:
    """Judged decisions by tenant, read on from where the last look ended; used by one thread at a time."""

    def __init__(self, log: AuditLog, verdicts: Verdicts, most: int) -> None:
        """Take where decisions and verdicts are, and how many are kept."""
        self._log, self._verdicts, self._most = log, verdicts, most
        self._cursor: dict[str, int] = {}
        self._known: dict[str, dict[str, tuple[Said, Judged | None]]] = {}

    def within(self, tenant: str, since_ns: int, until_ns: int) -> list[Judged]:
        """Return the judged decisions that were made in ``[since_ns, until_ns)``."""
        said, self._cursor[tenant] = self._verdicts.after(tenant, self._cursor.get(tenant, 0))
        known = self._known.setdefault(tenant, {})
        for one in said[-self._most :]:
            before = known.get(one.decision_id)
            if outranks(one, before[0] if before else None):
                known.pop(one.decision_id, None)
                known[one.decision_id] = (one, judged(self._log, tenant, one))
        while len(known) > self._most:
            del known[next(iter(known))]
        return [one for _, one in known.values() if one is not None and since_ns <= one.at_ns < until_ns]


def outranks(said: Said, before: Said | None) -> bool:
    """Return whether a verdict counts instead of the one before it.

    >>> outranks(Said("dec_1", True, exact=False), Said("dec_1", False))
    False
    """
    return before is None or said.exact or not before.exact


def judged(log: AuditLog, tenant: str, said: Said) -> Judged | None:
    """Return a judged decision; ``None`` when the log has no such decision, or none any more."""
    stored = log.get(tenant, said.decision_id)
    if stored is None or stored.payload is None or stored.kind != "decision" or said.harmful is None:
        return None
    record = msgspec.json.decode(stored.payload, type=DecisionRecord)
    if not comparable(record):
        return None
    side = enforced(record)
    return Judged(said.decision_id, record.receipt.received_ns, said.harmful, frozenset(side.reach), side.score)


def calibration_error(found: Iterable[Judged]) -> float | None:
    """Return how far scores are from what people found, on average; ``None`` without any.

    Who is judged is chosen by the score, and that alone makes a calibrated score no less calibrated.
    """
    scored = [(one.score, int(one.harmful)) for one in found if one.score is not None]
    if not scored:
        return None
    import numpy as np  # noqa: PLC0415 - an extra

    from ostiary.risk.measure.reliability import reliability  # noqa: PLC0415

    bands = reliability(np.array([score for score, _ in scored]), np.array([truth for _, truth in scored]))
    return sum(band.rows * abs(band.predicted - band.seen) for band in bands) / len(scored)


def _said(payload: bytes | None) -> Iterator[Said]:
    if payload is None:  # it was erased with its subject
        return
    try:
        told = msgspec.json.decode(payload, type=_Kept).feedback
    except UNREADABLE as fault:
        raise FaultyInputError("feedback_malformed", "a record of feedback cannot be read") from fault
    harmful, exact = _HARMFUL.get(told.verdict), told.target.startswith(_DECISION)
    names = (told.target.removeprefix(_DECISION),) if exact else told.events
    yield from (Said(name, harmful, exact) for name in names)
