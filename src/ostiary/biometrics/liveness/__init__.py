"""Liveness: replays of what a person did before, and behaviour that no person made.

>>> from ostiary.biometrics.window import Modality, window_of
>>> typed = window_of(Modality.KEYSTROKE, [[k * 140 + k * k, k * 140 + k * k + 80 + k % 5, 1] for k in range(12)])
>>> liveness(typed, [typed])
0.0
"""

from ostiary.biometrics.liveness.history import Growing, History, Seen
from ostiary.biometrics.liveness.prints import Prints, prints_of
from ostiary.biometrics.liveness.verdict import LIVE, Seeing, Verdict, judged, liveness, seeing

__all__ = [
    "LIVE",
    "Growing",
    "History",
    "Prints",
    "Seeing",
    "Seen",
    "Verdict",
    "judged",
    "liveness",
    "prints_of",
    "seeing",
]
