"""How long until somebody else is noticed: ANIA and ANGA (Mondal & Bours) at a stated session false-alarm rate.

- A session is its scores in order, one a judgement; the first score below the threshold is an alarm and ends it.
- The threshold is the highest at which at most ``rate`` of the genuine sessions have an alarm.
- ANGA: actions of genuine sessions up to their alarm or end, over the alarms. ANIA: mean actions until the alarm in the
  impostor sessions that have one; ``caught`` says how many have.

>>> import numpy as np
>>> honest, other = [np.array([2.0, 1.0]), np.array([3.0, 0.5])], [np.array([2.0, 0.0]), np.array([4.0])]
>>> detection(honest, other, rate=0.0, actions=10)
Detection(threshold=0.5, caught=0.5, ania=20.0, anga=None, alarmed=0.0)
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats


class Detection(msgspec.Struct, frozen=True):
    """How soon somebody else is noticed.

    Attributes:
        threshold: below it is an alarm.
        caught: share of impostor sessions with an alarm.
        ania: mean actions until that alarm; ``None`` when nobody was caught.
        anga: genuine actions an alarm; ``None`` when there was none.
        alarmed: share of genuine sessions with an alarm.
    """

    threshold: float
    caught: float
    ania: float | None
    anga: float | None
    alarmed: float


def detection(genuine: Sequence[Floats], impostor: Sequence[Floats], rate: float, actions: float = 1.0) -> Detection:
    """Return how soon impostor sessions are caught where at most ``rate`` of the genuine ones have an alarm.

    Args:
        genuine: scores in order of each session of the person themselves; each has one at least.
        impostor: the same of others.
        rate: the most genuine sessions with an alarm, as a share.
        actions: how many actions (keys, pointer events, commands) a judgement stands for.
    """
    lowest = np.sort([session.min() for session in genuine])
    threshold = float(lowest[min(int(rate * len(lowest)), len(lowest) - 1)])
    honest, others = [first_alarm(one, threshold) for one in genuine], [first_alarm(one, threshold) for one in impostor]
    false = sum(when is not None for when in honest)
    walked = sum(len(one) if when is None else when for one, when in zip(genuine, honest, strict=True))
    found = [when for when in others if when is not None]
    return Detection(
        threshold=threshold,
        caught=len(found) / len(others) if others else 0.0,
        ania=float(np.mean(found)) * actions if found else None,
        anga=walked * actions / false if false else None,
        alarmed=false / len(honest),
    )


def first_alarm(session: Floats, threshold: float) -> int | None:
    """Return how many judgements a session had when it was first below the threshold; nothing when it never was."""
    below = np.flatnonzero(session < threshold)
    return int(below[0]) + 1 if len(below) else None
