"""How much a sentence's likeness to its document counts (``learned.likeness``), chosen on sources that teach, alone.

- Documents are those of the sources that teach, clean, and once more with an instruction put in that the encoder did
  not learn from. In a fold, no document and no instruction is of a source that was left out.
- Each group of documents is left out once: the line is drawn on the others, on single sentences and on pairs, and what
  counts is the share of its attacks above the line, less the share of its clean documents. The best mean decides.
- What places share, and how alike the sentences of a document usually are, is measured on the clean documents.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.inspection.learned.likeness import Likeness, shared
from ostiary.inspection.learned.pieces import sentences
from ostiary.inspection.text import normalise
from ostiary.inspection.training import made, prose
from ostiary.inspection.training.encoder import DATA, Piece
from ostiary.inspection.training.linear import Linear
from ostiary.inspection.training.measure import above, threshold_at
from ostiary.inspection.training.places import Places
from ostiary.inspection.training.reading import Row, read_source
from ostiary.inspection.training.recipe import MANY, MIXES
from ostiary.inspection.training.scoring import Encode, seen
from ostiary.inspection.training.stack import Asked, Seen, text_odds

Documents = dict[str, list[str]]
Floats = npt.NDArray[np.float64]

TIMES: Final = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
EACH: Final = 80
"""Documents of a group."""
_GREY: Final = (-1e9, 1e9)
_SEED: Final = 5
_LONGEST: Final = 1500
_SHORT: Final = 8
_VALUE: Final = re.compile(r"(?<=[:,] ['\"])[^'\"{}]{3,}(?=['\"])")
_SOURCES: Final[dict[str, frozenset[str]]] = {
    "bipia": frozenset({"context_email"}),
    "cyberseceval_code": frozenset({"code"}),
    "injecagent": frozenset({"tool_response_filled"}),
    "repo_docs_code": frozenset({"doc", "code"}),
}
_INSTRUCTED_LINES: Final = 3  # the request before each piece of code of cyberseceval_code


def documents(where: Places) -> Documents:
    """Return the clean documents of every group, normalised."""
    rng = np.random.default_rng(_SEED)
    found = {name: _thinned(list(_rows(where, name, forms)), rng) for name, forms in _SOURCES.items()}
    for kind in prose.KINDS:
        if kind != "wordnet":  # single sentences
            found[kind] = [text[:_LONGEST] for text in prose.some(where.prose, kind, EACH, rng)]
    found["own"] = list(_own(where, rng))
    return {name: [normalise(text).text for text in texts] for name, texts in found.items()}


def _rows(where: Places, name: str, forms: frozenset[str]) -> Iterator[str]:
    for row in read_source(where.texts, name):
        if row.label == 0 and row.form in forms:
            yield _text(row)[:_LONGEST]


def _text(row: Row) -> str:
    return "\n".join(row.text.split("\n")[_INSTRUCTED_LINES:]) if row.source == "cyberseceval_code" else row.text


def _thinned(texts: list[str], rng: made.Rng) -> list[str]:
    return [texts[at] for at in sorted(rng.permutation(len(texts))[:EACH])]


def _own(where: Places, rng: made.Rng) -> Iterator[str]:
    pool = list(made.texts(made.read(where.own / "patterns.json")["data_clean"], 8 * EACH, rng))
    for _ in range(EACH):
        yield "\n".join(made.pick(rng, pool) for _ in range(int(rng.integers(2, 9))))


def attacked(texts: Sequence[str], instructions: Sequence[Piece], rng: made.Rng) -> list[str]:
    """Return each document with an instruction put in: as a value of JSON, or between sentences."""
    return [_put(text, made.pick(rng, instructions).text, rng) for text in texts]


def _put(text: str, instruction: str, rng: made.Rng) -> str:
    values = list(_VALUE.finditer(text)) if text.lstrip()[:1] in {"{", "["} else []
    if values:
        value = values[int(rng.integers(len(values)))]
        return text[: value.start()] + instruction + text[value.end() :]
    ends = [0, *(end for _, end in sentences(text))]
    at = ends[(0, -1, int(rng.integers(len(ends))))[int(rng.integers(3))]]
    seam = "\n" if rng.random() < 0.5 else " "  # noqa: PLR2004 - a coin
    return f"{text[:at]}{seam}{instruction}{seam}{text[at:]}".strip()


class _Group:
    """What both models say of the clean documents of a group, and of those with an instruction."""

    def __init__(self, clean: list[Seen], bad: list[Seen]) -> None:
        self.clean, self.bad = clean, bad


def chosen(
    clean: Mapping[str, Sequence[str]],
    instructions: Sequence[Piece],
    linear: Linear,
    encode: Encode,
    progress: Callable[[str], None],
) -> Likeness:
    """Return the likeness that tells the ``clean`` documents best from those with one of the ``instructions``."""
    rng = np.random.default_rng(_SEED + 1)
    groups = {
        name: _Group(seen(texts, DATA, linear, encode), seen(attacked(texts, instructions, rng), DATA, linear, encode))
        for name, texts in clean.items()
    }
    short = briefs({name: group.clean for name, group in groups.items()})
    asked = [one.asked for group in groups.values() for one in group.clean if one.asked]
    bare = Likeness(*shared(np.concatenate([one.places for one in asked])), 0.0, 0.0)
    usual = float(np.mean([near for group in groups.values() for near in _usual(bare, group)] or [0.0]))
    tried = [Likeness(bare.centre, bare.directions, times, usual) for times in TIMES]
    worths = [worth(groups, short, one) for one in tried]
    best = tried[int(np.argmax(worths))]
    told = ", ".join(f"{one.times}: {worth:.3f}" for one, worth in zip(tried, worths, strict=True))
    progress(f"likeness counts {best.times}, from {usual:.3f} on; tried {told}")
    return best


def _usual(bare: Likeness, group: _Group) -> Iterator[float]:
    """Yield the mean likeness in a group; nothing of a group whose sentences are all alone."""
    told = [bare.cosines(one.asked.texts, one.asked.places) for one in group.clean if one.asked]
    near = np.concatenate([cosines[known] for cosines, known in told])
    if len(near):
        yield float(near.mean())


def worth(groups: Mapping[str, _Group], short: Mapping[str, Sequence[Seen]], likeness: Likeness) -> float:
    """Return how well a likeness serves groups whose line was drawn without them."""
    calm = {name: _odds(group.clean, likeness) for name, group in groups.items()}
    brief = {name: _odds(one, likeness) for name, one in short.items()}
    found = []
    for name, group in groups.items():
        line = threshold_at({**brief, **{other: one for other, one in calm.items() if other != name}})
        found.append(above(_odds(group.bad, likeness), line) - above(calm[name], line))
    return float(np.mean(found))


def _odds(one: Sequence[Seen], likeness: Likeness) -> Floats:
    return text_odds(one, MIXES[DATA], many=MANY[DATA], grey=_GREY, likeness=likeness)


def briefs(calm: Mapping[str, Sequence[Seen]]) -> dict[str, list[Seen]]:
    """Return what is said of single sentences and of pairs of short documents, as if each was all there is."""
    return {"singles": list(_parts(calm, 1)), "pairs": list(_parts(calm, 2))}


def _parts(calm: Mapping[str, Sequence[Seen]], size: int) -> Iterator[Seen]:
    """Yield what is said of ``size`` neighbours alone, of short clean documents."""
    for group in calm.values():
        for one in group:
            asked = one.asked
            if asked and len(one.margins) == len(asked.pieces) <= _SHORT:
                order = np.argsort(asked.pieces)
                for at in range(0, len(order) - size + 1, 3):
                    rows = order[at : at + size]
                    pieces = asked.pieces[rows]
                    texts = tuple(asked.texts[row] for row in rows)
                    part = Asked(np.arange(size), texts, asked.places[rows])
                    yield Seen(one.margins[pieces], one.encoded[pieces], part)
