"""What the kernel would say to a read, from mode bits, owner, group and the POSIX ACL of each node on the way.

- The order is that of POSIX.1e: the owner's entry decides for the owner, a named user's for that user, then all groups
  together, then others. Whoever matches an earlier entry is not saved by a later one.
- The mask of an ACL bounds named users and all groups. Root is nobody here: no asker is uid 0.
- An ACL that cannot be read is none that lets anybody in.

>>> from ostiary.rag.rights import permits
>>> rule = (layer(Node(uid=7, gid=8, mode=0o640), READ),)
>>> [permits(rule, names(*who)) for who in ((7, (1,)), (9, (8,)), (9, (1,)))]
[True, True, False]
"""

import struct
from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.rag.rights import EVERYBODY, Layer, step

READ: Final = 4
PASS: Final = 1
XATTR: Final = "system.posix_acl_access"
_VERSION: Final = 2
_HEAD: Final = struct.Struct("<I")
_ENTRY: Final = struct.Struct("<HHI")
_MAX_ENTRIES: Final = 1024
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_KNOWN: Final = frozenset({_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER})


class Node(msgspec.Struct, frozen=True):
    """One file or directory as ``stat`` and its ACL attribute tell it."""

    uid: int
    gid: int
    mode: int
    acl: bytes | None = None


def names(uid: int, gids: Iterable[int]) -> frozenset[str]:
    """Return the principals of an account."""
    return frozenset({EVERYBODY, f"uid:{uid}", *(f"gid:{gid}" for gid in gids)})


def layer(node: Node, wanted: int) -> Layer:
    """Return who has the permission ``wanted`` (``READ`` or ``PASS``) on a node.

    Raises:
        FaultyInputError: ``acl_invalid``.
    """
    users, groups, other = _of_acl(node) if node.acl is not None else _of_mode(node)
    steps = [step((f"uid:{uid}",), allow=bool(bits & wanted)) for uid, bits in users]
    opened = [f"gid:{gid}" for gid, bits in groups if bits & wanted]
    closed = [f"gid:{gid}" for gid, bits in groups if not bits & wanted]
    # One of the asker's groups is enough; a group that is named without the permission keeps out whoever has no better.
    last = step((EVERYBODY,), allow=bool(other & wanted))
    found = (*steps, step(opened, allow=True), step(closed, allow=False), last)
    return tuple(one for one in found if one.principals)


_Entries = list[tuple[int, int]]


def _of_mode(node: Node) -> tuple[_Entries, _Entries, int]:
    return [(node.uid, node.mode >> 6 & 7)], [(node.gid, node.mode >> 3 & 7)], node.mode & 7


def _of_acl(node: Node) -> tuple[_Entries, _Entries, int]:
    entries = read_acl(node.acl or b"")
    masks = [bits for tag, bits, _ in entries if tag == _MASK]
    mask = masks[0] if masks else 7
    owner = [(node.uid, bits) for tag, bits, _ in entries if tag == _USER_OBJ]
    users = [(who, bits & mask) for tag, bits, who in entries if tag == _USER]
    groups = [(node.gid, bits & mask) for tag, bits, _ in entries if tag == _GROUP_OBJ]
    groups += [(who, bits & mask) for tag, bits, who in entries if tag == _GROUP]
    others = [bits for tag, bits, _ in entries if tag == _OTHER]
    return owner + users, groups, others[0] if others else 0


def read_acl(raw: bytes) -> list[tuple[int, int, int]]:
    """Return the entries (tag, permissions, id) of the attribute ``system.posix_acl_access``.

    Raises:
        FaultyInputError: ``acl_invalid``.
    """
    size = len(raw) - _HEAD.size
    if size < 0 or size % _ENTRY.size or size // _ENTRY.size > _MAX_ENTRIES or _HEAD.unpack_from(raw)[0] != _VERSION:
        raise FaultyInputError("acl_invalid", "the access-control list is none of version 2")
    found = [_ENTRY.unpack_from(raw, at) for at in range(_HEAD.size, len(raw), _ENTRY.size)]
    tags = [tag for tag, _, _ in found]
    if not _KNOWN.issuperset(tags) or any(tags.count(one) != 1 for one in (_USER_OBJ, _GROUP_OBJ, _OTHER)):
        raise FaultyInputError("acl_invalid", "the access-control list lacks an entry or has one that is not known")
    if tags.count(_MASK) > 1 or any(bits > 7 for _, bits, _ in found):  # noqa: PLR2004 - read, write, execute
        raise FaultyInputError("acl_invalid", "the access-control list has two masks, or permissions that are none")
    return found
