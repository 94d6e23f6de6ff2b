"""How much of a typed word can be read out of what the collector sends: an honest attack, with and without hands.

    pip install wordfreq    # words and how often they are used; CC BY-SA 4.0
    nice python benchmarks/behaviour_privacy.py [--data ../shared/data/biometrics] [--words 50000] [--each 30] [--json]

What is sent of a word is its length (a space is a kind of its own), the rhythm of its keys, and kinds of keys. Two
alphabets of kinds are compared: ``one`` has one kind for all letters (what the collector sends), ``hands`` has two, one
for each half of the board (what data sets of research have).

The thief knows the language: the ``--words`` most frequent words with their frequencies, and one of three things more:
``nothing`` (kinds alone, rhythm is not looked at), ``others`` (how long people in general hold each key and take from
each key to each other: from the first 79 users of IKDD), ``victim`` (the same of this very victim, from the half of his
logs that is not typed here: somebody who had a key logger on him once). He is told the victim's overall pace.

Victims are the last 30 users of IKDD. A word is typed with the victim's own values of each key and pair, drawn from the
other half. ``text`` draws words as often as they are used, ``rare`` draws any word alike. Given are how often the
first and one of the first ten guesses is right, the median rank, and how many bits of the word are left unknown.
Pairs are drawn independently of each other, which helps the thief. Nothing is tuned. Three minutes of one quiet thread.
"""

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SEED = 20261127
LEFT = frozenset("qwertasdfgzxcvb")
FIRST_LETTER = 65
LETTERS = 26
VICTIMS = 30
SHORTEST, LONGEST = 3, 14
LEAST_VALUES = 4
SHRINK = 4.0
MOST_MS = 1_000.0


