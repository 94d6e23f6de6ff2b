"""What both models say of the pieces of a text, before they are mixed: asked once, whatever is tried later."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.pieces import sentences, windows
from ostiary.inspection.training.encoder import USER, Told
from ostiary.inspection.training.linear import Linear
from ostiary.inspection.training.stack import MOST_ASKED, Asked, Seen

Floats = npt.NDArray[np.float64]
Encode = Callable[[Sequence[str], int], Told]
"""Returns what the encoder tells of texts for one head."""


def pieces_of(text: str, head: int) -> list[str]:
    """Return the pieces of a normalised text as the detector cuts it."""
    spans = windows(text) if head == USER else sentences(text)
    return [text[start:end] for start, end in spans] or [text]


def seen(texts: Sequence[str], head: int, linear: Linear, encode: Encode | None) -> list[Seen]:
    """Return what both models say of every piece; the encoder is asked of the worst ``MOST_ASKED`` of a text only."""
    cut = [pieces_of(text, head) for text in texts]
    margins = [linear.margins(pieces) for pieces in cut]
    found = [Seen(one, np.full(len(one), -20.0)) for one in margins]
    if encode is None:
        return found
    asked = [(at, int(piece)) for at, one in enumerate(margins) for piece in np.argsort(-one)[:MOST_ASKED]]
    told = encode([cut[at][piece] for at, piece in asked], head)
    for (at, piece), said in zip(asked, told.odds, strict=True):
        found[at].encoded[piece] = said
    return found if head == USER else _placed(found, cut, asked, told)


def _placed(found: list[Seen], cut: list[list[str]], asked: list[tuple[int, int]], told: Told) -> list[Seen]:
    """Return the same with the sentences that were asked about and their places."""
    ends = np.cumsum([min(len(pieces), MOST_ASKED) for pieces in cut])
    placed = []
    for at, (one, end) in enumerate(zip(found, ends, strict=True)):
        part = slice(end - min(len(cut[at]), MOST_ASKED), end)
        pieces = [piece for _, piece in asked[part]]
        texts = tuple(cut[at][piece] for piece in pieces)
        placed.append(Seen(one.margins, one.encoded, Asked(np.array(pieces), texts, told.places[part])))
    return placed


def all_seen(
    sets: Mapping[str, Sequence[str]], head: int, linear: Linear, encode: Encode | None
) -> dict[str, list[Seen]]:
    """Return the same for every set."""
    return {name: seen(texts, head, linear, encode) for name, texts in sets.items()}
