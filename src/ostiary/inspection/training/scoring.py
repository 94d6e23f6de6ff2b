"""What both models say of the pieces of a text, before they are mixed: asked once, whatever is tried later."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.pieces import sentences, windows
from ostiary.inspection.training.encoder import USER
from ostiary.inspection.training.linear import Linear
from ostiary.inspection.training.stack import MOST_ASKED, Seen

Floats = npt.NDArray[np.float64]
Encode = Callable[[Sequence[str], int], npt.NDArray[np.float32]]
"""Returns the log-odds of texts for one head."""


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
    for (at, piece), said in zip(asked, encode([cut[at][piece] for at, piece in asked], head), strict=True):
        found[at].encoded[piece] = said
    return found


def all_seen(
    sets: Mapping[str, Sequence[str]], head: int, linear: Linear, encode: Encode | None
) -> dict[str, list[Seen]]:
    """Return the same for every set."""
    return {name: seen(texts, head, linear, encode) for name, texts in sets.items()}
