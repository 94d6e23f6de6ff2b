"""Conversations, encrypted at rest under keys of their users (ADR-0038)."""

from ostiary.gateway.conversations.changes import Changes
from ostiary.gateway.conversations.conversations import Conversations
from ostiary.gateway.conversations.messages import Conversation, Limits, Message, Transcript
from ostiary.gateway.conversations.parts import Locks, Parts
from ostiary.gateway.conversations.ports import ConversationStore
from ostiary.gateway.conversations.rotation import Progress, Rewrapped, Rotation
from ostiary.gateway.conversations.shredding import Shredding
from ostiary.gateway.conversations.verifying import Verified, verify

__all__ = [
    "Changes",
    "Conversation",
    "ConversationStore",
    "Conversations",
    "Limits",
    "Locks",
    "Message",
    "Parts",
    "Progress",
    "Rewrapped",
    "Rotation",
    "Shredding",
    "Transcript",
    "Verified",
    "verify",
]
