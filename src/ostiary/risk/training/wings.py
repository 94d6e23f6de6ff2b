"""One wing of a model: the two forests of one group of subjects, their calibration and figures.

1. Three forests that each never saw a third of the subjects judge everything (``folds``); own accesses they are sure
   about are left out of the fits.
2. The access forest is fitted on the earlier part, stopping when the later part gains no more; the later part
   calibrates it and sets its thresholds; then it is grown once more on everything. The forest that serves may put
   many accesses on a slightly other score than the one that was measured, so the higher threshold of both holds.
3. The session forest learns from trails of the folds' risks in the same way, and beside it, of a history that is long
   enough, small networks; what is calibrated and measured is the mean of both.
4. With ``votes`` the forests of disjoint groups of sources stand beside the access forest, which then learns from
   nothing that they find odd; calibration and thresholds are of the higher of both.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.calibration import Calibration
from ostiary.risk.schema import Scaling, Thresholds
from ostiary.risk.session_columns import NAMES as SO_FAR
from ostiary.risk.session_columns import RISING as SO_FAR_RISING
from ostiary.risk.session_net import SessionNets
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.risk.trail import RISING as TRAIL_RISING
from ostiary.risk.training.calibrate import learn_calibration
from ostiary.risk.training.continuity import continued, mapped
from ostiary.risk.training.figures import by_sitting, harder, probabilities, thresholds
from ostiary.risk.training.fit import FitSettings, Fitted, Floats, Ints, Rows, fit, margins
from ostiary.risk.training.folds import Folds, fit_folds, suspects
from ostiary.risk.training.nets import SHARE, enough, net_margins, nets_of
from ostiary.risk.training.prepare import Examples
from ostiary.risk.training.session_rows import Judge, SessionExamples
from ostiary.risk.training.sources import Caps, weights
from ostiary.risk.training.votes import Votes
from ostiary.signals.features import FEATURES, NAMES

MONOTONE: Final = tuple(spec.monotone for spec in FEATURES)
HELD_OUT: Final = 10
_SESSION_FEATURES: Final = 40

Mask = npt.NDArray[np.bool_]


class SessionFit(msgspec.Struct, frozen=True):
    """Parameters of the session forest, beside those of the access forest (ADR-0079, ADR-0084).

    Attributes:
        most_trees, leaves, depth, learning_rate, least_rows: of the trees: few and small, since they only correct.
        lean: share of the access's own risk that they start from, a log-likelihood ratio.
        own_weight: of a row of own behaviour; an impostor's weighs 1. The trees look closest where a row is as likely
            one as the other, and alarms are wanted where one own session in hundreds is flagged.
    """

    most_trees: int = 150
    leaves: int = 12
    depth: int = 8
    learning_rate: float = 0.04
    least_rows: int = 100
    lean: float = 0.5
    own_weight: float = 5.0
    random_cuts: bool = True


class Access(msgspec.Struct, frozen=True):
    """The access forest of a wing.

    Attributes:
        final: grown on everything.
        folds: forests that never saw a third of the subjects.
        table: calibration of the final forest.
        fold_table: calibration of the folds' margins.
        levels: thresholds of one access.
        features: places of the features that sessions see.
        scores: of the later rows, by the forest of the earlier.
        continues: onto the scale of the model before, if there was one.
        votes: the forests of the groups of sources, if there are any.
    """

    final: Fitted
    folds: Folds
    table: Calibration
    fold_table: Calibration
    levels: Thresholds
    features: tuple[int, ...]
    scores: Floats
    continues: Calibration | None = None
    votes: Votes | None = None

    @property
    def judge(self) -> Judge:
        """What judges accesses while sessions are learned."""
        return Judge(self.folds.texts, self.fold_table, self.features)


class Session(msgspec.Struct, frozen=True):
    """The session forest of a wing; ``scores`` and ``kind`` are of the later sittings, ``lean`` as in its schema.

    ``nets`` judge beside it, if the history was long enough for them.
    """

    final: Fitted
    table: Calibration
    levels: Thresholds
    scores: Floats
    kind: npt.NDArray[np.int64]
    unseen: Mask
    lean: float
    nets: SessionNets | None


Before = Callable[[Rows], Floats]
"""Scores of rows by the model that is replaced."""


def fit_access(
    examples: Examples,
    later: Mask,
    settings: FitSettings,
    seed: int,
    prior: float,
    trim_above: float,
    before: Before | None = None,
    *,
    votes: Votes | None = None,
    vote_only: bool = False,
    caps: Caps | None = None,
) -> Access:
    """Return the access forest of ``examples``, with ``votes`` beside it and nobody's rows above ``caps``.

    With ``vote_only`` the votes stand alone, and the forest of everything only words reasons.
    """
    folds = fit_folds(
        examples.rows,
        examples.label,
        examples.subject,
        names=NAMES,
        monotone=MONOTONE,
        settings=settings,
        seed=seed,
    )
    fitting = ~(suspects(folds, examples.label, trim_above) & ~examples.vouched)
    if votes is not None:
        fitting &= ~votes.suspect
    early = fitting & ~later & (examples.subject % HELD_OUT != 0)
    first = _fit(examples, early, settings, seed, later, caps)
    margin = margins(first.text, examples.rows[later], settings.threads)
    label, kind = examples.label[later], examples.kind[later]
    trusted = np.ones(len(label), dtype=np.bool_)
    if votes is not None:
        trusted = votes.trusted
        votes = votes if vote_only else votes.beside(margin, label == 0, prior)
        margin = votes.joined(votes.first, margin)
    table = learn_calibration(margin[trusted], label[trusted], prior)
    scores = probabilities(table, margin)
    continues = None
    if before is not None:
        own = (label == 0) & trusted
        continues = continued(scores[own], before(examples.rows[later][own]), prior)
        scores = mapped(continues, scores)
    final = _fit(examples, fitting, msgspec.structs.replace(settings, most_trees=first.trees), seed, None, caps)
    again = margins(final.text, examples.rows[later], settings.threads)
    serving = probabilities(table, again if votes is None else votes.joined(votes.final, again))
    serving = serving if continues is None else mapped(continues, serving)
    return Access(
        final,
        folds,
        table,
        learn_calibration(folds.margin[later], label, prior),
        harder(thresholds(scores[trusted], kind[trusted]), thresholds(serving[trusted], kind[trusted])),
        tuple(sorted(np.argsort(-np.array(first.gain), kind="stable")[:_SESSION_FEATURES].tolist())),
        scores,
        continues,
        votes,
    )


def _fit(
    examples: Examples, part: Mask, settings: FitSettings, seed: int, later: Mask | None, caps: Caps | None
) -> Fitted:
    watched = None if later is None else (examples.rows[later], examples.label[later])
    label, source, subject = examples.label[part], examples.source[part], examples.subject[part]
    return fit(
        examples.rows[part],
        examples.label[part],
        names=NAMES,
        monotone=MONOTONE,
        settings=settings,
        seed=seed,
        weights=None if caps is None else weights(label, source, subject, caps),
        later=watched,
    )


def fit_session(
    examples: SessionExamples, border_ns: int, features: Sequence[int], settings: FitSettings, seed: int, prior: float
) -> Session:
    """Return the session forest of ``examples``; what came from ``border_ns`` on measures and calibrates."""
    names = (*TRAIL, *SO_FAR, *(NAMES[place] for place in features))
    monotone = (*TRAIL_RISING, *SO_FAR_RISING, *(MONOTONE[place] for place in features))
    own = SessionFit()
    shaped = msgspec.structs.replace(
        settings,
        most_trees=min(own.most_trees, settings.most_trees),
        leaves=min(own.leaves, settings.leaves),
        depth=own.depth,
        learning_rate=own.learning_rate,
        least_rows=max(own.least_rows, settings.least_rows),
        random_cuts=own.random_cuts,
    )
    later = examples.time_ns >= border_ns
    early = ~later & (examples.subject % HELD_OUT != 0)
    beside = enough(examples.label[early])  # what serves is of the same parts as what was measured
    risk = examples.rows[:, TRAIL.index("trail_llr")].astype(np.float64)

    def grown(part: Mask) -> tuple[Fitted, SessionNets | None]:
        rows, label = examples.rows[part], examples.label[part]
        weight = np.where(label == 0, own.own_weight, 1.0)
        offset = own.lean * risk[part] + _log_odds(weight, label)
        forest = fit(
            rows, label, names=names, monotone=monotone, settings=shaped, seed=seed, weights=weight, offset=offset
        )
        return forest, nets_of(rows, label, names, monotone, settings, seed) if beside else None

    def told(forest: Fitted, nets: SessionNets | None) -> Floats:
        rows = examples.rows[later]
        trees = margins(forest.text, rows, settings.threads) + own.lean * risk[later]
        return trees if nets is None else (1 - SHARE) * trees + SHARE * net_margins(nets, names, rows)

    margin = told(*grown(early))
    scores, kind = by_sitting(margin, examples.kind[later], examples.sitting[later])
    table = learn_calibration(scores, (kind > 0).astype(np.int64), prior)
    calibrated = probabilities(table, scores)
    held_out, _ = by_sitting(
        (examples.subject[later] % HELD_OUT == 0).astype(np.float64), examples.kind[later], examples.sitting[later]
    )
    final, nets = grown(np.ones(len(later), dtype=np.bool_))
    again, _ = by_sitting(told(final, nets), examples.kind[later], examples.sitting[later])
    levels = harder(thresholds(calibrated, kind), thresholds(probabilities(table, again), kind))
    return Session(final, table, levels, calibrated, kind, held_out > 0, own.lean, nets)


def _log_odds(weight: Floats, label: Ints) -> float:
    """Return the weighed log-odds of an impostor, where the trees start from; one class alone starts from none."""
    impostors, own = float(weight[label == 1].sum()), float(weight[label == 0].sum())
    return float(np.log(impostors / own)) if impostors and own else 0.0


def scaling_of(access: Access, session: Session) -> Scaling:
    """Return calibration and thresholds of both forests."""
    return Scaling(access.table, access.levels, session.levels, session.table, access.continues)
