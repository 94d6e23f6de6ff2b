"""Sets anew by how much long texts are lowered, for weights that are there: nothing is fitted.

- Ordinary texts of the threshold sources are put together to every length and judged by the program itself, rules
  and all: a text of twenty sentences has twenty chances to sound like an attack, and no more than one and a half in a
  hundred may be blocked, whatever their length.
- Attacks move nothing.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.thresholds import ChannelNumbers
from ostiary.inspection.training.sets import LENGTHS, long_texts
from ostiary.inspection.training.shipped import scores
from ostiary.vocabulary.inspecting import PromptInspector
from ostiary.vocabulary.labels import Channel

Floats = npt.NDArray[np.float64]

EACH: Final = 300
SEED: Final = 21
SHARE: Final = 0.9875
"""Of ordinary texts that lie below the line: a quarter of a point more than must, since other texts differ."""
_SURE: Final = 1e-9


def relined(
    inspector: PromptInspector, channel: Channel, numbers: ChannelNumbers, clean: Mapping[str, Sequence[str]]
) -> ChannelNumbers:
    """Return the numbers of a channel with the buckets of ``LENGTHS`` lowered as much as they need."""
    pool = [text for texts in clean.values() for text in texts]
    made = long_texts(pool, np.random.default_rng(SEED), EACH)
    return lowered(numbers, {least: np.quantile(scores(inspector, made[least], channel), SHARE) for least in LENGTHS})


def lowered(numbers: ChannelNumbers, highest: Mapping[int, float]) -> ChannelNumbers:
    """Return the numbers under which the ``highest`` ordinary score of each length lies on the line, or below it.

    Longer texts are lowered at least as much as shorter ones. What a language adds stays.

    >>> calm = ChannelNumbers("", 0.0, 1.0, lengths=(500,), offsets={"": (0.0, 1.0), "de": (0.5, 1.5)}, spread=2.0)
    >>> told = lowered(calm, {500: 0.3, 1000: 0.8})
    >>> told.lengths, [round(one, 2) for one in told.offsets[""]], round(told.offsets["de"][0], 2)
    ((500, 1000), [0.0, 0.0, 3.77], 0.5)
    """
    plain = numbers.offset("", 0)
    needed = [
        max(0.0, numbers.offset("", least) - plain + numbers.spread * _odds(score)) for least, score in highest.items()
    ]
    rising = (0.0, *accumulate(needed, max))
    rows = {name: tuple(round(row[0] + one, 3) for one in rising) for name, row in numbers.offsets.items()}
    return msgspec.structs.replace(numbers, lengths=tuple(highest), offsets=rows)


def _odds(score: float) -> float:
    sure = min(1 - _SURE, max(_SURE, float(score)))
    return float(np.log(sure / (1 - sure)))
