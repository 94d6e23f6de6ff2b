r"""Makes a text plain in one bounded pass: what is hidden goes, what is dressed up is undressed, positions are kept.

- In order: compose, character by character (``characters``), emoji inside words, lookalikes by word (``confusables``),
  runs of blanks. Each step is linear; the result is at most six times as long as what came.
- Plain Cyrillic, Greek, Arabic, Indic or CJK text stays as it is. Doing it twice changes nothing more.
- A text of ASCII without control characters and wide gaps, the usual case, is handed back at once.

>>> plain = normalise("ign\u200b\u043ere\u00a0\u0430ll")
>>> plain.text, plain.marks["zero_width"], plain.marks["confusable"]
('ignore all', 1, 2)
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.inspection.text.characters import GENERIC_MARKS, told
from ostiary.inspection.text.confusables import SURELY, fold_word
from ostiary.inspection.text.hidden import hidden_texts
from ostiary.inspection.text.normalised import Normalised

MAX_CHARS: Final = 1_048_576
"""Longest text that is looked into, in characters."""

_ORDINARY: Final = bytes([*b"\t\n", *range(ord(" "), 0x7F)])
_TABS: Final = re.compile(r"[ \t]{3,}")
_GAPS: Final = re.compile(r"[ \t]{3,}|\n[ \t\n]*\n[ \t]*\n")
_UNCOMPOSED: Final = re.compile(f"[^\\W_][{GENERIC_MARKS}]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_EMOJI: Final = (
    "[\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f000-\U0001f0ff\U0001f300-\U0001faff]"
)
_LETTER: Final = "[A-Za-z0-9\u0370-\u03ff\u0400-\u052f]"
_IN_WORD: Final = re.compile(f"(?<={_LETTER}){_EMOJI}+|(?<!{_EMOJI}){_EMOJI}+(?={_LETTER})")
_LOOKALIKE: Final = "\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u13a0-\u13ff\u2c80-\u2cff\ua4d0-\ua4ff"
_MIXED: Final = re.compile(f"(?<![A-Za-z{_LOOKALIKE}])[A-Za-z{_LOOKALIKE}]*[{_LOOKALIKE}][A-Za-z{_LOOKALIKE}]*")
_HIDING: Final = frozenset({"tag", "variation", "zero_width", "bidi"})
_LATIN: Final = re.compile("[A-Za-z]")
_FOREIGN: Final = re.compile(f"[{_LOOKALIKE}]")
_FEW: Final = 3


class _Draft:
    """A text under work: its characters, and where each came from (``None`` while nothing was moved)."""

    __slots__ = ("marks", "origins", "text", "whole")

    def __init__(self, text: str) -> None:
        self.text = text
        self.whole = len(text)
        self.origins: list[int] | None = None
        self.marks: Counter[str] = Counter()

    def replace(self, pattern: re.Pattern[str], make: Callable[[re.Match[str]], str], mark: str = "") -> None:
        """Put what ``make`` says in place of each match; counts ``mark`` for each that changed."""
        pieces, origins, at = [], list[int](), 0
        before: Sequence[int] = self.origins if self.origins is not None else range(self.whole + 1)
        for match in pattern.finditer(self.text):
            new, (start, end) = make(match), match.span()
            if new == match.group():
                continue
            self.marks[mark] += 1
            pieces += [self.text[at:start], new]
            origins += before[at:start]
            origins += [before[min(start + step, end - 1)] for step in range(len(new))]
            at = end
        if pieces:
            self.text = "".join([*pieces, self.text[at:]])
            self.origins = [*origins, *before[at:]]


def normalise(text: str) -> Normalised:
    """Return ``text`` made plain.

    Raises:
        FaultyInputError: ``text_too_long``.
    """
    if len(text) > MAX_CHARS:
        raise FaultyInputError("text_too_long", f"the text has {len(text)} characters, {MAX_CHARS} are allowed")
    if text.isascii() and not _odd(text):
        return Normalised(text)
    draft = _Draft(text)
    if not text.isascii():
        if not unicodedata.is_normalized("NFC", text):
            draft.replace(_UNCOMPOSED, lambda match: unicodedata.normalize("NFC", match.group()))
        _characters(draft)
        draft.replace(_IN_WORD, lambda _: "", "emoji_in_word")
        _confusables(draft)
    else:
        _characters(draft)
    draft.replace(_GAPS, _gap)
    draft.marks.pop("", None)
    hidden = hidden_texts(text) if _HIDING & draft.marks.keys() else ()
    return Normalised(draft.text, draft.origins, dict(draft.marks), hidden)


def _odd(text: str) -> bool:
    """Return whether there is a control character or a wide gap in a text of ASCII."""
    if text.encode("ascii").translate(None, _ORDINARY):
        return True
    return "   " in text or "\n\n\n" in text or ("\t" in text and _TABS.search(text) is not None)


def _gap(match: re.Match[str]) -> str:
    return "\n\n" if "\n" in match.group() else "  "


def _characters(draft: _Draft) -> None:
    """Write for each character what is told of it."""
    changes = {char: said for char in set(draft.text) if (said := told(char)) != (char, "")}
    if not changes:
        return
    for char, (_, mark) in changes.items():
        if mark:
            draft.marks[mark] += draft.text.count(char)
    if all(len(new) == 1 for new, _ in changes.values()):
        draft.text = draft.text.translate({ord(char): new for char, (new, _) in changes.items()})
        return
    before: Sequence[int] = draft.origins if draft.origins is not None else range(draft.whole + 1)
    pieces, origins = [], list[int]()
    for place, char in zip(before, draft.text, strict=False):  # origins has one more, the end
        new = changes[char][0] if char in changes else char
        pieces.append(new)
        origins += [place] * len(new)
    draft.text, draft.origins = "".join(pieces), [*origins, before[-1]]


def _confusables(draft: _Draft) -> None:
    """Fold lookalikes word by word."""
    if not _MIXED.search(draft.text):
        return
    latin = len(_LATIN.findall(draft.text))
    honest = len(_FOREIGN.findall(draft.text)) - sum(draft.text.count(char) for char in SURELY)
    latin_text = latin > 2 * honest and latin > _FEW
    draft.replace(_MIXED, lambda match: fold_word(match.group(), latin_text=latin_text), "confusable")
