"""Proves that an attack stays caught wherever its attacker moves it within his declared box, or shows how it does not.

1. Every feature gets its box (``signals.attacker``). What is not told stays so.
2. A feature with a direction is set to its most harmless end. That is exact: the trees are monotone in it, which the
   engine that grew them guarantees.
3. The trees are walked with what is fixed by now; what is left of them asks about the free features only.
4. If the sum of their least leaves is caught, everything in the box is: proven by plain arithmetic.
5. Else `dtai-veritas` (Devos et al., ECML 2023) looks for the least output, exactly. A counterexample is put through
   the model's own trees before it is told; a search that runs out of time is ``undecided``, never ``safe``.

An attack that is not caught where it stands is not certified at all.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.risk.trees import Trees
from ostiary.signals.attacker import box_of
from ostiary.signals.features import FEATURES

ROUNDING: Final = 1e-9
"""Sums of the same leaves in another order differ by less; a bound within it of the threshold proves nothing."""

_STEP_S: Final = 0.05
_STEPS: Final = 200

Box = tuple[float, float]
Node = float | tuple[int, float, "Node", "Node"]
"""A leaf's value, or column, threshold (values up to it go left), left and right."""


class Answer(StrEnum):
    """What is known of an attack."""

    EVADABLE = "evadable"
    SAFE = "safe"
    UNDECIDED = "undecided"


class Certificate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was proven of one attack.

    Attributes:
        answer: ``safe``, ``evadable`` or ``undecided``.
        margin: the model's output where the attack stands.
        least: least output in the box: exact when ``safe`` by search or ``evadable``, a lower bound otherwise.
        by: ``bounds`` (plain arithmetic) or ``search``.
        moved: of a counterexample, the features that differ, as (from, to).
    """

    answer: Answer
    margin: float
    least: float
    by: str = "bounds"
    moved: dict[str, tuple[float, float]] = {}


class Certifier:
    """Certifies rows of one forest."""

    def __init__(
        self,
        trees: Trees,
        deviations: Sequence[float],
        *,
        timeout_s: float = 5.0,
        boxes: Callable[[Sequence[float]], list[Box]] | None = None,
        monotone: Sequence[int] | None = None,
    ) -> None:
        """Take the forest.

        Args:
            trees: as they serve.
            deviations: standard deviation of each column in life.
            timeout_s: longest search for one attack.
            boxes: another box than the declared one.
            monotone: direction of each column, of the catalogue by default.
        """
        self._trees = trees
        self._timeout_s = timeout_s
        self._boxes = boxes or (lambda row: declared(row, deviations))
        self._monotone = tuple(monotone) if monotone is not None else tuple(spec.monotone for spec in FEATURES)

    def certify(self, row: Sequence[float], threshold: float) -> Certificate:
        """Return what can be proven of an attack with features ``row`` that is caught from ``threshold`` on.

        Raises:
            UnavailableError: ``redteam_extra_missing``, where bounds alone do not do.
        """
        margin = self._trees.margin(row)
        box = [self._corner(place, each) for place, each in enumerate(self._boxes(row))]
        left = [_cut(self._trees, root, box) for root in self._trees.roots]
        fixed = sum(part for part in left if isinstance(part, float))
        open_ones = [part for part in left if not isinstance(part, float)]
        least = fixed + sum(_least(part) for part in open_ones)
        if margin < threshold:
            return Certificate(Answer.EVADABLE, margin, margin)
        if least >= threshold + ROUNDING:
            return Certificate(Answer.SAFE, margin, least)
        return self._search(row, box, open_ones, fixed, margin, threshold)

    def _corner(self, place: int, box: Box) -> Box:
        """Return the box of a column, or its most harmless end where it has a direction."""
        way = self._monotone[place]
        if not way or math.isnan(box[0]):
            return box
        return (box[0], box[0]) if way > 0 else (box[1], box[1])

    def _search(
        self,
        row: Sequence[float],
        box: Sequence[Box],
        parts: Sequence[Node],
        fixed: float,
        margin: float,
        threshold: float,
    ) -> Certificate:
        found, least = _least_output(parts, box, threshold - fixed, self._timeout_s)
        if least + fixed >= threshold + ROUNDING:
            return Certificate(Answer.SAFE, margin, least + fixed, "search")
        if found is not None:
            moved = [found.get(place, each[0]) for place, each in enumerate(box)]
            output = self._trees.margin(moved)
            if output < threshold:
                return Certificate(Answer.EVADABLE, margin, output, "search", self._told(row, moved))
        return Certificate(Answer.UNDECIDED, margin, least + fixed, "search")

    def _told(self, row: Sequence[float], moved: Sequence[float]) -> dict[str, tuple[float, float]]:
        looked_at = self._trees.columns()
        return {
            self._trees.names[place]: (before, after)
            for place, (before, after) in enumerate(zip(row, moved, strict=True))
            if place in looked_at and before != after and not (math.isnan(before) and math.isnan(after))
        }


def least_margin(holds: Callable[[float], bool], low: float = -64.0, high: float = 64.0) -> float:
    """Return the least margin for which ``holds``, which never ceases to hold as margins grow: bisected to the bit.

    >>> least_margin(lambda margin: margin >= 0.3)
    0.3
    """
    while (middle := (low + high) / 2) not in {low, high}:
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def declared(row: Sequence[float], deviations: Sequence[float]) -> list[Box]:
    """Return the declared attacker's box around ``row``."""
    return [
        (value, value) if math.isnan(value) else box_of(spec, value, deviation if math.isfinite(deviation) else 0.0)
        for spec, value, deviation in zip(FEATURES, row, deviations, strict=True)
    ]


