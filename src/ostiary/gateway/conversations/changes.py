"""Each change of a conversation and its record, together or not at all; and whether a conversation is the newest.

- The record's id is the conversation's with the generation, its payload the digest of the sealed head: ids and digests
  only. The log is signed, and witnessed where that is configured.
- A conversation whose next generation stands in the log was put back; one whose own generation does not, was never
  written. So an older copy of some rows is noticed at the next reading, an older copy of the whole database by whoever
  verifies the log against a checkpoint kept elsewhere.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Literal

import msgspec

from ostiary.audit import AuditLog
from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.gateway.conversations.ports import ConversationRow, Put
from ostiary.keys import random_bytes, sha256_hex
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.unreadable import UNREADABLE

KIND: Final = "conversation"
WAIT_S: Final = 10.0
CHANGED: Final = "conversation_changed"
FULL: Final = "conversation_full"
Action = Literal["create", "append", "describe", "reencrypt", "delete", "export", "reveal", "turn", "shred", "rewrap"]


class ChangeRecord(msgspec.Struct, frozen=True, omit_defaults=True, tag=KIND, tag_field="type"):
    """Payload of the record of a change.

    Attributes:
        action: what was done.
        conversation: the id; empty when it is all of a user's.
        generation: after it.
        head: SHA-256 of the sealed head; of an export, of what was handed out.
        owner: the keyed hash of the user.
        epoch: of the user's data key, after it.
        decision: the id of the decision that let it happen, or who did it.
    """

    action: Action
    conversation: str = ""
    generation: int = 0
    head: str = ""
    owner: str = ""
    epoch: int = 0
    decision: str = ""
    v: int = 1


class Changes:
    """Writes changes into the log, and reads them back."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        """Take both."""
        self._log = log
        self._clock = clock

    def commit(
        self, tenant: str, row: ConversationRow, action: Action, decision: str, change: Callable[[], Put]
    ) -> bool:
        """Make a change and its record; return false when it came too late.

        Raises:
            RefusedError: ``conversation_full``, or ``tenant_unknown``.
            UnavailableError: nothing can be written, or nobody knows in time whether it was.
        """
        told = ChangeRecord(action, row.conversation, row.generation, sha256_hex(row.head), row.owner, row.epoch)
        record_id = record_of(row.conversation, row.generation)
        try:
            self._write(tenant, record_id, msgspec.structs.replace(told, decision=decision), change)
        except RefusedError as no:
            if no.code == CHANGED:
                return False
            raise
        return True

    def note(self, tenant: str, told: ChangeRecord, change: Callable[[], Put] = lambda: Put.DONE) -> bool:
        """Like ``commit``, for what concerns all of a user or a tenant."""
        record_id = make_id("cvk", self._clock.now_ns(), random_bytes(RANDOM_BYTES))
        try:
            self._write(tenant, record_id, told, change)
        except RefusedError as no:
            if no.code == CHANGED:
                return False
            raise
        return True

    def was_ever(self, tenant: str, conversation: str) -> bool:
        """Return whether there ever was a conversation of this id."""
        return self._log.store.find_record(tenant, record_of(conversation, 1)) is not None

    def is_newest(self, tenant: str, row: ConversationRow) -> bool:
        """Return whether the log says that a row is the newest state of its conversation.

        Raises:
            VerificationError: ``conversation_damaged`` when the log says something else of this very generation.
        """
        written = self._log.get(tenant, record_of(row.conversation, row.generation))
        if written is None:
            raise VerificationError("conversation_damaged", "the conversation's state is not in the log")
        if written.payload is not None and _head(written.payload) != sha256_hex(row.head):
            raise VerificationError("conversation_damaged", "the conversation's state is not the one in the log")
        return self._log.store.find_record(tenant, record_of(row.conversation, row.generation + 1)) is None

    def _write(self, tenant: str, record_id: str, told: ChangeRecord, change: Callable[[], Put]) -> None:
        def effect(_: object) -> bytes:
            outcome = change()
            if outcome is Put.CHANGED:
                raise RefusedError(CHANGED, "the conversation was changed meanwhile")
            if outcome is Put.FULL:
                raise RefusedError(FULL, "there is no room for this")
            return msgspec.json.encode(told)

        _wait(self._log.append_effect(tenant, KIND, record_id, self._clock.now_ns(), effect))


def record_of(conversation: str, generation: int) -> str:
    """Return the id of the record of a generation."""
    return f"{conversation}.{generation}"


def _head(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=ChangeRecord).head
    except UNREADABLE:
        return ""


def _wait(written: Future[Any]) -> None:
    try:
        written.result(timeout=WAIT_S)
    except TimeoutError:
        raise UnavailableError("record_failed", "the change was not on disk in time") from None
