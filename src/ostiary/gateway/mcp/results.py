"""What a server says, taken apart: texts to be looked at, tools to be listed, a result built anew from what stays.

- Every text of a result is looked at, wherever it stands: a field that nobody reads today is read by a model tomorrow.
- What cannot be looked into (images, audio, blobs) is counted: it makes the session ``uninspected``.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ostiary.errors import FaultyInputError

MAX_TEXTS: Final = 4096
_BLOBS: Final = frozenset({"blob", "data"})
_MEDIA: Final = frozenset({"image", "audio"})
Change = Callable[[str], str]


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in ``value`` that is not a blob, names of members included.

    Raises:
        FaultyInputError: ``mcp_message_too_large``: there are too many.
    """
    for count, text in enumerate(_texts(value)):
        if count >= MAX_TEXTS:
            raise FaultyInputError("mcp_message_too_large", f"a result has at most {MAX_TEXTS} texts")
        yield text


def changed(value: Any, change: Change) -> Any:
    """Return ``value`` with every text of it changed; names and blobs stay as they are."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [changed(one, change) for one in value]
    if isinstance(value, dict):
        blobs = _blobs_in(value)
        return {name: one if name in blobs else changed(one, change) for name, one in value.items()}
    return value


def holds_media(value: Any) -> bool:
    """Return whether something in ``value`` cannot be looked into."""
    if isinstance(value, dict):
        return bool(_blobs_in(value)) or any(holds_media(one) for one in value.values())
    return isinstance(value, list) and any(holds_media(one) for one in value)


def listed(result: Mapping[str, Any], keep: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return a list of tools with those that ``keep`` keeps; what is no tool is dropped."""
    tools = result.get("tools")
    kept = [one for one in tools if isinstance(one, dict) and keep(one)] if isinstance(tools, list) else []
    return {**result, "tools": kept}


def withheld(method: str, result: Mapping[str, Any], code: str, text: str) -> dict[str, Any] | None:
    """Return the result that takes a withheld one's place; ``None`` where the protocol has none and an error must."""
    told = f"{text} ({code})"
    if method == "tools/call":
        kind = {"resultType": result["resultType"]} if result.get("resultType") == "complete" else {}
        return {**kind, "content": [{"type": "text", "text": told}], "isError": True}
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        blobs = _blobs_in(value)
        for name, one in value.items():
            yield name
            if name not in blobs:
                yield from _texts(one)


def _blobs_in(value: Mapping[str, Any]) -> frozenset[str]:
    if value.get("type") in _MEDIA:
        return _BLOBS & value.keys()
    return frozenset({"blob"} & value.keys()) if "uri" in value else frozenset()
