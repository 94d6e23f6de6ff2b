"""Which decisions profiles may learn from: quiet ones, and those whose subject had just proved who it is.

- Quiet: neither the access nor its session looked risky, and the subject does not drift. Without a model nothing looks
  risky, and profiles learn all the same.
- Who signed in with a second factor within ``FRESH_S`` teaches even what looked odd: else nobody's new habit could ever
  become one.
- The same rule reads a decision just made and one read back from the log, so that a restart learns nothing else.
- A decision that waits to be learned is kept without what only its answer needed (``lesson_of``): some 21 kB, not 30.

>>> may_teach(Learnable(event=None))
False
"""

from concurrent.futures import Future
from typing import Any, Final

import msgspec

from ostiary.decision.parts import Decided
from ostiary.defence.guarding import NOT_ASKED
from ostiary.vocabulary.events import AccessEvent

FRESH_S: Final = 300.0
_QUIET: Final = frozenset({"low", "unknown"})


class _Level(msgspec.Struct, frozen=True):
    level: str = "unknown"


class _Alarm(msgspec.Struct, frozen=True):
    alarm: bool = False


class _Input(msgspec.Struct, frozen=True):
    drift: _Alarm = _Alarm()


class Learnable(msgspec.Struct, frozen=True):
    """The part of a decision record that profiles learn from."""

    event: AccessEvent | None = None
    risk: _Level | None = None
    session_risk: _Level | None = None
    input: _Input | None = None


decode = msgspec.json.Decoder(Learnable).decode


def may_teach(told: Learnable) -> bool:
    """Return whether the decision's event may become a habit."""
    event = told.event
    if event is None:
        return False
    if told.input is not None and told.input.drift.alarm:
        return False
    quiet = all(risk is None or risk.level in _QUIET for risk in (told.risk, told.session_risk))
    return quiet or is_proven(event)


def is_proven(event: AccessEvent) -> bool:
    """Return whether the subject had just proved who it is, with more than a password."""
    age = event.auth_age_s
    return event.mfa is True and age is not None and 0 <= age <= FRESH_S


def lesson_of(decided: Decided) -> Decided:
    """Return a decision as it waits to be learned: what learning and its session's judge read, and nothing else."""
    moment = decided.moment
    return msgspec.structs.replace(
        decided,
        record=msgspec.structs.replace(decided.record, features=b""),  # the moment has them as numbers
        answer={},
        durable=_DONE,
        laps={},
        moment=None if moment is None else msgspec.structs.replace(moment, probing=NOT_ASKED),
        asked=None,
    )


def teaches_of(decided: Decided) -> bool:
    """Return whether a decision just made may teach; without an event nothing of it is read."""
    return decided.event is not None and may_teach(learnable_of(decided))


def learnable_of(decided: Decided) -> Learnable:
    """Return the same of a decision just made."""
    record = decided.record
    levels = [None if risk is None else _Level(risk.level) for risk in (record.risk, record.session_risk)]
    return Learnable(decided.event, levels[0], levels[1], msgspec.json.decode(record.input, type=_Input))


def _done() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(None)
    return future


_DONE: Final = _done()
