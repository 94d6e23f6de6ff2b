"""Native LightGBM text, read and walked in plain Python: the fallback that gives exactly the library's number.

- Read by hand, with limits, and checked for structure: children in range, every node reached once, no cycles.
- What the walker cannot follow exactly is refused: categorical splits, linear leaves, zero-as-missing, several classes.
- Leaf values are added in tree order in double precision, as LightGBM does, so both agree bit for bit.

>>> trees = parse_trees(EXAMPLE)
>>> trees.margin([0.5]), trees.margin([2.0]), trees.margin([float("nan")])
(-1.0, 1.0, 1.0)
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from ostiary.errors import FaultyInputError

Number = TypeVar("Number", int, float)

MAX_TREES: Final = 5_000
MAX_LEAVES: Final = 4_096
MAX_FEATURES: Final = 4_096

EXAMPLE: Final = """tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=0
objective=binary sigmoid:1
feature_names=novelty

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=1.0
decision_type=8
left_child=-1
right_child=-2
leaf_value=-1.0 1.0

end of trees
"""

_CATEGORICAL: Final = 1  # bits of LightGBM's decision_type
_DEFAULT_LEFT: Final = 2
_MISSING_SHIFT: Final = 2
_MISSING_ZERO: Final = 1
_MISSING_NAN: Final = 2


class Trees(msgspec.Struct, frozen=True):
    """A forest as flat tables; a node below zero is the leaf ``~node``.

    Attributes:
        names: feature names in column order.
        roots: first node of each tree.
        feature: column a node looks at.
        threshold: values up to it go left.
        left: next node for smaller values.
        right: next node for larger values.
        missing: next node for NaN.
        leaf: value of each leaf.
        inner: expected value at each node, for path attribution.
    """

    names: tuple[str, ...]
    roots: list[int]
    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    missing: list[int]
    leaf: list[float]
    inner: list[float]

    def margin(self, row: Sequence[float]) -> float:
        """Return the sum of the leaves that ``row`` reaches: log-odds before calibration."""
        feature, threshold, left, right, missing = self.feature, self.threshold, self.left, self.right, self.missing
        total = 0.0
        for root in self.roots:
            node = root
            while node >= 0:
                value = row[feature[node]]
                if value <= threshold[node]:
                    node = left[node]
                elif value == value:  # noqa: PLR0124 - false for NaN only
                    node = right[node]
                else:
                    node = missing[node]
            total += self.leaf[~node]
        return total

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the margin of each row."""
        return [self.margin(row) for row in rows]

    def columns(self) -> frozenset[int]:
        """Return the columns that any tree looks at."""
        return frozenset(self.feature)

    def first(self, trees: int) -> "Trees":
        """Return a forest of the first ``trees`` trees only; the tables are shared."""
        return msgspec.structs.replace(self, roots=self.roots[:trees])

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return each column's share of the margin by the path it took (not SHAP: an approximation of it)."""
        shares = [0.0] * len(self.names)
        feature, threshold, left, right, missing = self.feature, self.threshold, self.left, self.right, self.missing
        inner, leaf = self.inner, self.leaf
        for root in self.roots:
            node = root
            here = inner[node] if node >= 0 else 0.0
            while node >= 0:
                column = feature[node]
                value = row[column]
                if value <= threshold[node]:
                    node = left[node]
                elif value == value:  # noqa: PLR0124 - false for NaN only
                    node = right[node]
                else:
                    node = missing[node]
                then = inner[node] if node >= 0 else leaf[~node]
                shares[column] += then - here
                here = then
        return shares


