"""Ordinary prose to learn what no instruction looks like: fetched by ``tools/train_inspection.sh``, never kept by us.

- ``wordnet``: the examples and explanations of WordNet 3.0 (WordNet licence), short sentences of everyday language.
- ``speeches``: State of the Union addresses (public domain), long prose that calls upon people.
- ``novel``: Moby Dick (public domain).
- ``manual``: the language reference inside Python (PSF-2.0), prose that tells a reader what to do.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ostiary.errors import UnavailableError
from ostiary.inspection.training.extras import need

KINDS: Final = {"wordnet": 2600, "speeches": 1500, "novel": 400, "manual": 600}
"""How many sentences of each kind are learned from."""

_QUOTED: Final = re.compile(r'"([^"]{15,220})"')
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_LEAST: Final = 80


def read(folder: Path, kind: str) -> list[str]:
    """Return the texts of one kind.

    Raises:
        UnavailableError: ``no_training_data``.
    """
    texts = list(_READERS[kind](folder))
    if not texts:
        raise UnavailableError("no_training_data", f"no prose in `{folder}`: run `tools/train_inspection.sh`")
    return texts


def some(folder: Path, kind: str, most: int, rng: np.random.Generator) -> list[str]:
    """Return ``most`` texts of one kind."""
    texts = read(folder, kind)
    return [texts[at] for at in sorted(rng.permutation(len(texts))[:most])]


def _wordnet(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("wordnet/data.*")):
        for line in path.read_text("ascii", "replace").splitlines():
            if not line.startswith("  ") and " | " in line:
                explained = line.split(" | ", 1)[1].strip()
                yield from _QUOTED.findall(explained) or [explained.split("; ")[0]]


def _speeches(folder: Path) -> Iterator[str]:
    return _books(folder, "sotu")


def _novel(folder: Path) -> Iterator[str]:
    return _books(folder, "moby")


def _books(folder: Path, name: str) -> Iterator[str]:
    for path in sorted(folder.rglob(f"{name}/data/*.txt")):
        yield from _paragraphs(path.read_text("utf-8", "replace"))


def _manual(_: Path) -> Iterator[str]:
    for text in need("pydoc_data.topics").topics.values():
        yield from _paragraphs(text.replace("*", ""))


def _paragraphs(text: str) -> Iterator[str]:
    for part in _PARAGRAPH.split(text):
        joined = " ".join(part.split())
        if len(joined) >= _LEAST:
            yield joined


_READERS: Final = {"wordnet": _wordnet, "speeches": _speeches, "novel": _novel, "manual": _manual}
