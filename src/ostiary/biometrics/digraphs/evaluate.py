"""One log against one log: every log of a person enrols alone, and every other log is tried against it."""

from collections.abc import Sequence

import msgspec
import numpy as np

from ostiary.biometrics.measure import Figures, figures
from ostiary.biometrics.model import Model
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Floats, Window


class Pairs(msgspec.Struct, frozen=True):
    """Scores of pairs, whose template was tried, whether it was the person's own, and the calibrated ratio."""

    scores: Floats
    users: Floats
    same: Floats
    llrs: Floats

    @property
    def figures(self) -> Figures:
        """The figures of the pairs."""
        return figures(self.scores, self.same > 0, self.users.astype(np.int64), self.llrs)


def pairs(model: Model, rows: Sequence[Row], probes: Sequence[Window] | None = None, enrolled: int = 1) -> Pairs:
    """Return every pair of a template and a log.

    Args:
        model: what judges.
        rows: logs of people.
        probes: what stands for each of ``rows`` when it is tried (a part of it, say); itself without.
        enrolled: of how many logs a template is made: the one, and those of the person that follow it, in a ring.
    """
    embedded = model.embed([row.window for row in rows])
    tried = embedded if probes is None else model.embed(probes)
    names = sorted({row.subject for row in rows})
    people = np.array([names.index(row.subject) for row in rows])
    parts = []
    for at, who in enumerate(people):
        own = np.flatnonzero(people == who)
        ring = np.roll(own, -int(np.flatnonzero(own == at)[0]))[:enrolled]
        if not np.isfinite(embedded[ring, 0]).any() or len(ring) < enrolled:
            continue
        others = np.setdiff1d(np.arange(len(rows)), ring)
        template = model.enrol(embedded[ring])
        scores = model.scores(template, tried[others])
        llrs = np.array([model.llr(float(score), template.windows, 1) for score in scores])
        parts.append(Pairs(scores, np.full(len(others), float(who)), (people[others] == who).astype(np.float64), llrs))
    columns = zip(*(msgspec.structs.astuple(part) for part in parts), strict=True)
    return Pairs(*(np.concatenate(column) for column in columns))


def shortened(window: Window, values: int, luck: np.random.Generator) -> Window:
    """Return a log of so many values, drawn from all of a log's."""
    content = window.content if isinstance(window.content, dict) else {}
    names = [name for name, some in content.items() for _ in some]
    drawn = np.sort(luck.permutation(len(names))[:values])
    every = [value for some in content.values() for value in some]
    kept: dict[str, list[float]] = {}
    for place in drawn:
        kept.setdefault(names[place], []).append(every[place])
    return Window(window.modality, {name: tuple(some) for name, some in kept.items()})