def certified(answers: Iterable[Certificate]) -> dict[str, Any]:
    """Return how many attacks are safe, evadable, undecided, and which features counterexamples move."""
    some = list(answers)
    counts = Counter(one.answer for one in some)
    moved = Counter(name for one in some for name in one.moved)
    return {
        "attacks": len(some),
        **{answer.value: counts[answer] for answer in Answer},
        "certified_share": round(counts[Answer.SAFE] / len(some), 4) if some else None,
        "by_bounds": sum(one.answer is Answer.SAFE and one.by == "bounds" for one in some),
        "moved_by_counterexamples": dict(moved.most_common(10)),
    }


def _cut(trees: Trees, node: int, box: Sequence[Box]) -> Node:
    """Return what is left of a tree once every column is known to lie in its box."""
    if node < 0:
        return trees.leaf[~node]
    column, threshold = trees.feature[node], trees.threshold[node]
    low, high = box[column]
    if math.isnan(low):
        return _cut(trees, trees.missing[node], box)
    if high <= threshold:
        return _cut(trees, trees.left[node], box)
    if low > threshold:
        return _cut(trees, trees.right[node], box)
    left, right = _cut(trees, trees.left[node], box), _cut(trees, trees.right[node], box)
    return left if left == right and isinstance(left, float) else (column, threshold, left, right)


def _least(node: Node) -> float:
    return node if isinstance(node, float) else min(_least(node[2]), _least(node[3]))


def _least_output(
    parts: Sequence[Node], box: Sequence[Box], below: float, timeout_s: float
) -> tuple[dict[int, float] | None, float]:
    """Return a point with an output below ``below`` if one was found, and a proven lower bound of all outputs.

    Raises:
        UnavailableError: ``redteam_extra_missing``.
    """
    try:
        import veritas  # noqa: PLC0415 - the redteam extra
    except ImportError as fault:
        text = "exact certificates need the redteam extra: pip install 'ostiary[redteam]'"
        raise UnavailableError("redteam_extra_missing", text) from fault

    columns = sorted({column for part in parts for column in _columns(part)})
    number = {column: place for place, column in enumerate(columns)}
    forest = as_veritas(veritas, parts, number)
    around = [veritas.Interval(box[column][0], math.nextafter(box[column][1], math.inf)) for column in columns]
    search = veritas.Config(veritas.HeuristicType.MIN_OUTPUT).get_search(forest, around)
    ends = time.perf_counter() + timeout_s
    done = (veritas.StopReason.OPTIMAL, veritas.StopReason.NO_MORE_OPEN)
    reason = veritas.StopReason.NONE
    while reason not in done and time.perf_counter() < ends:
        reason = search.step_for(_STEP_S, _STEPS)
        found = search.num_solutions() and search.get_solution(0).output < below
        if found or search.current_bounds().best >= below + ROUNDING or reason is veritas.StopReason.OUT_OF_MEMORY:
            break
    bound: float = search.current_bounds().best  # of what is still open: nothing in the box lies below it
    if not search.num_solutions():
        return None, bound
    best = search.get_solution(0)
    point = {columns[place]: _inside(interval, box[columns[place]]) for place, interval in best.box().items()}
    return point, best.output if reason in done else bound


def as_veritas(veritas: Any, parts: Sequence[Node], number: Mapping[int, int]) -> Any:
    """Return ``parts`` as veritas' own ensemble: it asks for *less than*, so a threshold becomes the next number."""
    forest = veritas.AddTree(1, veritas.AddTreeType.REGR)
    for part in parts:
        tree = forest.add_tree()
        waiting: list[tuple[int, Node]] = [(tree.root(), part)]
        while waiting:
            place, node = waiting.pop()
            if isinstance(node, float):
                tree.set_leaf_value(place, 0, node)
                continue
            column, threshold, left, right = node
            tree.split(place, number[column], math.nextafter(threshold, math.inf))
            waiting += ((tree.left(place), left), (tree.right(place), right))
    return forest


def _columns(node: Node) -> set[int]:
    return set() if isinstance(node, float) else {node[0]} | _columns(node[2]) | _columns(node[3])


def _inside(interval: Any, box: Box) -> float:
    """Return a value that lies in both."""
    low = max(interval.lo, box[0])
    return low if math.isfinite(low) else min(math.nextafter(interval.hi, -math.inf), box[1])
