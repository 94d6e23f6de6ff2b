"""One tree of a LightGBM model: arrays of the right length, indices inside, children that make one tree.

https://github.com/microsoft/LightGBM/blob/master/src/io/tree.cpp, ``Tree::ToString`` and the constructor that reads it.
"""

import re
from itertools import pairwise
from typing import Final

from ostiary.artifacts.formats.misfit import Misfit, shown
from ostiary.artifacts.formats.trees import check_tree

_NAMES: Final = frozenset({
    "num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
    "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count", "is_linear",
    "shrinkage", "cat_boundaries", "cat_threshold", "leaf_const", "num_features", "leaf_features", "leaf_coeff",
})  # fmt: skip
_NUMBER: Final = re.compile(r"-?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?(?:e[+-]?[0-9]{1,3})?|inf|nan)")
_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")
_NUMBERS: Final = re.compile(rf"{_NUMBER.pattern}(?: {_NUMBER.pattern})*")  # one pass over a line, not one a number
_INTEGERS: Final = re.compile(rf"{_INTEGER.pattern}(?: {_INTEGER.pattern})*")
_NATURAL: Final = re.compile(r"[0-9]{1,10}")
_INNER: Final = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_INNER_TOLD: Final = ("internal_value", "internal_weight", "internal_count")
_LEAF_TOLD: Final = ("leaf_weight", "leaf_count")
_CATEGORICAL: Final = 1  # lowest bit of decision_type


def check_block(text: str, number: int, features: int) -> None:
    """Check the block of tree ``number``.

    Raises:
        Misfit: ``format_lightgbm_malformed``, ``format_lightgbm_tree``, ``format_tree_shape``.
    """
    lines = text.rstrip("\n").split("\n")
    if lines[0] != f"Tree={number}" or not text.endswith("\n"):
        raise Misfit("format_lightgbm_malformed", f"tree {number} does not begin and end where the sizes say")
    _Tree(_members(lines[1:]), features).check()


def _members(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if name not in _NAMES or not equals or name in found:
            raise Misfit("format_lightgbm_malformed", f"the line {shown(line)} is out of place")
        found[name] = value
    return found


class _Tree:
    """The lines of one tree."""

    def __init__(self, lines: dict[str, str], features: int) -> None:
        self._lines = lines
        self._features = features

    def check(self) -> None:
        leaves = self._one("num_leaves")
        if leaves < 1 or self._one("num_cat") < 0:
            raise _fault("a tree has no leaf")
        self._numbers("leaf_value", leaves)
        for name in _LEAF_TOLD:
            # A line that is there and empty ends LightGBM's process, but for a tree of one leaf.
            if self._lines.get(name) or (leaves > 1 and name in self._lines):
                self._numbers(name, leaves)
        if leaves > 1:
            self._check_inner(leaves)
        if self._one("is_linear", 0):
            self._check_linear(leaves)
        if not _NUMBER.fullmatch(self._lines.get("shrinkage", "1")):
            raise _fault("a tree shrinks by no number")

    def _check_inner(self, leaves: int) -> None:
        inner = leaves - 1
        features = self._integers("split_feature", inner)
        if not all(0 <= feature < self._features for feature in features):
            raise _fault("a tree looks at a feature that there is not")
        for name in ("split_gain", "threshold", *_INNER_TOLD):
            if name == "threshold" or name in self._lines:
                self._numbers(name, inner)
        met = check_tree(
            self._integers("left_child", inner), self._integers("right_child", inner), is_leaf=lambda child: child < 0
        )
        if sorted(met) != list(range(-leaves, 0)):
            raise Misfit("format_tree_shape", "a tree does not lead to each of its leaves once")
        self._check_categories(self._integers("decision_type", inner))

    def _check_categories(self, kinds: list[int]) -> None:
        """A categorical split's threshold is the number of a row of bits; rows lie between boundaries."""
        if not all(0 <= kind < 16 for kind in kinds):  # noqa: PLR2004 - four bits are in use
            raise _fault("a tree decides in a way that is not known")
        rows = self._one("num_cat")
        if rows:
            bounds = self._integers("cat_boundaries", rows + 1)
            if bounds[0] or any(low > high for low, high in pairwise(bounds)):
                raise _fault("the categories of a tree have no order")
            self._integers("cat_threshold", bounds[-1])
        thresholds = self._lines["threshold"].split(" ")
        for kind, threshold in zip(kinds, thresholds, strict=True):
            if kind & _CATEGORICAL and not (_NATURAL.fullmatch(threshold) and int(threshold) < rows):
                raise _fault("a tree looks at categories that there are not")

    def _check_linear(self, leaves: int) -> None:
        self._numbers("leaf_const", leaves)
        counts = self._integers("num_features", leaves)
        if any(count < 0 for count in counts):
            raise _fault("a leaf has a negative number of features")
        features, factors = self._lines.get("leaf_features", "").split(), self._lines.get("leaf_coeff", "").split()
        if len(features) != sum(counts) or len(factors) != sum(counts):
            raise _fault("a leaf has not as many features and factors as it says")
        if not all(_NATURAL.fullmatch(feature) and int(feature) < self._features for feature in features):
            raise _fault("a leaf looks at a feature that there is not")
        if not all(map(_NUMBER.fullmatch, factors)):
            raise _fault("a leaf has a factor that is no number")

    def _one(self, name: str, absent: int = -1) -> int:
        told = self._lines.get(name, str(absent))
        if not _INTEGER.fullmatch(told):
            raise _fault(f"`{name}` is {shown(told)}")
        return int(told)

    def _numbers(self, name: str, count: int) -> None:
        self._array(name, count, _NUMBERS)

    def _integers(self, name: str, count: int) -> list[int]:
        return [int(part) for part in self._array(name, count, _INTEGERS).split(" ")]

    def _array(self, name: str, count: int, form: re.Pattern[str]) -> str:
        told = self._lines.get(name, "")
        if told.count(" ") + 1 != count or not form.fullmatch(told):
            raise _fault(f"`{name}` does not hold {count} numbers")
        return told


def _fault(text: str) -> Misfit:
    return Misfit("format_lightgbm_tree", text)
