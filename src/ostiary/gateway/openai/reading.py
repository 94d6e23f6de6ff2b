"""Reads requests: what is known goes on, what nobody could look at is refused, and each text gets its label.

- ``system`` and ``developer`` are the operator's words, ``user`` the asker's, ``tool`` and outputs of functions a
  tool's. What an application calls a document (``ostiary.document``) is data, whatever role it came in.
- Descriptions of tools, names, schemas and the asker's metadata are looked at as if the asker had written them.
- What the request says of another server's state (``previous_response_id``, ``store``, a cache key, files) stays here:
  that state is shared by all who come with the same key.

>>> asked = read("chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}]}, Reader("default", "user:ada"))
>>> [(piece.text, piece.label.channel.value) for piece in asked.pieces]
[('hi', 'user')]
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.openai import chat, embeddings, responses
from ostiary.gateway.openai.asked import Face, LlmAsked
from ostiary.gateway.openai.known import PARAMETERS, REFUSED
from ostiary.gateway.openai.reader import Reader

UNKNOWN: Final = "unknown_parameter"
UNSUPPORTED: Final = "unsupported_parameter"
_READERS: Final = {"chat": chat.read, "responses": responses.read, "embeddings": embeddings.read}


def read(face: Face, told: Mapping[str, Any], reader: Reader) -> LlmAsked:
    """Return what a request asks.

    Raises:
        FaultyInputError: with the code of OpenAI's kind and ``pointer`` as its ``param``.
    """
    known = PARAMETERS[face]
    for name in told:
        if name in REFUSED:
            raise FaultyInputError(UNSUPPORTED, REFUSED[name], name)
        if name not in known and name not in reader.extra:
            shown = name[:64] if name.isprintable() else "?"
            raise FaultyInputError(UNKNOWN, f"unknown parameter: `{shown}`", shown)
    asked = _READERS[face](dict(told), reader)
    return msgspec.structs.replace(asked, pieces=tuple(reader.collector.pieces))


__all__ = ["Reader", "read"]
