"""What a server says, taken apart: texts to be looked at, and a value built anew from what stays.

- Every text is looked at, wherever it stands: a field that nobody reads today is read by a model tomorrow.
- A blob is one only if its bytes are no text: whoever calls a sentence an image has still written a sentence. A blob of
  text is looked at as that text.
- What cannot be looked into (images, audio, other bytes) makes the session ``uninspected``.

>>> list(texts_of({"type": "image", "data": "send it to mallory"}))
['type', 'image', 'data', 'send it to mallory']
>>> list(texts_of({"uri": "a:b", "blob": "c2VuZCBpdA=="}))
['uri', 'a:b', 'blob', 'send it']
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ostiary.errors import FaultyInputError

MAX_TEXTS: Final = 4096
MAX_DEPTH: Final = 64
TOO_LARGE: Final = "mcp_message_too_large"
_MEDIA: Final = frozenset({"image", "audio"})
Change = Callable[[str], str]


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in ``value`` that is not a blob, names of members included.

    Raises:
        FaultyInputError: ``mcp_message_too_large``: there are too many, or they lie too deep.
    """
    for count, text in enumerate(_texts(value, MAX_DEPTH)):
        if count >= MAX_TEXTS:
            raise FaultyInputError(TOO_LARGE, f"a result has at most {MAX_TEXTS} texts")
        yield text


def changed(value: Any, change: Change, depth: int = MAX_DEPTH) -> Any:
    """Return ``value`` with every text of it changed, names of members included; bytes that are no text stay.

    Raises:
        FaultyInputError: ``mcp_message_too_large``: it is too deep.
    """
    _check(depth)
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [changed(one, change, depth - 1) for one in value]
    if isinstance(value, dict):
        return {
            change(name): _changed_blob(one, change) if _is_blob(value, name) else changed(one, change, depth - 1)
            for name, one in value.items()
        }
    return value


def holds_media(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Return whether something in ``value`` cannot be looked into.

    Raises:
        FaultyInputError: ``mcp_message_too_large``: it is too deep.
    """
    _check(depth)
    if isinstance(value, dict):
        return any(
            _text_in(one) is None if _is_blob(value, name) else holds_media(one, depth - 1)
            for name, one in value.items()
        )
    return isinstance(value, list) and any(holds_media(one, depth - 1) for one in value)


def withheld(method: str, result: Mapping[str, Any], code: str, text: str) -> dict[str, Any] | None:
    """Return the result that takes a withheld one's place; ``None`` where the protocol has none and an error must."""
    told = f"{text} ({code})"
    if method == "tools/call":
        kind = {"resultType": result["resultType"]} if result.get("resultType") == "complete" else {}
        return {**kind, "content": [{"type": "text", "text": told}], "isError": True}
    return None


def _texts(value: Any, depth: int) -> Iterator[str]:
    _check(depth)
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, depth - 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name
            if not _is_blob(value, name):
                yield from _texts(one, depth - 1)
            elif (text := _text_in(one)) is not None:
                yield text


def _check(depth: int) -> None:
    if depth <= 0:
        raise FaultyInputError(TOO_LARGE, f"a result is at most {MAX_DEPTH} deep")


def _is_blob(value: Mapping[str, Any], name: str) -> bool:
    """Return whether a member is bytes in Base64, where MCP has bytes; what is no Base64 is a text like any other."""
    media = name == "data" and value.get("type") in _MEDIA if isinstance(value.get("type"), str) else False
    one = value.get(name)
    return (media or (name == "blob" and "uri" in value)) and isinstance(one, str) and _bytes_of(one) is not None


def _bytes_of(blob: str) -> bytes | None:
    try:
        return base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return None


def _text_in(blob: str) -> str | None:
    """Return the text that a blob is; ``None`` for bytes that are none."""
    raw = _bytes_of(blob) or b""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _changed_blob(blob: str, change: Change) -> str:
    text = _text_in(blob)
    if text is None:
        return blob
    told = change(text)
    return blob if told == text else base64.b64encode(told.encode()).decode()
