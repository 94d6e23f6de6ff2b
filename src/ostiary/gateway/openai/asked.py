"""What was read of one request: every text in it with its label, and the body that may go on to a model."""

from typing import Any, Final, Literal

import msgspec

from ostiary.vocabulary.labels import Label

Face = Literal["chat", "responses", "embeddings"]
EXTENSION: Final = "ostiary"
"""Member of a message or part in which an application labels it; it never goes on."""


class Piece(msgspec.Struct, frozen=True):
    """One text of a request.

    Attributes:
        text: what it says; empty for what nobody can look into.
        label: where it comes from.
        place: where it stood, as ``messages[3].content[0].text``.
    """

    text: str
    label: Label
    place: str


class LlmAsked(msgspec.Struct, kw_only=True):
    """One request, read.

    Attributes:
        face: which of the three kinds.
        model: as the caller named it.
        body: what may go on; only what was read stands in it.
        pieces: all texts with their labels, in order.
        messages: the messages in the form of chat, with what was said of where they come from: for the judgement of
            tool calls, and to be kept.
        stream: whether events are wanted instead of one answer.
        usage_wanted: whether a streaming chat wants its last chunk to tell the usage.
        output: the most tokens of one answer.
        choices: how many answers.
        tools: names of the tools that are offered.
        store: whether the conversation is to be kept.
        previous: id of the response that this one goes on from.
        conversation: name of the conversation, as the caller tells it; then the id under which it is kept.
        title: its name, where it has one.
        earlier: those of ``messages`` that were kept before.
        copied: what is kept once more, where the question goes on from an earlier answer.
    """

    face: Face
    model: str
    body: dict[str, Any]
    pieces: tuple[Piece, ...] = ()
    messages: tuple[dict[str, Any], ...] = ()
    stream: bool = False
    usage_wanted: bool = False
    output: int = 0
    choices: int = 1
    tools: tuple[str, ...] = ()
    store: bool = False
    previous: str = ""
    conversation: str = ""
    title: str = ""
    earlier: tuple[dict[str, Any], ...] = ()
    copied: tuple[Any, ...] = ()
