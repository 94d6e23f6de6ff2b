"""How well people are told apart: error rates, ranking, calibration, time to detect; all in plain numpy.

- A *genuine* trial compares a person's window with their own template, an *impostor* trial with somebody else's.
- More score is likelier the same person; a trial is accepted when its score is at or above the threshold.
- Scores that are not finite judge nothing and are left out; how many were is for the caller to tell.
"""

from ostiary.biometrics.measure.calibrated import cllr
from ostiary.biometrics.measure.detection import Detection, detection
from ostiary.biometrics.measure.figures import Figures, figures
from ostiary.biometrics.measure.rates import auc, det_points, eer, fnmr_at_fmr, per_user_auc, per_user_eer

__all__ = [
    "Detection",
    "Figures",
    "auc",
    "cllr",
    "det_points",
    "detection",
    "eer",
    "figures",
    "fnmr_at_fmr",
    "per_user_auc",
    "per_user_eer",
]
