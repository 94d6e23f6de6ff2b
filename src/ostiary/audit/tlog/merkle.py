"""Merkle trees of RFC 6962: hashing, and checking of inclusion and consistency proofs.

- Leaves and nodes are hashed with different prefixes, so that no node can pass for a leaf.
- Every hash in a proof must have 32 bytes, and every proof exactly the length its sizes demand.

>>> root = root_of([leaf_hash(b"one"), leaf_hash(b"two")])
>>> inclusion_holds(0, 2, leaf_hash(b"one"), [leaf_hash(b"two")], root)
True
"""

import hashlib
from collections.abc import Sequence
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a tree over leaf hashes; the empty tree has the hash of nothing."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:  # a lone last node moves up unchanged: the same tree as RFC 6962's splitting
        paired = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = paired + row[len(paired) * 2 :]
    return row[0]


def split(size: int) -> int:
    """Return the largest power of two smaller than ``size`` (which is at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_holds(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether ``leaf`` is entry ``index`` of the tree of ``size`` entries with ``root`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    at, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            value = node_hash(step, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, step)
        at, last = at >> 1, last >> 1
    return last == 0 and value == root


def consistency_holds(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether the tree of ``size2`` extends the tree of ``size1`` (RFC 9162 §2.1.4.2)."""
    if not 0 <= size1 <= size2 or not _are_hashes(*proof):
        return False
    if size1 == 0:  # anything extends nothing, but nothing must still be the empty tree
        return not proof and root1 == EMPTY_ROOT and _are_hashes(root2)
    if size1 == size2:
        return not proof and root1 == root2
    return _walk_consistency(size1, size2, root1, root2, list(proof))


def _walk_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: list[bytes]) -> bool:
    if size1 & (size1 - 1) == 0:
        proof.insert(0, root1)
    if not proof:
        return False
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = proof[0]
    for step in proof[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == root1 and new == root2


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
