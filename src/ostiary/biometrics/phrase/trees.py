"""Boosted trees as tables, walked for many rows at once: no code and no text of a learner is read with a model.

- Parents come before children, so every walk ends; a leaf leads to itself.
- Tables are ``[trees, nodes]``: column looked at, threshold (at or below: left), both children, value.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ostiary.artifacts.tensors import Array
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

NAMES: Final = ("column", "threshold", "left", "right", "value")
_CHUNK: Final = 1_024
_MOST_NODES: Final = 1_024


class Trees:
    """Trees whose values are added up."""

    def __init__(self, tables: Mapping[str, Array], columns: int) -> None:
        """Check the tables and lay them out flat.

        Raises:
            FaultyInputError: ``biometrics_model_malformed``.
        """
        if any(name not in tables for name in NAMES):
            raise _malformed("a table of the trees is missing")
        parts = [tables[name] for name in NAMES]
        column, threshold, left, right, value = parts
        if column.ndim != 2 or any(part.shape != column.shape for part in parts):  # noqa: PLR2004 - trees and nodes
            raise _malformed("the trees' tables have different shapes")
        if not 0 < column.shape[1] <= _MOST_NODES or any(part.dtype.kind != "i" for part in (column, left, right)):
            raise _malformed("a tree has too many nodes, or places that are no whole numbers")
        _check(column, left, right, columns)
        if not np.isfinite(value).all() or not (threshold > -np.inf).all():
            raise _malformed("a number of the trees is not finite")
        self.tables = {name: tables[name] for name in NAMES}
        start = np.arange(len(column), dtype=np.int64)[:, None] * column.shape[1]
        self._start, self._depth = start.ravel(), _depth(left, right)
        self._column, self._threshold, self._value = column.ravel(), threshold.ravel(), value.ravel()
        self._left, self._right = (left + start).ravel(), (right + start).ravel()

    def sums(self, rows: Floats) -> Floats:
        """Return the sum of the leaves that each row ``[n, columns]`` comes to, ``[n]``."""
        parts = [self._walk(rows[at : at + _CHUNK]) for at in range(0, len(rows), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _walk(self, rows: Floats) -> Floats:
        node = np.broadcast_to(self._start, (len(rows), len(self._start)))
        for _ in range(self._depth):
            looked = np.take_along_axis(rows, self._column[node].astype(np.int64), axis=1)
            node = np.where(looked <= self._threshold[node], self._left[node], self._right[node])
        total: Floats = self._value[node].sum(axis=1)
        return total


def _check(column: Array, left: Array, right: Array, columns: int) -> None:
    own = np.arange(column.shape[1])
    leaf = (left == own) & (right == own)
    inner = (left > own) & (right > own) & (left < column.shape[1]) & (right < column.shape[1])
    if not (leaf | inner).all() or (column < 0).any() or (column >= columns).any():
        raise _malformed("a tree leads nowhere, or back")


def _depth(left: Array, right: Array) -> int:
    """Return the longest way down: a node is one deeper than its parent."""
    level = np.zeros(left.shape, np.int64)
    tree = np.arange(len(left))
    for node in range(left.shape[1]):
        for child in (left[:, node], right[:, node]):
            inner = child > node
            level[tree[inner], child[inner]] = level[inner, node] + 1
    return int(level.max(initial=0))


def tables_of(dump: Mapping[str, Any]) -> dict[str, Array]:
    """Return the tables of a LightGBM booster's ``dump_model``."""
    trees = [_numbered(tree["tree_structure"]) for tree in dump["tree_info"]]
    size = max(len(tree) for tree in trees)
    own = np.arange(size)
    tables: dict[str, Array] = {
        "column": np.zeros((len(trees), size), np.int32),
        "threshold": np.full((len(trees), size), np.inf),
        "left": np.tile(own, (len(trees), 1)).astype(np.int32),
        "right": np.tile(own, (len(trees), 1)).astype(np.int32),
        "value": np.zeros((len(trees), size)),
    }
    for at, tree in enumerate(trees):
        for place, node in enumerate(tree):
            if "leaf_value" in node:
                tables["value"][at, place] = node["leaf_value"]
            else:
                tables["column"][at, place] = node["split_feature"]
                tables["threshold"][at, place] = node["threshold"]
                tables["left"][at, place], tables["right"][at, place] = node["places"]
    return tables


def _numbered(root: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a tree's nodes, parents first, each with its children's places."""
    nodes = [root]
    for node in nodes:
        if "leaf_value" not in node:
            node["places"] = (len(nodes), len(nodes) + 1)
            nodes += [node["left_child"], node["right_child"]]
    return nodes


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("biometrics_model_malformed", f"the model of phrases is malformed: {text}")
