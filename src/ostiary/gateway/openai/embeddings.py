"""Reads requests to ``/embeddings``; numbers of tokens instead of texts are refused: nobody could look at them."""

from typing import Any

from ostiary.errors import FaultyInputError
from ostiary.gateway.openai.asked import LlmAsked
from ostiary.gateway.openai.collecting import INVALID, TOO_MUCH
from ostiary.gateway.openai.reader import Reader


def read(told: dict[str, Any], reader: Reader) -> LlmAsked:
    """Return what a request asks.

    Raises:
        FaultyInputError: it is malformed.
    """
    model, given = reader.name(told, "model"), told.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise FaultyInputError(INVALID, "`input` is a text or a list of texts, none of them empty", "input")
    if len(texts) > reader.limits.inputs:
        raise FaultyInputError(TOO_MUCH, f"more than {reader.limits.inputs} texts", "input")
    if told.get("encoding_format") not in (None, "float", "base64"):
        raise FaultyInputError(INVALID, "`encoding_format` is `float` or `base64`", "encoding_format")
    for number, text in enumerate(texts):
        reader.collector.text(text, reader.asker, f"input[{number}]")
    reader.extras({name: value for name, value in told.items() if name != "encoding_format"})
    body = {name: value for name, value in told.items() if name != "user" and value is not None}
    return LlmAsked(face="embeddings", model=model, body={**body, "input": texts})
