"""What both models say of the pieces of a text, before they are mixed: asked once, whatever is tried later.

- What is measured is read as the program reads it, every encoding undone: the worst reading counts. Rules are left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.pieces import sentences, windows
from ostiary.inspection.prompt.cascade import MAX_ASKED
from ostiary.inspection.prompt.readings import readings
from ostiary.inspection.text import normalise
from ostiary.inspection.training.encoder import USER, Told
from ostiary.inspection.training.linear import Linear
from ostiary.inspection.training.stack import MOST_ASKED, Asked, Seen
from ostiary.inspection.unwrapping import plain_words

Floats = npt.NDArray[np.float64]
Encode = Callable[[Sequence[str], int], Told]
"""Returns what the encoder tells of texts for one head."""


def pieces_of(text: str, head: int) -> list[str]:
    """Return the pieces of a normalised text as the detector cuts it."""
    spans = windows(text) if head == USER else sentences(text)
    return [text[start:end] for start, end in spans] or [text]


def read(text: str) -> list[str]:
    """Return the readings of a normalised text as the program judges them, first as it is; no rule is asked."""
    every = list(readings(normalise(text)))
    plain = [one.text if len(every) == 1 else _words(one.text) for one in every]
    return [one for one in plain if one.strip()] or [text]


def _words(text: str) -> str:
    words = plain_words(text)
    return text if words is None else words


def seen(texts: Sequence[str], head: int, linear: Linear, encode: Encode | None) -> list[Seen]:
    """Return what both models say of every piece; the encoder is asked of the worst ``MOST_ASKED`` of a text only."""
    return _seen(texts, [MOST_ASKED] * len(texts), head, linear, encode)


def all_seen(
    sets: Mapping[str, Sequence[str]], head: int, linear: Linear, encode: Encode | None
) -> dict[str, list[Seen]]:
    """Return the same for every set, each text in all its readings (``read``)."""
    return {name: _every_reading(texts, head, linear, encode) for name, texts in sets.items()}


def _every_reading(texts: Sequence[str], head: int, linear: Linear, encode: Encode | None) -> list[Seen]:
    every = [read(text) for text in texts]
    flat = [reading for one in every for reading in one]
    most = [left for one in every for left in _shares([len(pieces_of(reading, head)) for reading in one])]
    told = iter(_seen(flat, most, head, linear, encode))
    found = [[next(told) for _ in one] for one in every]
    return [msgspec.structs.replace(one[0], others=tuple(one[1:])) for one in found]


def _shares(pieces: Sequence[int]) -> Iterator[int]:
    """Yield how many pieces of each reading the encoder may be asked about: no text buys more than ``MAX_ASKED``."""
    left = MAX_ASKED
    for count in pieces:
        yield min(MOST_ASKED, left)
        left -= min(MOST_ASKED, left, count)


def _seen(texts: Sequence[str], most: Sequence[int], head: int, linear: Linear, encode: Encode | None) -> list[Seen]:
    cut = [pieces_of(text, head) for text in texts]
    margins = [linear.margins(pieces) for pieces in cut]
    found = [Seen(one, np.full(len(one), -20.0), most=limit) for one, limit in zip(margins, most, strict=True)]
    if encode is None:
        return found
    asked = [(at, int(piece)) for at, one in enumerate(found) for piece in np.argsort(-one.margins)[: one.most]]
    told = encode([cut[at][piece] for at, piece in asked], head)
    for (at, piece), said in zip(asked, told.odds, strict=True):
        found[at].encoded[piece] = said
    return found if head == USER else _placed(found, cut, asked, told)


def _placed(found: list[Seen], cut: list[list[str]], asked: list[tuple[int, int]], told: Told) -> list[Seen]:
    """Return the same with the sentences that were asked about and their places."""
    counts = [min(len(one.margins), one.most) for one in found]
    placed = []
    for at, (one, end, count) in enumerate(zip(found, np.cumsum(counts), counts, strict=True)):
        part = slice(end - count, end)
        pieces = [piece for _, piece in asked[part]]
        texts = tuple(cut[at][piece] for piece in pieces)
        whole = Asked(np.array(pieces), texts, told.places[part]) if pieces else None
        placed.append(msgspec.structs.replace(one, asked=whole))
    return placed
