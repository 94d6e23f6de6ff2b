"""The chain over a conversation's ciphertexts: what is cut off, put in between, moved or put back is noticed.

- ``link 0`` says whose chain it is; ``link n+1`` is the digest of ``link n`` with index, epoch and ciphertext of
  message ``n``. Each row carries the link before it; the head, sealed, carries the last one and the count.
- So any tail can be checked from its own first row to the head: whoever changes a row must change the sealed head.

>>> first = start("default", "0" * 32, "conv_1")
>>> row = MessageRow(0, 1, first, b"ciphertext")
>>> check((row,), 0, 1, after(row)) is None
True
"""

import struct
from collections.abc import Sequence

from ostiary.errors import VerificationError
from ostiary.gateway.conversations.ports import MessageRow
from ostiary.keys import equal, joined, sha256


def start(tenant: str, owner: str, conversation: str) -> bytes:
    """Return the link before the first message."""
    return sha256(joined(b"ostiary/chain/v1", tenant.encode(), owner.encode(), conversation.encode()))


def after(row: MessageRow) -> bytes:
    """Return the link behind a message."""
    return sha256(joined(row.previous, struct.pack(">QQ", row.index, row.epoch), row.sealed))


def check(rows: Sequence[MessageRow], begin: int, count: int, end: bytes, first: bytes | None = None) -> None:
    """Check that rows are messages ``begin`` to ``count`` of the chain that ends with ``end``.

    Args:
        rows: what storage gave.
        begin: the index of the first.
        count: of all messages, as the head says.
        end: the last link, as the head says.
        first: the link before message 0, where ``begin`` is 0.

    Raises:
        VerificationError: ``conversation_damaged``.
    """
    if [row.index for row in rows] != list(range(begin, count)):
        raise damaged("messages are missing, or there are too many")
    link = end
    for row in reversed(rows):
        if not equal(after(row), link):
            raise damaged("a message is not the one that was written")
        link = row.previous
    if begin == 0 and first is not None and not equal(link, first):
        raise damaged("it begins with another conversation's messages")


def damaged(text: str) -> VerificationError:
    """Return the error of a conversation that was tampered with."""
    return VerificationError("conversation_damaged", f"the conversation was tampered with: {text}")
