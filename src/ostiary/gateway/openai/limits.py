"""How much one request to a language model may hold."""

import msgspec


class AskLimits(msgspec.Struct, frozen=True):
    """Bounds of one request; ``FaultyInputError`` beyond each.

    Attributes:
        messages: messages, or items of input.
        parts: content parts in all messages together.
        tools: tools that are offered.
        text: characters of one text.
        texts: texts in the whole request, hidden ones in unusual fields too.
        inputs: texts of one request for embeddings.
        choices: answers to one question (``n``).
        output: tokens of one answer; what asks for more is answered with this.
    """

    messages: int = 512
    parts: int = 2048
    tools: int = 128
    text: int = 400_000
    texts: int = 8192
    inputs: int = 512
    choices: int = 8
    output: int = 16_384


DEFAULTS = AskLimits()
