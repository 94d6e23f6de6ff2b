"""What somebody said, asked whether it names a value: strict, for a value is clean only by it.

- Addresses must be the same address, to the letter (case aside): a look-alike, a longer or a shorter host is another.
- A link whose very host was named counts as named. A number counts in any form, a date by month and day.
- Anything else must stand there between the ends of words. Of several words nearly all must have been said.

>>> said = Spoken(["Send the notes to bob@corp.example and to Alice on May 3rd, from corp.example/wiki"])
>>> said.names("BOB@corp.example", Kind.RECIPIENT), said.names("bob@corp.example.evil.example", Kind.RECIPIENT)
(True, False)
>>> said.names("alice", Kind.RECIPIENT), said.names("lic", Kind.NAME), said.names("2024-05-03 10:00", Kind.DATE)
(True, False, True)
"""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from ostiary.gateway.tools import shapes
from ostiary.gateway.tools.kinds import SHORT, TARGETS, Kind

_WORD: Final = re.compile(r"\w+")
_SIGNS: Final = re.compile(r"^[#@\s'\"<]+|[\s'\">]+$")
_NEARLY: Final = 0.8
_SEVERAL: Final = 3
_EDGE: Final = frozenset("/\\")


class Spoken:
    """The words of one side: the asker with the operator, or the trusted tools."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Take the texts."""
        self.raw = "\n\n".join(texts)

    @cached_property
    def folded(self) -> str:
        """All of it, as it is compared."""
        return shapes.fold(self.raw)

    @cached_property
    def addresses(self) -> shapes.Addresses:
        """The addresses in it."""
        return shapes.addresses_in(self.raw)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words in it."""
        return frozenset(_WORD.findall(self.folded))

    @cached_property
    def dates(self) -> frozenset[tuple[int, int]]:
        """The days in it."""
        return shapes.dates_in(self.raw)

    @cached_property
    def undated(self) -> str:
        """All of it without days and times: a number in a date names nothing."""
        return shapes.fold(shapes.without_dates(self.raw))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers in it."""
        return shapes.numbers_in(self.raw)

    def names(self, value: str, kind: Kind) -> bool:
        """Tell whether ``value`` was said."""
        found = shapes.addresses_in(value)
        if found.all and (kind in TARGETS or len(value) <= SHORT):
            return self._names_all(found) and not re.search(r"@|://", shapes.residue(value))
        if kind is Kind.DATE and (days := shapes.dates_in(value)):
            return days <= self.dates
        if kind is Kind.AMOUNT and (numbers := shapes.numbers_in(value)):
            return numbers <= self.numbers
        if kind is Kind.ID and value.strip().isdigit():
            return stands_in(value.strip(), self.undated)
        return self.says(value)

    def says(self, value: str) -> bool:
        """Tell whether ``value`` stands there as it is, between the ends of words."""
        wanted = shapes.fold(_SIGNS.sub("", value))
        return bool(wanted) and stands_in(wanted, self.folded)

    def nearly(self, value: str, kind: Kind) -> bool:
        """Tell whether most of the words of a text were said: it is made of the user's own."""
        if kind in TARGETS:
            return False
        words = _WORD.findall(shapes.fold(value))
        if len(words) < _SEVERAL:
            return False
        return sum(word in self.words for word in words) >= _NEARLY * len(words)

    def _names_all(self, found: shapes.Addresses) -> bool:
        mine = self.addresses
        links = all(link in mine.links or shapes.host_of(link) in mine.hosts for link in found.links)
        return links and found.emails <= mine.emails and found.accounts <= mine.accounts


def stands_in(wanted: str, text: str) -> bool:
    """Tell whether ``wanted`` stands in ``text`` where words begin and end; both are folded."""
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if _edge(wanted[0], text[at - 1 : at], text[max(0, at - 2) : max(0, at - 1)]) and _edge(
            wanted[-1], text[end : end + 1], text[end + 1 : end + 2]
        ):
            return True
        at = text.find(wanted, at + 1)
    return False


def _edge(inside: str, outside: str, beyond: str) -> bool:
    """Tell whether a word ends between two characters; a point or a dash between letters joins."""
    if not outside or outside.isspace():
        return True
    if not (inside.isalnum() or inside == "_"):
        return True
    if outside in ".-@:" or outside in _EDGE:
        return not (beyond.isalnum() or beyond in _EDGE) or not beyond
    return not (outside.isalnum() or outside == "_")
