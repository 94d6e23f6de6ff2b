"""What a conversation holds, and how much of it: messages with their labels, tool calls and results, embeddings.

>>> one = Message("message", {"role": "user", "content": "hello"})
>>> decode(encode(one, Limits())) == one
True
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from ostiary.errors import FaultyInputError, VerificationError
from ostiary.vocabulary.labels import MAX_DOCUMENTS, Label, SessionLabel, join
from ostiary.vocabulary.unreadable import UNREADABLE

Kind = Literal["message", "tool_call", "tool_result", "embedding", "response"]
_PAIRS: Final = 16
_NAME: Final = 64
_VALUE: Final = 512
T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True):
    """How much may be kept.

    Attributes:
        message_bytes: of one message, encoded.
        messages: of one conversation.
        bytes: of one conversation, all messages encoded.
        batch: messages of one append.
        per_user: conversations of one user.
        title: characters.
        epoch_seals: after so many seals a user's data key is replaced.
    """

    message_bytes: int = 1 << 20
    messages: int = 10_000
    bytes: int = 64 << 20
    batch: int = 256
    per_user: int = 1_000
    title: int = 512
    epoch_seals: int = 1 << 24


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of a conversation.

    Attributes:
        kind: what it is.
        content: any JSON value, such as a message in the chat format.
        labels: where its parts come from.
        at_ns: when it was appended.
        session: what the session was labelled when it was written, where that is known.
    """

    kind: Kind
    content: Any
    labels: tuple[Label, ...] = ()
    at_ns: int = 0
    session: SessionLabel | None = None


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a conversation as a whole.

    Attributes:
        count: how many messages it has.
        link: the end of the chain.
        size: of all messages, encoded.
        title: words for its owner.
        metadata: pairs for its owner's application.
        label: the join of all labels in it.
    """

    count: int
    link: bytes
    size: int = 0
    title: str = ""
    metadata: dict[str, str] = {}
    label: SessionLabel | None = None


class Conversation(msgspec.Struct, frozen=True):
    """One conversation as its owner sees it, without its messages."""

    id: str
    title: str
    metadata: dict[str, str]
    count: int
    size: int
    label: SessionLabel | None
    generation: int
    created_ns: int
    updated_ns: int


class Transcript(msgspec.Struct, frozen=True):
    """A conversation with messages of it, from ``start`` on."""

    conversation: Conversation
    start: int
    messages: tuple[Message, ...]


def encode(message: Message, limits: Limits) -> bytes:
    """Return a message as bytes.

    Raises:
        FaultyInputError: ``message_invalid`` or ``message_too_large``.
    """
    try:
        encoded = msgspec.msgpack.encode(message)
    except (TypeError, ValueError, RecursionError, OverflowError):
        raise FaultyInputError("message_invalid", "a message must be a JSON value") from None
    if len(encoded) > limits.message_bytes:
        text = f"a message has {len(encoded)} bytes, {limits.message_bytes} are allowed"
        raise FaultyInputError("message_too_large", text)
    return encoded


def decode(opened: bytes) -> Message:
    """Return a message from its bytes."""
    return _decoded(opened, Message)


def encode_head(head: Head) -> bytes:
    """Return a head as bytes."""
    return msgspec.msgpack.encode(head)


def decode_head(opened: bytes) -> Head:
    """Return a head from its bytes."""
    return _decoded(opened, Head)


def joined_label(tenant: str, before: SessionLabel | None, messages: Sequence[Message]) -> SessionLabel | None:
    """Return what a conversation's label becomes with these messages; it never loosens."""
    for message in messages:
        before = join(tenant, message.labels, before) if message.labels else before
        if message.session is not None:
            before = _both(tenant, before, message.session)
    return before


def _both(tenant: str, before: SessionLabel | None, more: SessionLabel) -> SessionLabel:
    one = before or SessionLabel(tenant)
    documents = tuple(dict.fromkeys((*one.documents, *more.documents)))
    return SessionLabel(
        tenant=tenant,
        untrusted=one.untrusted or more.untrusted,
        confidentiality=max(one.confidentiality, more.confidentiality),
        uninspected=one.uninspected or more.uninspected,
        foreign=one.foreign or more.foreign or more.tenant != tenant,
        documents=documents[:MAX_DOCUMENTS],
        more_documents=one.more_documents or more.more_documents or len(documents) > MAX_DOCUMENTS,
    )


def checked_title(title: str, limits: Limits) -> str:
    """Return a title.

    Raises:
        FaultyInputError: ``title_too_long`` or ``title_invalid``.
    """
    if len(title) > limits.title:
        raise FaultyInputError("title_too_long", f"a title has {limits.title} characters at most")
    if not _encodes(title):
        raise FaultyInputError("title_invalid", "a title is a text that can be encoded")
    return title


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata: 16 pairs at most, names of 64 characters, values of 512, as OpenAI's interfaces bound them.

    Raises:
        FaultyInputError: ``metadata_invalid``.
    """
    pairs: dict[Any, Any] = dict(metadata)
    fits = all(
        isinstance(name, str) and isinstance(value, str) and len(name) <= _NAME and len(value) <= _VALUE
        for name, value in pairs.items()
    )
    if len(pairs) > _PAIRS or not fits or not all(_encodes(name + value) for name, value in pairs.items()):
        text = f"metadata are {_PAIRS} pairs of texts at most, names of {_NAME} and values of {_VALUE} characters"
        raise FaultyInputError("metadata_invalid", text)
    return pairs


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _decoded(opened: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(opened, type=kind)
    except UNREADABLE:
        # It opened under the right key at the right place: another version of ours sealed it.
        raise VerificationError("sealed_data_refused", "this was sealed by another version of the program") from None
