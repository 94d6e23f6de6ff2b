"""A tree told by arrays of children must be one tree: from the root every node once, and nothing beside it.

A predictor follows the indices without looking: one that points outside reads foreign memory, one that points back
never ends.

>>> check_tree([1, -1], [-2, -3], is_leaf=lambda child: child < 0)
[-2, -1, -3]
"""

from collections.abc import Callable, Sequence

from ostiary.artifacts.formats.misfit import Misfit


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
    waiting = [0] if len(left) else []
    while waiting:
        node = waiting.pop()
        if not 0 <= node < len(left):
            raise Misfit("format_tree_shape", "a tree points outside itself")
        if seen[node]:
            raise Misfit("format_tree_shape", "a node of a tree has two parents")
        seen[node] = 1
        for child in (left[node], right[node]):
            (leaves if is_leaf(child) else waiting).append(child)
    if not all(seen):
        raise Misfit("format_tree_shape", "a tree has nodes that nothing leads to")
    return leaves
