"""The numbers of a training: how much is learned from, how it is mixed, and which pieces the encoder sees."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ostiary.inspection.training.encoder import DATA, USER, EncoderSettings, Piece
from ostiary.inspection.training.stack import Mix

SEED: Final = 1
PIECES: Final = {USER: 11_000, DATA: 15_000}
"""How many pieces the encoder learns from at most: all of our own, and a draw of the others."""
AGAIN: Final = 14_000
"""How many of them it sees a second time, at a slower rate."""
SLOWER: Final = EncoderSettings(rate=6e-5, head_rate=5e-4, seed=21)
MIXES: Final = {USER: Mix((0.5, -4.0), (0.5, 1.0, 0.0)), DATA: Mix((0.25, -5.0), (0.25, 1.0, 0.0))}
"""What a margin counts alone, and beside the encoder, which counts one: chosen by leave-source-out (``leaving``)."""
MANY: Final = {USER: 0.3, DATA: 0.0}
GREY: Final = {USER: (-5.0, 1e9), DATA: (-1e9, 1e9)}
"""Log-odds between which the encoder is asked: of users' texts only where the linear model has a doubt."""


def drawn(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces that the encoder learns from."""
    rng = np.random.default_rng(SEED + 2)
    found: list[Piece] = []
    for head, most in PIECES.items():
        own = [piece for piece in pieces if piece.head == head and piece.source == "own"]
        others = [piece for piece in pieces if piece.head == head and piece.source != "own"]
        found += own + [others[at] for at in rng.permutation(len(others))[: max(0, most - len(own))]]
    return found


def left_over(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the instructions in data that the encoder does not learn from."""
    seen = {id(piece) for piece in drawn(pieces)}
    return [piece for piece in pieces if piece.head == DATA and piece.label == 1 and id(piece) not in seen]