class Rhythm:
    """Mean and spread of the logarithms of holds by key and of latencies by pair, about the typist's own pace."""

    def __init__(self, values: Mapping[tuple[int, int], Sequence[float]], pace: tuple[float, float]) -> None:
        holds: list[list[float]] = [[] for _ in range(LETTERS)]
        pairs: list[list[float]] = [[] for _ in range(LETTERS * LETTERS)]
        for (one, other), told in values.items():
            if other < 0:
                holds[one].extend(told)
            else:
                pairs[one * LETTERS + other].extend(told)
        self.pace = pace
        self.hold = _fitted(holds)
        self.pair = _fitted(pairs)

    def likely(self, holds: Floats, pairs: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihoods ``[n, 26]`` of each hold by key, ``[n - 1, 676]`` of each latency by pair."""
        return _normal(holds - self.pace[0], self.hold), _normal(pairs - self.pace[1], self.pair)


def _fitted(cells: list[list[float]]) -> Floats:
    """Return ``[2, cells]``: means drawn towards the common one where there are few values, and spreads."""
    every = np.concatenate([np.asarray(cell) for cell in cells if cell])
    common, wide = float(every.mean()), float(every.var())
    told = []
    for cell in cells:
        count = len(cell)
        mean = (sum(cell) + SHRINK * common) / (count + SHRINK)
        spread = (float(np.var(cell)) * count if count else 0.0) + SHRINK * wide
        told.append((mean, max(1e-3, spread / (count + SHRINK))))
    return np.array(told).T


def _normal(values: Floats, fitted: Floats) -> Floats:
    mean, variance = fitted
    told: Floats = -0.5 * ((values[:, None] - mean) ** 2 / variance + np.log(variance))
    return told


def read_typists(data: Path) -> dict[str, dict[tuple[int, int], list[float]]]:
    """Return ln ms by typist and cell: (key, -1) for holds, (key, key) for latencies; letters alone."""
    typists: dict[str, dict[tuple[int, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    with gzip.open(data / "ikdd" / "logs.jsonl.gz", "rt") as rows:
        for line in rows:
            row = json.loads(line)
            for name, values in row["features"].items():
                one, other = (int(part) for part in name.split("-"))
                cell = (one - FIRST_LETTER, other - FIRST_LETTER if other else -1)
                if 0 <= cell[0] < LETTERS and -1 <= cell[1] < LETTERS:
                    told = [float(np.log(value)) for value in values if 0 < value <= MOST_MS]
                    typists[row["subject"]][cell].extend(told)
    return typists


def pace_of(values: Mapping[tuple[int, int], Sequence[float]]) -> tuple[float, float]:
    """Return the mean ln hold and ln latency of a typist."""
    holds = [one for (_, other), told in values.items() if other < 0 for one in told]
    pairs = [one for (_, other), told in values.items() if other >= 0 for one in told]
    return float(np.mean(holds)), float(np.mean(pairs))


def centred(values: Mapping[tuple[int, int], Sequence[float]]) -> dict[tuple[int, int], list[float]]:
    """Return a typist's values about his own pace."""
    pace = pace_of(values)
    return {cell: [one - pace[cell[1] >= 0] for one in told] for cell, told in values.items()}


class Words:
    """Words by length and, where hands are told, by which hand types which letter."""

    def __init__(self, frequencies: Mapping[str, float], *, hands: bool) -> None:
        self.groups: dict[str, list[str]] = defaultdict(list)
        self.hands = hands
        for word in frequencies:
            self.groups[self.shape(word)].append(word)
        self.keys = {shape: _keys(words) for shape, words in self.groups.items()}
        self.prior = {shape: np.log([frequencies[word] for word in words]) for shape, words in self.groups.items()}

    def shape(self, word: str) -> str:
        """Return what the kinds of a word's keys tell."""
        return "".join("l" if letter in LEFT else "r" for letter in word) if self.hands else "x" * len(word)

    def rank(self, word: str, likely: tuple[Floats, Floats] | None, *, even: bool) -> tuple[int, float, int]:
        """Return how many words the thief would guess before this one, the bits left, and how many words fit."""
        shape = self.shape(word)
        keys, prior = self.keys[shape], self.prior[shape]
        score = np.zeros(len(prior)) if even else prior.copy()
        if likely is not None:
            holds, pairs = likely
            score += holds[np.arange(len(word)), keys].sum(axis=1)
            score += pairs[np.arange(len(word) - 1), keys[:, :-1] * LETTERS + keys[:, 1:]].sum(axis=1)
        own = score[self.groups[shape].index(word)]
        before = int((score > own).sum()) + int((score == own).sum() - 1) // 2
        share = np.exp(score - score.max())
        share /= share.sum()
        bits = float(-(share * np.log2(np.maximum(share, 1e-300))).sum())
        return before, bits, len(prior)


def _keys(words: list[str]) -> npt.NDArray[np.int64]:
    return np.array([[ord(letter) - ord("a") for letter in word] for word in words])


def halves(values: Mapping[tuple[int, int], Sequence[float]]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return every other value of each cell, and the others."""
    kept = {cell: told for cell, told in values.items() if len(told) >= LEAST_VALUES}
    return {cell: told[::2] for cell, told in kept.items()}, {cell: told[1::2] for cell, told in kept.items()}


def typed(word: str, values: Mapping[tuple[int, int], Sequence[float]], rng: np.random.Generator) -> Any:
    """Return ln holds and ln latencies of a word as this typist types it, or ``None`` where he never typed a pair."""
    keys = [ord(letter) - ord("a") for letter in word]
    cells = [[(key, -1) for key in keys], list(pairwise(keys))]
    if any(cell not in values for row in cells for cell in row):
        return None
    return tuple(np.array([rng.choice(values[cell]) for cell in row]) for row in cells)


def run(data: Path, count: int, each: int) -> dict[str, Any]:
    """Measure."""
    frequencies = read_words(count)
    typists = read_typists(data)
    names = sorted(typists)
    others: dict[tuple[int, int], list[float]] = defaultdict(list)
    for name in names[:-VICTIMS]:
        for cell, told in centred(typists[name]).items():
            others[cell].extend(told)
    books = {"one": Words(frequencies, hands=False), "hands": Words(frequencies, hands=True)}
    found: dict[tuple[str, str, str], list[tuple[int, float, int]]] = defaultdict(list)
    rng = np.random.default_rng(SEED)
    words, weights = list(frequencies), np.array(list(frequencies.values()))
    for name in names[-VICTIMS:]:
        known, own = halves(typists[name])
        pace = pace_of(known)
        thieves = {
            "nothing": None,
            "others": Rhythm(others, pace),
            "victim": Rhythm(centred(known), pace),
        }
        for drawn in ("text", "rare"):
            chances = weights / weights.sum() if drawn == "text" else None
            for word in _words(rng, words, chances, own, each):
                rhythm = typed(word, own, rng)
                for thief, believes in thieves.items():
                    likely = believes.likely(*rhythm) if believes else None
                    for kinds, book in books.items():
                        found[drawn, kinds, thief].append(book.rank(word, likely, even=drawn == "rare"))
    return {"/".join(key): _told(rows) for key, rows in found.items()}


def _words(
    rng: np.random.Generator, words: list[str], chances: Floats | None, own: Mapping[Any, Any], each: int
) -> list[str]:
    """Draw words that this typist can be seen to type."""
    found: list[str] = []
    while len(found) < each:
        word = str(rng.choice(words, p=chances))
        if typed(word, own, rng) is not None:
            found.append(word)
    return found


def _told(rows: list[tuple[int, float, int]]) -> dict[str, float]:
    ranks, bits, sizes = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "words": len(rows),
        "first": float((ranks == 0).mean()),
        "first_ten": float((ranks < 10).mean()),  # noqa: PLR2004 - ten guesses
        "median_rank": float(np.median(ranks)) + 1,
        "bits_left": float(bits.mean()),
        "fitting_words": float(np.median(sizes)),
    }


def read_words(count: int) -> dict[str, float]:
    """Return the most frequent words of plain letters, and how often they are used."""
    every = import_module("wordfreq").get_frequency_dict("en", "large")
    plain = {
        word: share
        for word, share in every.items()
        if word.isascii() and word.isalpha() and word.islower() and SHORTEST <= len(word) <= LONGEST
    }
    return dict(sorted(plain.items(), key=lambda one: (-one[1], one[0]))[:count])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/biometrics"))
    parser.add_argument("--words", type=int, default=50_000)
    parser.add_argument("--each", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = run(asked.data, asked.words, asked.each)
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'drawn/kinds/thief':24} {'first':>7} {'first 10':>9} {'median':>7} {'bits left':>10} {'fit':>7}")
    for name, row in found.items():
        print(
            f"{name:24} {row['first']:7.1%} {row['first_ten']:9.1%} {row['median_rank']:7.0f} "
            f"{row['bits_left']:10.1f} {row['fitting_words']:7.0f}"
        )


if __name__ == "__main__":
    main()
