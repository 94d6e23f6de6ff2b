"""Texts made from patterns that we wrote: attacks, instructions in data, ordinary requests, and what carries them.

- A carrier is what a sentence comes in: a value of JSON, a cell, a comment, a line of a mail. Attacks and
  ordinary sentences get the same ones, so that it says nothing.

>>> import numpy as np
>>> fill("{a} b", {"a": ["x"]}, np.random.default_rng(1))
'x b'
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

_SLOT: Final = re.compile(r"\{(\w+)\}")
_DEEPEST: Final = 4
_CARRIERS: Final = (
    "'{key}': '{text}'",
    '"{key}": "{text}"',
    '{{"{key}": "{text}"',
    "{key}: {text}",
    "- {text}",
    "* {text}",
    "> {text}",
    "# {text}",
    "// {text}",
    "<!-- {text} -->",
    "<p>{text}</p>",
    "<td>{text}</td>",
    "| {word} | {text} |",
    "| {text} | {number} |",
    "{word},{number},{text}",
    '"{text}"',
    "({text})",
    "[{text}]",
    "*** {text} ***",
    "{number}. {text}",
    "Hi {word}, {text}",
    "Comment: {text}",
    "{text} Best regards, {word}",
    "{text} {word} {number}",
)
_KEYS: Final = (
    "content", "body", "description", "text", "note", "title", "comment", "message", "snippet", "review", "subject",
    "summary", "details", "bio", "name", "address", "caption", "reply",
)  # fmt: skip
_WORDS: Final = ("Anna", "Report", "Blue", "Room 4", "Paris", "Tom", "Invoice", "draft", "Maria", "Q3", "north", "Item")

Rng = np.random.Generator


def read(path: Path) -> Any:
    """Return what a file of patterns holds."""
    return msgspec.json.decode(path.read_bytes())


def pick(rng: Rng, items: Sequence[Any]) -> Any:
    """Return one of ``items``."""
    return items[int(rng.integers(len(items)))]


def fill(pattern: str, slots: Mapping[str, Sequence[str]], rng: Rng, depth: int = 0) -> str:
    """Return ``pattern`` with every slot filled; ``NAME_low`` is a filler of ``NAME`` that begins small."""

    def one(match: re.Match[str]) -> str:
        name = match.group(1)
        low = name.removesuffix("_low")
        if low not in slots or depth >= _DEEPEST:
            return match.group()
        text = fill(pick(rng, slots[low]), slots, rng, depth + 1)
        return text[:1].lower() + text[1:] if low != name and not text.startswith("I ") else text

    return " ".join(part for part in _SLOT.sub(one, pattern).split(" ") if part)


def texts(slots: Mapping[str, Sequence[str]], count: int, rng: Rng) -> Iterator[str]:
    """Yield up to ``count`` different texts of the patterns."""
    seen = set[str]()
    for _ in range(count * 2):
        text = fill(pick(rng, slots["patterns"]), slots, rng)
        if text not in seen and len(seen) < count:
            seen.add(text)
            yield text


def carried(text: str, rng: Rng) -> str:
    """Return ``text`` in a carrier."""
    carrier: str = pick(rng, _CARRIERS)
    return carrier.format(text=text, key=pick(rng, _KEYS), word=pick(rng, _WORDS), number=int(rng.integers(1, 999)))


def shouted(text: str, rng: Rng) -> str:
    """Return ``text`` as some write it: in capitals, in small letters, with more signs, or without its last one."""
    change = int(rng.integers(6))
    ways = (text.upper(), text.lower(), text + "!!!", text.rstrip(".!?"), text.replace(",", ""), text)
    return ways[change]
