"""Finds every text of a request, wherever it stands, and gives each the label of what it stands in.

- What is known to hold a text is read by name; every other string beside it is a text as well: a name, a description,
  an address, a reason. Nothing goes to a model that was not looked at, or labelled as what nobody can look into.
- Images, sounds and files are ``uninspected``. Their addresses must be ``data:`` or lead to a host that is allowed:
  whoever serves the model would fetch them from inside its network (CWE-918).
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.openai.annotations import annotated
from ostiary.gateway.openai.asked import EXTENSION, Piece
from ostiary.gateway.openai.limits import AskLimits
from ostiary.vocabulary.labels import Label

INVALID: Final = "invalid_value"
TOO_MUCH: Final = "request_too_large"
UNSUPPORTED: Final = "unsupported_value"
ADDRESS: Final = "image_url_refused"
_OPAQUE: Final = frozenset({"image_url", "input_image", "input_audio", "file", "input_file", "image", "audio"})
_TEXTUAL: Final = frozenset({"text", "input_text", "output_text", "refusal", "summary_text", "reasoning_text"})
_TEXT_KEY: Final = {"refusal": "refusal"}
_BYTES: Final = frozenset({"data", "file_data", "image_url", "url"})
_SHORT: Final = 2048
_WORD: Final = 32


class Collector:
    """Gathers the texts of one request."""

    def __init__(self, limits: AskLimits, image_hosts: frozenset[str] = frozenset()) -> None:
        """Keep to ``limits``; pictures may be fetched from ``image_hosts`` by whoever serves the model."""
        self._limits = limits
        self._hosts = image_hosts
        self._parts = 0
        self.pieces: list[Piece] = []

    def text(self, text: str, label: Label, place: str) -> None:
        """Take one text.

        Raises:
            FaultyInputError: it is too long, or there are too many.
        """
        if not text:
            return
        if len(text) > self._limits.text:
            raise FaultyInputError(TOO_MUCH, f"one text has more than {self._limits.text} characters", place)
        if len(self.pieces) >= self._limits.texts:
            raise FaultyInputError(TOO_MUCH, f"the request holds more than {self._limits.texts} texts", place)
        self.pieces.append(Piece(text, label, place))

    def all(self, value: Any, label: Label, place: str, but: Iterable[str] = ()) -> None:
        """Take every string in ``value``, keys that are no plain names too; ``but`` are members that were read."""
        if isinstance(value, str):
            self.text(value, label, place)
        elif isinstance(value, list):
            for number, one in enumerate(value):
                self.all(one, label, f"{place}[{number}]")
        elif isinstance(value, dict):
            for name, one in value.items():
                if name not in but:
                    if len(name) > _WORD or not name.isidentifier() or not name.isascii():
                        self.text(name, label, f"{place} (name)")
                    self.all(one, label, f"{place}.{name}")

    def content(self, content: Any, label: Label, place: str) -> Any:
        """Take the content of a message and return what may go on.

        Raises:
            FaultyInputError: it is no text and no list of parts, or holds a part of an unknown kind.
        """
        if content is None:
            return None
        if isinstance(content, str):
            self.text(content, label, place)
            return content
        if not isinstance(content, list):
            raise FaultyInputError(INVALID, "content is a text or a list of parts", place)
        return [self._part(part, label, f"{place}[{number}]") for number, part in enumerate(content)]

    def _part(self, part: Any, label: Label, place: str) -> dict[str, Any]:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise FaultyInputError(TOO_MUCH, f"the request holds more than {self._limits.parts} parts", place)
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise FaultyInputError(INVALID, "a part is an object with a `type`", place)
        label = annotated(label, part.get(EXTENSION), place)
        kind, onward = part["type"], {name: value for name, value in part.items() if name != EXTENSION}
        if kind in _TEXTUAL:
            key = _TEXT_KEY.get(kind, "text")
            if hidden := _OPAQUE & part.keys():  # servers that go by members would see more than a text
                raise FaultyInputError(INVALID, f"a part of type `{kind}` has no `{min(hidden)}`", place)
            if not isinstance(part.get(key), str):
                raise FaultyInputError(INVALID, f"a part of type `{kind}` has `{key}`", place)
            self.all(onward, label, place, but=("type",))
            return onward
        if kind in _OPAQUE:
            self._opaque(onward, label, place)
            return onward
        raise FaultyInputError(UNSUPPORTED, f"a part of type `{kind[:64]}` cannot be looked into", f"{place}.type")

    def _opaque(self, part: dict[str, Any], label: Label, place: str) -> None:
        hidden = msgspec.structs.replace(label, uninspected=True)
        if len(self.pieces) >= self._limits.texts:
            raise FaultyInputError(TOO_MUCH, f"the request holds more than {self._limits.texts} texts", place)
        self.pieces.append(Piece("", hidden, place))
        self._inside(part, hidden, place)

    def _inside(self, value: Any, label: Label, place: str) -> None:
        """Look at what stands around the bytes: addresses, names, descriptions."""
        for name, one in value.items() if isinstance(value, dict) else ():
            where = f"{place}.{name}"
            if isinstance(one, dict):
                self._inside(one, label, where)
            elif name in {"file_id", "id"} and isinstance(one, str):
                raise FaultyInputError(
                    UNSUPPORTED, "files that a model's server keeps are shared by all: send it", where
                )
            elif name in _BYTES or name.endswith("_url"):
                self._address(one, where, bare=name in {"data", "file_data"})
            elif name != "type":
                self.all(one, label, where)

    def _address(self, told: Any, place: str, *, bare: bool) -> None:
        if not isinstance(told, str):
            raise FaultyInputError(INVALID, "this is a text", place)
        if told.startswith("data:") or (bare and "://" not in told[:16]):
            return
        try:
            parts = urlsplit(told) if len(told) <= _SHORT else None
            fine = parts is not None and parts.scheme == "https" and parts.hostname in self._hosts and not parts.port
        except ValueError:
            fine = False
        if not fine or "@" in told:
            raise FaultyInputError(ADDRESS, "send the picture itself as a `data:` address: none is fetched", place)
