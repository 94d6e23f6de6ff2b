"""The figures that every report gives, of one set of trials."""

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.measure.calibrated import cllr
from ostiary.biometrics.measure.rates import Flags, auc, eer, fnmr_at_fmr, per_user_auc, per_user_eer
from ostiary.biometrics.window import Floats


class Figures(msgspec.Struct, frozen=True):
    """How trials came out; shares, not percent; ``None`` where nothing could be measured.

    Attributes:
        people: whose templates were tried.
        genuine, impostor: how many trials of each kind gave a score.
        unjudged: how many gave none.
        per_user_eer: mean of the people's own equal error rates.
        global_eer: equal error rate at one threshold for everybody.
        fnmr_at_fmr_1: genuine trials rejected where 1 % of the impostors' are accepted, at one threshold.
        auc: of all trials together.
        per_user_auc: mean of the people's own.
        cllr: of the calibrated ratios, in bits.
    """

    people: int
    genuine: int
    impostor: int
    unjudged: int
    per_user_eer: float | None
    global_eer: float | None
    fnmr_at_fmr_1: float | None
    auc: float | None
    per_user_auc: float | None
    cllr: float | None = None


def figures(scores: Floats, same: Flags, users: npt.NDArray[np.int64], llrs: Floats | None = None) -> Figures:
    """Return the figures of trials ``[n]``.

    Args:
        scores: one a trial, NaN where there was too little to judge.
        same: whether the trial was of the person themselves.
        users: number of the person whose template was tried.
        llrs: the calibrated ratios, where there are any.
    """
    fine = np.isfinite(scores)
    one, other = scores[fine & same], scores[fine & ~same]
    return Figures(
        people=len(np.unique(users[fine])),
        genuine=len(one),
        impostor=len(other),
        unjudged=int((~fine).sum()),
        per_user_eer=_known(per_user_eer(scores, same, users)),
        global_eer=_known(eer(one, other)),
        fnmr_at_fmr_1=_known(fnmr_at_fmr(one, other)),
        auc=_known(auc(one, other)),
        per_user_auc=_known(per_user_auc(scores, same, users)),
        cllr=None if llrs is None else _known(cllr(llrs[same], llrs[~same])),
    )


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
