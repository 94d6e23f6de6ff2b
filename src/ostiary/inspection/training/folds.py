"""Leave-source-out: the sources in folds of families; what is measured in a fold was left out of its fit, whole.

- Every labelled source is left out once. One operating point a channel for all: the line is drawn on clean texts of
  sources that never teach, and no measured source moves it.
- The encoder is fitted once a fold; what both models say of every text is kept, so that mixes are tried on one fit.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.likeness import Likeness
from ostiary.inspection.training import alike, linear, sets
from ostiary.inspection.training.encoder import DATA, USER, Piece
from ostiary.inspection.training.measure import above, area, threshold_at
from ostiary.inspection.training.recipe import left_over
from ostiary.inspection.training.scoring import Encode, all_seen
from ostiary.inspection.training.sources import SOURCES
from ostiary.inspection.training.stack import Mix, Seen, text_odds

Floats = npt.NDArray[np.float64]
SeenSets = dict[str, list[Seen]]
Progress = Callable[[str], None]
FitEncoder = Callable[[str, Sequence[Piece]], Encode | None]
"""Given a name and pieces, returns the fitted encoder; ``None`` where none can be fitted."""


class Fold(msgspec.Struct, frozen=True):
    """Families that are left out together."""

    name: str
    families: frozenset[str]


FOLDS: Final = (
    Fold("documents", frozenset({"bipia", "injecagent", "promptscreen", "pif", "deepset", "compass_ctf", "hinglish"})),
    Fold("wild", frozenset({"tasktracker", "cyberseceval_pi", "wild", "optimised", "bastioncorpus"})),
)
EVERYWHERE: Final = ("requests_inside",)
"""Sets made of sources that never teach: measured in the first fold."""

SHORT: Final = ("llmail_benign", "oasst_answers")
"""Clean documents whose sentences are told alone and in pairs: a line drawn on documents hides them."""

_GREY: Final = (-np.inf, np.inf)


class Channel(msgspec.Struct, frozen=True):
    """What the models of one fold say on one channel: of left-out attacks, of clean texts, of hard ones.

    ``likeness`` is what its training sources chose.
    """

    attacks: SeenSets
    clean: SeenSets
    hard: SeenSets
    likeness: Likeness | None = None


class Found(msgspec.Struct, frozen=True):
    """How a left-out source was met.

    Attributes:
        texts: how many.
        recall: share found at one clean text in a hundred.
        area: under the ROC curve against the clean texts.
    """

    texts: int
    recall: float
    area: float


def left_out(pieces: Sequence[Piece], fold: Fold) -> list[Piece]:
    """Return the pieces that a fold may learn from."""
    return [piece for piece in pieces if not _is_left_out(piece.source, fold)]


def _is_left_out(source: str, fold: Fold) -> bool:
    known = SOURCES.get(source)
    return known is not None and known.family in fold.families


def run(
    fold: Fold,
    pieces: Sequence[Piece],
    folder: Path,
    fit: FitEncoder,
    documents: Mapping[str, Sequence[str]],
    progress: Progress,
) -> dict[int, Channel]:
    """Return what the models of a fold say, by head; ``documents`` of training sources choose its likeness."""
    kept = left_out(pieces, fold)
    encode = fit(fold.name, kept)
    found = {}
    for head, attacks, clean in (
        (USER, sets.user_attacks(folder), sets.user_clean(folder)),
        (DATA, sets.data_attacks(folder), sets.data_clean(folder)),
    ):
        mine = [piece for piece in kept if piece.head == head]
        model = linear.fit(mine, [piece.weight for piece in mine])
        hard = {"notinject": sets.notinject(folder)} if head == USER else {}
        held = {name: texts for name, texts in attacks.items() if _measured_in(name, fold)}
        progress(f"fold {fold.name}, head {head}: {len(mine)} pieces taught, {len(held)} sources left out")
        said = [all_seen(part, head, model, encode) for part in (held, clean, hard)]
        likeness = None
        if head == DATA and encode:
            taught = {name: texts for name, texts in documents.items() if not _is_left_out(name, fold)}
            likeness = alike.chosen(taught, left_over(kept), model, encode, progress)
        found[head] = Channel(said[0], said[1], said[2], likeness)
    return found


def _measured_in(name: str, fold: Fold) -> bool:
    if name in EVERYWHERE:
        return fold is FOLDS[0]
    return SOURCES[name.partition(".")[0]].family in fold.families


def figures(
    folds: Sequence[Channel], mix: Mix, *, many: float, grey: tuple[float, float] = _GREY, short: bool = False
) -> tuple[dict[str, Found], float]:
    """Return every left-out source's figures, and the share of hard ordinary texts that pass.

    With ``short`` no more than one in a hundred single sentences of ``SHORT`` lies above the line either, nor of pairs.
    """
    found: dict[str, Found] = {}
    passed = []
    for channel in folds:

        def odds(seen: Mapping[str, Sequence[Seen]], of: Channel = channel) -> dict[str, Floats]:
            return {name: text_odds(one, mix, many=many, grey=grey, likeness=of.likeness) for name, one in seen.items()}

        clean = odds(channel.clean)
        line = threshold_at(clean)
        if short:
            brief = odds(alike.briefs({name: channel.clean[name] for name in SHORT}))
            line = max(line, *(threshold_at({name: scores}) for name, scores in brief.items()))
        pooled = np.concatenate(list(clean.values()))
        for name, scores in odds(channel.attacks).items():
            found[name] = Found(len(scores), above(scores, line), area(scores, pooled))
        passed += [1 - above(scores, line) for scores in odds(channel.hard).values()]
    return found, float(np.mean(passed)) if passed else 1.0


def macro(found: Mapping[str, Found]) -> tuple[float, float]:
    """Return mean recall and mean area over sources; parts of one source count as one."""
    by_source: dict[str, list[Found]] = {}
    for name, one in found.items():
        by_source.setdefault(name.partition(".")[0], []).append(one)
    recalls = [np.mean([one.recall for one in parts]) for parts in by_source.values()]
    areas = [np.mean([one.area for one in parts]) for parts in by_source.values()]
    return float(np.mean(recalls)), float(np.mean(areas))
