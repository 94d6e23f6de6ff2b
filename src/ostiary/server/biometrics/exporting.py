"""What is held of a person's behaviour, told to that person: what there is, from how much, and what it says in words.

The numbers of embeddings and templates are told by their count alone: they say nothing to a person, and somebody who
stole an export could look for behaviour that comes near them.
"""

import math
from typing import Any, Final

import msgspec

from ostiary.biometrics.book import Standing, TemplateBook
from ostiary.biometrics.ports import STANDING

_DIGITS: Final = 3
_PRINTS: Final = "-prints"


class _Version(msgspec.Struct):
    serial: int


class _Enrolling(msgspec.Struct, array_like=True):
    row: bytes
    session: str
    traits: dict[str, float]


class _Kept(msgspec.Struct):
    """The same as ``kept.Kept``, readable without numpy: a person's right needs no extra."""

    model: str
    enrolling: tuple[_Enrolling, ...] = ()
    version: _Version | None = None


def held(book: TemplateBook, tenant: str, subject: str) -> dict[str, Any]:
    """Return all that is held of a person; empty when there is nothing."""
    parts = book.parts(tenant, subject)
    if not parts:
        return {}
    standing = msgspec.json.decode(parts.get(STANDING, b"{}"), type=Standing)
    told: dict[str, Any] = {"agreed": standing.agreed, "excused": standing.excused}
    named = {part: content for part, content in parts.items() if part != STANDING and not part.endswith(_PRINTS)}
    told["modalities"] = {part: _told(content) for part, content in named.items()}
    told["windows_remembered"] = {
        part.removesuffix(_PRINTS): len(msgspec.msgpack.decode(content))
        for part, content in parts.items()
        if part.endswith(_PRINTS)
    }
    plain: dict[str, Any] = msgspec.to_builtins(told)
    return plain


def _told(content: bytes) -> dict[str, Any]:
    kept = msgspec.msgpack.decode(content, type=_Kept)
    return {
        "model": kept.model,
        "version": 0 if kept.version is None else kept.version.serial,
        "enrolled": kept.version is not None,
        "windows": len(kept.enrolling),
        "sessions": len({one.session for one in kept.enrolling}),
        "usual": _usual([one.traits for one in kept.enrolling]),
    }


def _usual(all_traits: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for traits in all_traits for name in traits})
    values = {name: [traits[name] for traits in all_traits if name in traits] for name in names}
    return {name: round(math.exp(sum(found) / len(found)), _DIGITS) for name, found in values.items()}
