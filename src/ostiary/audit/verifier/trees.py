"""The verifier's own Merkle trees (RFC 6962), written another way than the writer's.

- A tree is grown leaf by leaf on a stack of complete subtrees; prefix roots fall out on the way.
- Proofs are checked by following the recursive definitions of RFC 6962 §2.1.1 and §2.1.2 directly.

>>> grown = Grower()
>>> grown.add(hash_leaf(b"one"))
>>> grown.root() == hash_leaf(b"one")
True
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

SIZE: Final = 32
NOTHING: Final = hashlib.sha256().digest()


def hash_leaf(data: bytes) -> bytes:
    """Return the leaf hash of an entry."""
    digest = hashlib.sha256(b"\x00")
    digest.update(data)
    return digest.digest()


def hash_pair(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    digest = hashlib.sha256(b"\x01")
    digest.update(left)
    digest.update(right)
    return digest.digest()


class Grower:
    """A tree that grows at its right edge; only the roots of complete subtrees are kept."""

    def __init__(self) -> None:
        """Start empty."""
        self.count = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash: as many merges as the old count has trailing one bits."""
        carry, count = leaf, self.count
        while count & 1:
            carry = hash_pair(self._peaks.pop(), carry)
            count >>= 1
        self._peaks.append(carry)
        self.count += 1

    def root(self) -> bytes:
        """Return the root: the peaks joined from the right."""
        if not self._peaks:
            return NOTHING
        *rest, total = self._peaks
        for peak in reversed(rest):
            total = hash_pair(peak, total)
        return total


def prefix_roots(leaves: Iterable[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """Return the root of each prefix that is asked for and reached."""
    wanted = set(sizes)
    grown = Grower()
    found = {0: grown.root()} if 0 in wanted else {}
    for leaf in leaves:
        grown.add(leaf)
        if grown.count in wanted:
            found[grown.count] = grown.root()
    return found


def root_over(leaves: Iterable[bytes]) -> bytes:
    """Return the root of a whole tree."""
    grown = Grower()
    for leaf in leaves:
        grown.add(leaf)
    return grown.root()


def includes(index: int, size: int, leaf: bytes, path: list[bytes], root: bytes) -> bool:
    """Return whether the audit path leads from the leaf to the root (RFC 6962 §2.1.1)."""
    if not 0 <= index < size or any(len(step) != SIZE for step in (leaf, *path)):
        return False
    try:
        found = _climb(index, size, leaf, path[::-1], 0)
    except IndexError:
        return False
    return found == (root, len(path))


def _climb(index: int, size: int, leaf: bytes, path: list[bytes], used: int) -> tuple[bytes, int]:
    """Return the hash of the subtree and how many steps, taken from the root downwards, it used up."""
    if size == 1:
        return leaf, used
    left = _half(size)
    sibling = path[used]
    if index < left:
        below, count = _climb(index, left, leaf, path, used + 1)
        return hash_pair(below, sibling), count
    below, count = _climb(index - left, size - left, leaf, path, used + 1)
    return hash_pair(sibling, below), count


def extends(old_size: int, size: int, old_root: bytes, root: bytes, path: list[bytes]) -> bool:
    """Return whether the tree grew from the old one (RFC 6962 §2.1.2)."""
    if not 0 <= old_size <= size or any(len(step) != SIZE for step in path):
        return False
    if old_size == 0:
        return not path and old_root == NOTHING and len(root) == SIZE
    if old_size == size:
        return not path and old_root == root
    steps = iter(path)
    try:
        found = _grow(old_size, size, old_root, steps, whole=True)
    except StopIteration:
        return False
    return found == (old_root, root) and next(steps, None) is None


def _grow(old: int, size: int, known: bytes, steps: Iterator[bytes], *, whole: bool) -> tuple[bytes, bytes]:
    """Return the old and the new hash of a subtree; the steps come from the leaves upwards."""
    if old == size:
        seen = known if whole else next(steps)
        return seen, seen
    left = _half(size)
    if old <= left:
        before, after = _grow(old, left, known, steps, whole=whole)
        return before, hash_pair(after, next(steps))
    before, after = _grow(old - left, size - left, known, steps, whole=False)
    sibling = next(steps)
    return hash_pair(sibling, before), hash_pair(sibling, after)


def _half(size: int) -> int:
    half = 1
    while half * 2 < size:
        half *= 2
    return half