def parse_trees(text: str) -> Trees:
    """Read LightGBM's text format, version 4.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    head, *blocks = text.split("\nTree=")
    header = _fields(head)
    if header.get("version") != "v4" or header.get("num_class") != "1" or header.get("num_tree_per_iteration") != "1":
        raise _malformed("the model is no LightGBM v4 text with one class")
    names = tuple(header.get("feature_names", "").split())
    if not 0 < len(names) <= MAX_FEATURES or len(blocks) > MAX_TREES:
        raise _malformed(f"the model has {len(names)} features and {len(blocks)} trees")
    forest = Trees(names, [], [], [], [], [], [], [], [])
    for block in blocks:
        _add_tree(forest, _fields(block.partition("end of trees")[0]))
    return forest


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.splitlines())
    return {key: value for key, sign, value in pairs if sign}


def _add_tree(forest: Trees, fields: Mapping[str, str]) -> None:
    leaves = _numbers(fields, "num_leaves", 1, int)[0]
    if not 1 <= leaves <= MAX_LEAVES or fields.get("num_cat", "0") != "0" or fields.get("is_linear", "0") != "0":
        raise _malformed("a tree is too large, categorical or linear")
    values = _numbers(fields, "leaf_value", leaves, float)
    if not all(map(math.isfinite, values)):
        raise _malformed("a leaf is no finite number")
    first_node, first_leaf = len(forest.feature), len(forest.leaf)
    forest.leaf.extend(values)
    if leaves == 1:
        forest.roots.append(~first_leaf)
        return
    forest.roots.append(first_node)
    _add_nodes(forest, fields, leaves - 1, first_node, first_leaf)


def _add_nodes(forest: Trees, fields: Mapping[str, str], count: int, first_node: int, first_leaf: int) -> None:
    columns = _numbers(fields, "split_feature", count, int)
    thresholds = _numbers(fields, "threshold", count, float)
    kinds = _numbers(fields, "decision_type", count, int)
    left, right = _numbers(fields, "left_child", count, int), _numbers(fields, "right_child", count, int)
    if not all(0 <= column < len(forest.names) for column in columns) or any(map(math.isnan, thresholds)):
        raise _malformed("a split names a column that is not there, or no threshold")
    if sorted(left + right) != [*range(-count - 1, 0), *range(1, count)]:
        raise _malformed("the children of a tree do not form a tree")
    if any(kid >= 0 and kid <= node for node, pair in enumerate(zip(left, right, strict=True)) for kid in pair):
        raise _malformed("a tree has a branch that leads back")
    absolute = [[kid + first_node if kid >= 0 else ~(~kid + first_leaf) for kid in kids] for kids in (left, right)]
    forest.feature.extend(columns)
    forest.threshold.extend(thresholds)
    forest.left.extend(absolute[0])
    forest.right.extend(absolute[1])
    forest.missing.extend(_missing_children(kinds, thresholds, *absolute))
    inner = _numbers(fields, "internal_value", count, float) if "internal_value" in fields else [0.0] * count
    forest.inner.extend(inner)


def _missing_children(
    kinds: Sequence[int], thresholds: Sequence[float], left: Sequence[int], right: Sequence[int]
) -> Iterator[int]:
    """Say where NaN goes: the default side, or the side of zero where the split knows no missing values."""
    for kind, threshold, smaller, larger in zip(kinds, thresholds, left, right, strict=True):
        missing = (kind >> _MISSING_SHIFT) & 3
        if kind & _CATEGORICAL or missing == _MISSING_ZERO:
            raise _malformed("a split is categorical or takes zero for missing")
        goes_left = bool(kind & _DEFAULT_LEFT) if missing == _MISSING_NAN else threshold >= 0
        yield smaller if goes_left else larger


def _numbers(fields: Mapping[str, str], key: str, count: int, kind: type[Number]) -> list[Number]:
    try:
        numbers = [kind(word) for word in fields[key].split()]
    except (KeyError, ValueError) as fault:
        raise _malformed(f"a tree lacks a readable `{key}`") from fault
    if len(numbers) != count:
        raise _malformed(f"a tree has {len(numbers)} of `{key}`, {count} are needed")
    return numbers


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("model_malformed", text)
