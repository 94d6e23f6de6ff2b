r"""Cuts a normalised text into what is judged at once: windows for the user channel, sentences for the data channel.

- A window has ``WINDOW`` characters and begins ``STEP`` after the one before, so whatever is shorter than that lies
  whole in one. The last reaches to the end of the text.
- A sentence ends at its stop, at an empty line, at a tab, between values of JSON, at the end of a line that is no
  running prose, and after ``LONGEST`` characters at a blank. One of fewer than ``_LEAST`` letters is joined with the
  next.
- Every character that is not a blank lies in some piece. Both are linear.

>>> [(0, 11)] == windows("hello world")
True
>>> text = "Dear colleagues. Please send it now!\n| a | b |\n"
>>> [text[start:end] for start, end in sentences(text)]
['Dear colleagues.', 'Please send it now!', '| a | b |']
"""

import re
from collections.abc import Iterator
from typing import Final

WINDOW: Final = 1200
STEP: Final = 600
LONGEST: Final = 220
MAX_PIECES: Final = 20_000
"""More sentences than this are never cut: the rest is joined into pieces of ``WINDOW``."""

_LEAST: Final = 12
_ENDS: Final = re.compile(
    r"""
      (?<=[.!?\u2026])['")\]]*(?=\s)             # the stop of a sentence, what closes it, a blank
    | (?<=[\u3002\uff01\uff1f\u0964\u061f\u06d4])   # stops of scripts that need no blank after them
    | [ \t]*\n(?=[ \t]*(?:\n|[-*#>|+\u2022]|\d+[.)]\s|[{}\[\]<]|[A-Z"'(]))   # a line that begins anew
    | (?<=[a-z][.!?])(?=[A-Z][a-z])              # a stop whose blank was lost
    | (?<=["'\]}]),[ \t]*(?=["'{\[])             # between the values of JSON
    | (?<=[;{}])[ \t]*\n                         # a line of code
    | \\[nr](?=\\[nr]|[ A-Z"])                   # the end of a line, told in JSON
    | \t
    """,
    re.VERBOSE,
)
_BLANK: Final = re.compile(r"\s")


def windows(text: str) -> list[tuple[int, int]]:
    """Return the windows of the user channel, from..to; one of an empty text."""
    if len(text) <= WINDOW:
        return [(0, len(text))]
    starts = range(0, len(text) - WINDOW + STEP, STEP)
    return [(start, min(start + WINDOW, len(text))) for start in starts]


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of the data channel, from..to, without the blanks around them."""
    found: list[tuple[int, int]] = []
    for start, end in _joined(text, _cut(text)):
        if len(found) >= MAX_PIECES:
            found += [(at, min(at + WINDOW, len(text))) for at in range(start, len(text), WINDOW)]
            break
        found.append((start, end))
    return found


def _cut(text: str) -> Iterator[tuple[int, int]]:
    """Yield pieces between ends, none longer than ``LONGEST``."""
    at = 0
    for match in _ENDS.finditer(text):
        if match.end() > at:
            yield from _short(text, at, match.end())
            at = match.end()
    yield from _short(text, at, len(text))


def _short(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield ``start`` to ``end`` in pieces of at most ``LONGEST``, cut at a blank where there is one."""
    while end - start > LONGEST:
        border = start + LONGEST
        blank = max(text.rfind(" ", start + LONGEST // 2, border), text.rfind("\n", start + LONGEST // 2, border))
        border = blank + 1 if blank >= 0 else border
        yield start, border
        start = border
    yield start, end


def _joined(text: str, pieces: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the pieces without blanks around them, a very short one joined with the next while it fits."""
    held: tuple[int, int] | None = None
    for start, end in pieces:
        piece = text[start:end]
        bare = piece.strip()
        if not bare:
            continue
        begin = start + len(piece) - len(piece.lstrip())
        stop = begin + len(bare)
        if held is not None:
            if stop - held[0] <= LONGEST:
                begin = held[0]
            else:
                yield held
            held = None
        if sum(map(str.isalpha, text[begin:stop])) < _LEAST:
            held = (begin, stop)
        else:
            yield begin, stop
    if held is not None:
        yield held
