"""What came from where anybody can write, asked how a value stands in it: loose, for a value is tainted by it.

- As a whole **field** of a structured answer; in running text (**prose**); **decoded** from base64, hexadecimal,
  percent signs, escapes, letters turned by thirteen or backwards; split by spaces, dashes or lines.
- A field is **anchored** when the user named its record by another of its fields, and a value is **pointed** at when
  the user named both whom it is of and the source, and the source holds one such value only.
- Very short numbers are everywhere: in prose they count where they are called a number or stand in quotes.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Final
from urllib.parse import unquote

from ostiary.gateway.tools import shapes
from ostiary.gateway.tools.kinds import SHORT, TARGETS, Kind
from ostiary.gateway.tools.spoken import Spoken, stands_in
from ostiary.gateway.tools.structure import take_apart
from ostiary.inspection.text import MAX_CHARS, normalise

_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{12,8192}={0,2}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}[\s:]?){6,4096}")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\[nrt]")
_LETTERS: Final = re.compile(r"[a-z]{3,}")
_WORD: Final = re.compile(r"\w+")
_CALLED: Final = r"(?:\b(?:id|ids|no|nr|number|numbered|numero|número|nummer)[\s:=#.\"'`]{1,4}|[\"'`#])"
_LOOSE: Final = frozenset({Kind.DATE, Kind.AMOUNT, Kind.ID})
_FEW: Final = 3
_LONG_ENOUGH: Final = 8
_GRAM: Final = 6
_GRAMS: Final = 64
_TOKENS: Final = 256


class How(StrEnum):
    """How a value stands in what anybody could have written, mildest first."""

    NOT = "not"
    FIELD = "field"
    ANCHORED = "anchored"
    POINTED = "pointed"
    PROSE = "prose"
    DECODED = "decoded"


class Heard:
    """One answer that anybody could have written."""

    def __init__(self, text: str, *, named: bool = False, structured: bool = True) -> None:
        """Take the text; ``named`` when the user named the source, ``structured`` when it may be taken apart."""
        self.raw = text
        self.named = named
        self._structured = structured

    @cached_property
    def plain(self) -> str:
        """The text without disguise, folded: with what is hidden in it, unescaped."""
        text = self.raw
        if not text.isascii():
            text = "\n".join(_undressed(text[at : at + MAX_CHARS]) for at in range(0, len(text), MAX_CHARS))
        if "\\" in text:
            text = f"{text}\n{_ESCAPE.sub(_unescaped, text)}"
        if "&" in text:
            text = html.unescape(text)
        return text

    @cached_property
    def folded(self) -> str:
        """As it is compared."""
        return shapes.fold(self.plain)

    @cached_property
    def compact(self) -> str:
        """Letters and digits alone."""
        return shapes.compact(self.plain)

    @cached_property
    def parts(self) -> "tuple[tuple[tuple[str, str, int], ...], bool]":
        """The fields, and whether they are the tool's own structure."""
        apart = take_apart(self.raw, structured=self._structured)
        return tuple((field.text, field.raw, field.record) for field in apart.fields), apart.solid

    @cached_property
    def addresses(self) -> shapes.Addresses:
        """All addresses in it."""
        return shapes.addresses_in(self.plain)

    @cached_property
    def decoded(self) -> str:
        """What is encoded in it, decoded once and folded."""
        found = [unquote(self.plain)] if "%" in self.plain else []
        found += (_base64(match.group()) for match in islice(_TOKEN.finditer(self.plain), _TOKENS))
        found += (_hex(match.group()) for match in islice(_HEX.finditer(self.plain), _TOKENS))
        return shapes.fold("\n".join(text for text in found if text))

    @cached_property
    def turned(self) -> str:
        """Letters turned by thirteen, and everything backwards."""
        return f"{codecs.encode(self.folded, 'rot13')}\n{self.folded[::-1]}"

    @cached_property
    def hidden(self) -> str:
        """All that is encoded or turned in it."""
        return f"{self.decoded}\n{self.turned}"

    @cached_property
    def hidden_addresses(self) -> shapes.Addresses:
        """The addresses that are encoded or turned in it."""
        return shapes.addresses_in(self.hidden)

    @cached_property
    def days(self) -> frozenset[tuple[int, int]]:
        """The days in it."""
        return shapes.dates_in(self.plain)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """The records of the fields with a text."""
        found: dict[str, list[int]] = {}
        for text, _, record in self.parts[0]:
            found.setdefault(text, []).append(record)
        return found

    def how(self, value: str, kind: Kind, said: Spoken) -> How:
        """Return how ``value`` stands in it; ``said`` is what the user said."""
        wanted = shapes.fold(value)
        if not wanted or (len(wanted) < _FEW and not wanted.isdigit()):
            return How.NOT
        if len(value) > SHORT and kind not in TARGETS:
            return How.PROSE if self.quotes(wanted) else How.NOT
        found = shapes.addresses_in(value)
        return self._address(found, wanted, said) if found.all else self._words(value, wanted, kind, said)

    def quotes(self, wanted: str) -> bool:
        """Tell whether a long text repeats some words in a row, or an address."""
        if wanted in self.folded or shapes.addresses_in(wanted).all & self.addresses.all:
            return True
        words = wanted.split()
        step = max(2, len(words) // _GRAMS)
        return any(" ".join(words[at : at + _GRAM]) in self.folded for at in range(0, len(words) - _GRAM + 1, step))

    def _address(self, found: shapes.Addresses, wanted: str, said: Spoken) -> How:
        if self._has(found):
            return self._whole(found, said) or self._pointed(found, said)
        tight = shapes.compact(wanted)
        if len(tight) >= _LONG_ENOUGH and tight in self.compact:
            return How.PROSE
        if wanted in self.hidden or found.all & self.hidden_addresses.all:
            return How.DECODED
        return How.NOT

    def _has(self, found: shapes.Addresses) -> bool:
        mine = self.addresses
        return bool(found.all & mine.all) or any(stands_in(one, self.folded) for one in found.emails | found.links)

    def _whole(self, found: shapes.Addresses, said: Spoken) -> How | None:
        """Return how an address is a field of the tool's own structure; ``None`` when it is none, or not only."""
        fields, solid = self.parts
        if not solid:
            return None
        places = [
            record for _, raw, record in fields if shapes.is_address(raw) and shapes.addresses_in(raw).all >= found.all
        ]
        elsewhere = any(not shapes.is_address(raw) and shapes.addresses_in(raw).all & found.all for _, raw, _ in fields)
        if not places or elsewhere:
            return None
        return How.ANCHORED if any(self._anchored(record, said) for record in places) else How.FIELD

    def _pointed(self, found: shapes.Addresses, said: Spoken) -> How:
        """Return whether the user named the source and whom the one fitting address is of."""
        if not self.named or len(found.emails) != 1:
            return How.PROSE
        (email,) = found.emails
        people = _LETTERS.findall(email.split("@")[0])
        alike = [one for one in self.addresses.emails if set(_LETTERS.findall(one.split("@")[0])) & set(people)]
        named = bool(people) and all(word in said.words for word in people)
        return How.POINTED if named and len(self.addresses.emails) == len(alike) == 1 else How.PROSE

    def _words(self, value: str, wanted: str, kind: Kind, said: Spoken) -> How:  # noqa: PLR0911 - one line, one way
        fields, solid = self.parts
        days = shapes.dates_in(value) if kind is Kind.DATE else frozenset()
        whole = list(self._places.get(wanted, ()))
        if kind in _LOOSE:
            whole += [record for _, raw, record in fields if _same(value, raw, kind)]
        if whole:
            if kind is Kind.ID and self._called(wanted):
                return How.PROSE
            return How.ANCHORED if solid and any(self._anchored(record, said) for record in whole) else How.FIELD
        if days:
            return How.PROSE if days & self.days else How.NOT
        if len(wanted) <= _FEW and wanted.isdigit():
            return How.PROSE if self._called(wanted) else How.NOT
        if stands_in(wanted, self.folded) or (kind is Kind.AMOUNT and shapes.numbers_in(value) & self.numbers):
            return How.PROSE
        tight = shapes.compact(value)
        if len(tight) >= _LONG_ENOUGH and tight in self.compact:
            return How.PROSE
        return How.DECODED if len(wanted) >= _LONG_ENOUGH and wanted in self.hidden else How.NOT

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers in it."""
        return shapes.numbers_in(self.plain)

    def _called(self, wanted: str) -> bool:
        return re.search(f"{_CALLED}{re.escape(wanted)}\\b", self._prose) is not None

    @cached_property
    def _prose(self) -> str:
        return "\n".join(text for text, _, _ in self.parts[0] if " " in text)

    def _anchored(self, record: int, said: Spoken) -> bool:
        return record in self._named_records(said)

    def _named_records(self, said: Spoken) -> frozenset[int]:
        if self.__dict__.get("_said") is not said:
            self.__dict__["_said"] = said
            self.__dict__["_records"] = frozenset(
                record
                for text, _, record in self.parts[0]
                if len(text) > _FEW and not text.isdigit() and len(text) <= 4 * SHORT and stands_in(text, said.folded)
            )
        return self.__dict__["_records"]  # type: ignore[no-any-return]


class AllHeard:
    """All answers at once: whether a value stands in any of them in any way, at little cost."""

    def __init__(self, heard: Sequence[Heard]) -> None:
        """Put together what each of them is read as, so that both give the same answer."""
        self._heard = heard

    @cached_property
    def _folded(self) -> str:
        return "\n".join(one.folded for one in self._heard)

    @cached_property
    def _compact(self) -> str:
        return "\n".join(one.compact for one in self._heard)

    @cached_property
    def _hidden(self) -> str:
        return "\n".join(one.hidden for one in self._heard)

    @cached_property
    def _addresses(self) -> frozenset[str]:
        return frozenset[str]().union(*(one.addresses.all | one.hidden_addresses.all for one in self._heard))

    @cached_property
    def _numbers(self) -> frozenset[str]:
        return frozenset[str]().union(*(one.numbers for one in self._heard))

    @cached_property
    def _days(self) -> frozenset[tuple[int, int]]:
        return frozenset[tuple[int, int]]().union(*(one.days for one in self._heard))

    def lacks(self, value: str, kind: Kind) -> bool:
        """Tell whether a value stands in none of them."""
        wanted, found = shapes.fold(value), shapes.addresses_in(value)
        if len(value) > SHORT and kind not in TARGETS:
            return not any(one.quotes(wanted) for one in self._heard)
        tight = shapes.compact(value)
        numbers = shapes.numbers_in(value) if wanted[:1].isdigit() or wanted[-1:].isdigit() else frozenset[str]()
        days = shapes.dates_in(value) if kind is Kind.DATE else frozenset[tuple[int, int]]()
        return not (
            wanted in self._folded
            or (len(tight) >= _LONG_ENOUGH and tight in self._compact)
            or (found.all and found.all & self._addresses)
            or (numbers and numbers & self._numbers)
            or (days and days & self._days)
            or wanted in self._hidden
        )


def worst(found: Iterable[How]) -> How:
    """Return the worst of several answers."""
    order = list(How)
    return max(found, key=order.index, default=How.NOT)


def _same(value: str, raw: str, kind: Kind) -> bool:
    if kind is Kind.DATE:
        days = shapes.dates_in(value)
        return bool(days) and len(raw) <= SHORT and " " not in raw.strip()[:11].strip() and days == shapes.dates_in(raw)
    numeric = kind in {Kind.AMOUNT, Kind.ID} and value[:1].isdigit() and raw[:1].isdigit() and len(raw) < 32  # noqa: PLR2004
    return numeric and shapes.numbers_in(value) == shapes.numbers_in(raw) != frozenset()


def _undressed(text: str) -> str:
    seen = normalise(text)
    return "\n".join((seen.text, *(hidden.text for hidden in seen.hidden)))


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1) or match.group(2)
    return chr(int(code, 16)) if code else " "


def _base64(token: str) -> str:
    bare = token.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        text = base64.b64decode(bare + "=" * (-len(bare) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
    return text if text.isprintable() else ""


def _hex(token: str) -> str:
    try:
        text = bytes.fromhex(re.sub(r"[\s:]", "", token)).decode()
    except ValueError:
        return ""
    return text if text.isprintable() else ""
