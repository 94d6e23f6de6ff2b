"""The embedder that always works: words, pairs of words and character trigrams, hashed into a fixed number of places.

- Nothing is learned and nothing depends on a corpus: equal texts have equal vectors in every tenant and at all times,
  and no vector says anything of other documents.
- A place and a sign come from a CRC of the feature, weights are ``1 + log n``; the vector has length 1. This finds
  texts that share words and parts of words, in any language that is written with spaces; it knows no meaning.

>>> import numpy as np
>>> one = HashedEmbedder()
>>> a, b, c = one.embed(["how to reset a password", "resetting passwords", "lunch menu"])
>>> bool(a @ b > a @ c), round(float(np.linalg.norm(a)), 6)
(True, 1.0)
"""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Final

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.rag.ports import Embedder

if TYPE_CHECKING:
    from ostiary.rag.ports import Vectors

DEFAULT: Final = "hashed"
DIMENSION: Final = 512
MAX_FEATURES: Final = 8192
_WORD: Final = re.compile(r"\w+")
_GRAM: Final = 3


class HashedEmbedder:
    """Texts as hashed n-grams."""

    name = "hashed-1-512"
    dimension = DIMENSION

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """Return one vector of length 1 a text; a text without a word gets a vector of zeros."""
        import numpy as np  # noqa: PLC0415 - the extra `gateway`

        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            for feature, count in Counter(_features(text)).items():
                code = zlib.crc32(feature.encode("utf-8", "replace"))
                vectors[row, code % DIMENSION] += (1.0 if code & 0x80000000 else -1.0) * (1.0 + log(count))
        return unit(vectors)


def unit(vectors: "Vectors") -> "Vectors":
    """Return vectors scaled to length 1; zeros stay zeros."""
    import numpy as np  # noqa: PLC0415

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled


def _features(text: str) -> list[str]:
    words = _WORD.findall(text.lower())[: MAX_FEATURES // 8]
    found = [f"w {word}" for word in words]
    found += [f"b {one} {two}" for one, two in pairwise(words)]
    for word in words:
        padded = f"^{word[:64]}$"
        found += [f"g {padded[at : at + _GRAM]}" for at in range(len(padded) - _GRAM + 1)]
    return found[:MAX_FEATURES]


def _onnx(place: str) -> Embedder:
    from ostiary.rag.encoder import OnnxEmbedder  # noqa: PLC0415 - needs onnxruntime

    return OnnxEmbedder.open(place)


_BY_NAME: Final[dict[str, Callable[[str], Embedder]]] = {DEFAULT: lambda _: HashedEmbedder(), "onnx": _onnx}


def open_embedder(name: str = DEFAULT, place: str = "") -> Embedder:
    """Return an embedder by the name in the settings.

    Raises:
        FaultyInputError: ``embedder_unknown``.
        UnavailableError: ``embedder_unavailable``.
    """
    make = _BY_NAME.get(name)
    if make is None:
        raise FaultyInputError("embedder_unknown", f"`{name[:40]}` is no embedder: {', '.join(sorted(_BY_NAME))}")
    try:
        return make(place)
    except ImportError as fault:
        raise UnavailableError("embedder_unavailable", "install the extra `gateway` for embeddings") from fault
