"""Conversations over whatever log and store a test has: one call puts them together."""

from pathlib import Path

from ostiary.audit import AuditLog
from ostiary.gateway.conversations import Changes, Conversations, Limits, Locks, Message, Parts
from ostiary.gateway.conversations.ports import ConversationStore
from ostiary.keys import EnvelopeKeys, FileWrapper, KeyWrapper
from ostiary.vocabulary.clock import Clock


def scene(
    log: AuditLog,
    store: ConversationStore,
    folder: Path,
    clock: Clock,
    limits: Limits | None = None,
    wrapper: KeyWrapper | None = None,
) -> Conversations:
    """Return conversations with keys in ``folder``, wrapped by files unless another wrapper is given."""
    keys = EnvelopeKeys(folder, wrapper or FileWrapper(folder / "kek"), clock)
    return Conversations(Parts(store, keys, Changes(log, clock), clock, limits or Limits(), Locks()))


def said(text: str, role: str = "user") -> Message:
    """Return a message in the chat format."""
    return Message("message", {"role": role, "content": text})
