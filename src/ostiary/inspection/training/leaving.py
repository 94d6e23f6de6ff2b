"""Leave-source-out from begin to end: fit every fold, choose the mix of the two models, tell figures by source.

- The mix, one number a channel, is chosen by the mean recall over left-out sources: the one thing that the figures
  themselves decide, of five tries. Nothing else was chosen on them.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.inspection.training import alike, folds, run
from ostiary.inspection.training.encoder import DATA, USER, Piece
from ostiary.inspection.training.folds import Channel, Found
from ostiary.inspection.training.places import Places
from ostiary.inspection.training.recipe import MANY
from ostiary.inspection.training.scoring import Encode
from ostiary.inspection.training.stack import Mix

Progress = Callable[[str], None]

SHARES: Final = (0.0, 0.25, 0.5, 1.0, 2.0)
"""How much the linear margin may count beside the encoder's, which counts one."""


class Left(msgspec.Struct, frozen=True):
    """Figures of one channel.

    Attributes:
        recall, area: means over the left-out sources.
        notinject: share of NotInject that passes at the same line; 1 where it does not apply.
        share: of the linear margin beside the encoder; negative where there was no encoder.
        times: how much the likeness counted in each fold; empty where there is none.
        sources: by source.
    """

    recall: float
    area: float
    notinject: float
    share: float
    sources: dict[str, Found]
    times: tuple[float, ...] = ()


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """Figures of both channels, and of data where short texts draw the line too, and without its likeness."""

    user: Left
    data: Left
    data_with_short: Left | None = None
    data_without_likeness: Left | None = None


def leave_source_out(where: Places, progress: Progress, *, with_encoder: bool) -> Report:
    """Return the figures by leave-source-out; with the encoder only what is kept is not fitted again."""
    said = seen(where, progress, with_encoder=with_encoder)
    user, data = ([one[head] for one in said] for head in (USER, DATA))
    figures = (best(user, USER, with_encoder=with_encoder), best(data, DATA, with_encoder=with_encoder))
    if not with_encoder:
        return Report(*figures)
    bare = [msgspec.structs.replace(one, likeness=None) for one in data]
    short = left(data, DATA, figures[1].share, short=True)
    return Report(*figures, short, best(bare, DATA, with_encoder=True))


def seen(where: Places, progress: Progress, *, with_encoder: bool) -> list[dict[int, Channel]]:
    """Return what the models of every fold say."""
    pieces = run.all_pieces(where)

    def fit(name: str, kept: Sequence[Piece]) -> Encode | None:
        return run.fold_encoder(where, name, kept) if with_encoder else None

    documents = alike.documents(where) if with_encoder else {}
    return [folds.run(fold, pieces, where.texts, fit, documents, progress) for fold in folds.FOLDS]


def best(channels: Sequence[Channel], head: int, *, with_encoder: bool) -> Left:
    """Return the figures of the mix with the greatest mean recall."""
    if not with_encoder:
        return _left(channels, head, Mix((1.0, 0.0), (1.0, 0.0, 0.0)), -1.0)
    return max((left(channels, head, share) for share in SHARES), key=lambda one: one.recall)


def left(channels: Sequence[Channel], head: int, share: float, *, short: bool = False) -> Left:
    """Return the figures of a mix; with ``short`` single sentences and pairs draw the line too."""
    return _left(channels, head, Mix((1.0, 0.0), (share, 1.0, 0.0)), share, short=short)


def _left(channels: Sequence[Channel], head: int, mix: Mix, share: float, *, short: bool = False) -> Left:
    found, passed = folds.figures(channels, mix, many=MANY[head], short=short)
    times = tuple(one.likeness.times for one in channels if one.likeness)
    return Left(*folds.macro(found), passed, share, found, times)
