"""A tree told by arrays of children must be one tree: from the root every node once, and nothing beside it.

A predictor follows the indices without looking: one that points outside reads foreign memory, one that points back
never ends. To explain a prediction it calls itself at each level and makes room for the square of their number: some
ten thousand levels end its process or never end.

>>> check_tree([1, -1], [-2, -3], is_leaf=lambda child: child < 0)
[-2, -1, -3]
"""

from collections.abc import Callable, Sequence
from typing import Final

from ostiary.artifacts.formats.misfit import Misfit

MAX_LEVELS: Final = 1_024


def check_tree(left: Sequence[int], right: Sequence[int], *, is_leaf: Callable[[int], bool]) -> list[int]:
    """Check the inner nodes that ``left`` and ``right`` tell; return the leaves as they were met.

    Args:
        left: the left child of each inner node; node 0 is the root.
        right: the right child.
        is_leaf: whether a child is a leaf, whose number is not an index of ``left``.

    Raises:
        Misfit: ``format_tree_shape``.
    """
    if len(left) != len(right):
        raise Misfit("format_tree_shape", "a tree has not as many left as right children")
    leaves: list[int] = []
    seen = bytearray(len(left))
    level, levels = [0] if len(left) else [], 0
    while level:
        levels += 1
        if levels > MAX_LEVELS:
            raise Misfit("format_tree_shape", f"a tree has more than {MAX_LEVELS} levels")
        below: list[int] = []
        for node in level:
            if not 0 <= node < len(left):
                raise Misfit("format_tree_shape", "a tree points outside itself")
            if seen[node]:
                raise Misfit("format_tree_shape", "a node of a tree has two parents")
            seen[node] = 1
            for child in (left[node], right[node]):
                (leaves if is_leaf(child) else below).append(child)
        level = below
    if not all(seen):
        raise Misfit("format_tree_shape", "a tree has nodes that nothing leads to")
    return leaves
