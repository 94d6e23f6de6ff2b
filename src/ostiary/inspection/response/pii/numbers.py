"""The patterns of numbers: what may be one of the kinds, and the second look at it.

>>> region = Region("my card: ", "4111 1111 1111 1111", ".")
>>> [(find.start, find.end, find.rule) for find in judge_numbers(region)]
[(0, 19, 'pii.card')]
"""

import re
from typing import Final

from ostiary.inspection.response.pii.cards import is_card
from ostiary.inspection.response.pii.national import KINDS, SEPARATORS, Kind
from ostiary.inspection.response.regions import Find, Pattern, Region

_NEAR: Final = 64  # characters before a number in which a word may say what it is
_ALONE: Final = (r"(?<![A-Za-z0-9_])(?<![0-9][.-])(?:", r")(?![A-Za-z0-9_])(?![.-][0-9])")
_CARD: Final = re.compile(
    rf"{_ALONE[0]}\d{{13,19}}"
    rf"|\d{{4}}([ .-])\d{{4}}\1\d{{4}}\1\d{{1,4}}(?:\1\d{{1,3}})?"
    rf"|\d{{4}}([ .-])\d{{6}}\2\d{{4,5}}{_ALONE[1]}"
)
_CARD_WORDS: Final = re.compile(
    r"card|visa|maestro|diners|union ?pay|credit|debit|karte|carte|tarjeta|payment|charge|\bpan\b"
)
_SHAPES: Final = tuple(
    (
        kind,
        re.compile(kind.shape.join(_ALONE)),
        re.compile(kind.words) if kind.words else None,
        re.compile(kind.told) if kind.told else None,
    )
    for kind in KINDS
)


def judge_numbers(region: Region) -> list[Find]:
    """Return the cards and national numbers of a region."""
    whole = region.before + region.text + region.after
    offset, end = len(region.before), len(region.before) + len(region.text)
    found = [("pii.card", *match.span()) for match in _CARD.finditer(whole) if _is_card(whole, match)]
    for kind, shape, words, told in _SHAPES:
        matches = (match for match in shape.finditer(whole) if _is(kind, words, told, whole, match))
        found += [(f"pii.{kind.name}", *match.span()) for match in matches]
    return [Find(start - offset, stop - offset, rule) for rule, start, stop in found if start >= offset and stop <= end]


def _is_card(whole: str, match: re.Match[str]) -> bool:
    """Return whether it is a card; of a length that other numbers have as well, only where a word says so."""
    digits = _bare(match.group())
    usual = len(digits) in {15, 16}
    return is_card(digits) and (usual or bool(_CARD_WORDS.search(_near(whole, match))))


def _near(whole: str, match: re.Match[str]) -> str:
    return whole[max(match.start() - _NEAR, 0) : match.start()].lower()


def _bare(number: str) -> str:
    return SEPARATORS.sub("", number)


def _is(
    kind: Kind, words: re.Pattern[str] | None, told: re.Pattern[str] | None, whole: str, match: re.Match[str]
) -> bool:
    number = match.group()
    told_alone = told is not None and told.fullmatch(number) is not None
    named = words is not None and words.search(_near(whole, match)) is not None
    return (told_alone or named) and kind.holds(_bare(number))


NUMBERS: Final = (
    Pattern(r"[0-9](?:[ .+-]?[0-9]){7,}(?:[ -]?[A-Z])?", judge_numbers, edge=True),
    Pattern(r"[0-9]{6}[A-FU-Y+-][0-9]{3}[0-9A-Y]", judge_numbers, edge=True),
    Pattern(r"[12378] ?[0-9]{2} ?[0-9]{2} ?2[AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", judge_numbers, edge=True),
    Pattern(r"[XYZ][ -]?[0-9]{7}[ -]?[A-Z]", judge_numbers, edge=True),
    Pattern(
        r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]",
        judge_numbers,
        edge=True,
    ),
)
