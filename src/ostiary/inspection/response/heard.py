r"""What a stream has said so far: the text as it came, the text as the watches see it, and the way back.

- Positions of *seen* characters count from the start of the stream; each knows where it lies in the text as it came.
- Tool arguments are JSON on their way: there an escape is one seen character (``\u0041`` is ``A``), however it is cut.
- Half a surrogate pair waits for its other half; one that stays alone becomes U+FFFD, so that what leaves is always
  UTF-8.
- What has left is forgotten, but for a little context.

>>> heard = Heard(escaped=True)
>>> heard.push('{"k": "AK')
(0, '{"k": "AK')
>>> heard.push("\\u00")
(9, '')
>>> heard.push('49A"}')
(9, 'IA"}')
>>> heard.raw(heard.first(9), heard.last(9))
'\\u0049'
"""

import re
from typing import Final

from ostiary.inspection.response.canon import canonical

CONTEXT: Final = 4_096  # seen characters kept behind what has left
_TRIM: Final = 4096
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LONE: Final = "\ufffd"
_SHORT: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_ESCAPE: Final = 6  # characters of backslash, u and four digits


class Heard:
    """The text of one stream, as far as it may still matter."""

    def __init__(self, *, escaped: bool = False) -> None:
        """Hear plain text, or JSON text whose escapes are to be seen through."""
        self._escaped = escaped
        self._raw = ""
        self._raw_base = 0
        self._seen = ""
        self._base = 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._quoted: list[bool] = []
        self._inside = False
        self._half = ""  # of a surrogate pair
        self._cut = ""  # of an escape

    @property
    def seen(self) -> int:
        """Return how many characters were seen."""
        return self._base + len(self._seen)

    @property
    def length(self) -> int:
        """Return how long the text as it came is so far."""
        return self._raw_base + len(self._raw)

    def push(self, text: str) -> tuple[int, str]:
        """Take the next piece; return where the newly seen characters begin, and them."""
        return self._take(self._whole(text), last=False)

    def finish(self) -> tuple[int, str]:
        """Take what waited for more; nothing more comes."""
        half, self._half = self._half, ""
        return self._take(_LONE if half else "", last=True)

    def text(self, start: int, end: int) -> str:
        """Return seen characters; what is long gone is not there any more."""
        return self._seen[max(start - self._base, 0) : max(end - self._base, 0)]

    def first(self, position: int) -> int:
        """Return where the seen character at ``position`` begins in the text as it came."""
        offset = max(position - self._base, 0)
        return self._starts[offset] if offset < len(self._starts) else self.length - len(self._cut)

    def last(self, position: int) -> int:
        """Return where the seen character at ``position`` ends in the text as it came."""
        return self._ends[position - self._base]

    def raw(self, start: int, end: int) -> str:
        """Return the text as it came."""
        return self._raw[start - self._raw_base : end - self._raw_base]

    def quoted(self, position: int) -> bool:
        """Return whether the seen character at ``position`` stands inside a JSON string."""
        return not self._escaped or self._quoted[position - self._base]

    def forget(self, position: int) -> None:
        """Forget what lies well before ``position``, now and then."""
        drop = position - CONTEXT - self._base
        if drop < _TRIM:
            return
        raw = self._starts[drop]
        self._raw, self._raw_base = self._raw[raw - self._raw_base :], raw
        self._seen, self._base = self._seen[drop:], self._base + drop
        del self._starts[:drop], self._ends[:drop], self._quoted[:drop]

    def _whole(self, text: str) -> str:
        """Join surrogate pairs, keep half of one for later."""
        if not self._half and (text.isascii() or not _SURROGATE.search(text)):
            return text
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _take(self, text: str, *, last: bool) -> tuple[int, str]:
        begin, at = self.seen, self.length
        self._raw += text
        if not self._escaped:
            self._see(text, at)
        else:
            cut, self._cut = self._cut, ""
            self._unescape(cut + text, at - len(cut), last=last)
        return begin, self._seen[begin - self._base :]

    def _see(self, text: str, at: int) -> None:
        if text.isascii():
            self._seen += text
            self._starts.extend(range(at, at + len(text)))
            self._ends.extend(range(at + 1, at + 1 + len(text)))
            return
        row = [(canonical(character), at + offset) for offset, character in enumerate(text)]
        kept = [(character, start) for character, start in row if character]
        self._seen += "".join(character for character, _ in kept)
        self._starts.extend(start for _, start in kept)
        self._ends.extend(start + 1 for _, start in kept)

    def _unescape(self, text: str, at: int, *, last: bool) -> None:
        offset, row = 0, []
        while offset < len(text):
            character, size = (text[offset], 1) if text[offset] != "\\" else _escape(text, offset, last=last)
            if not size:
                self._cut = text[offset:]
                break
            if character == '"' and size == 1:
                self._inside = not self._inside
            character = canonical(character)
            if character:
                row.append(character)
                self._starts.append(at + offset)
                self._ends.append(at + offset + size)
                self._quoted.append(self._inside)
            offset += size
        self._seen += "".join(row)


def _escape(text: str, offset: int, *, last: bool) -> tuple[str, int]:
    """Return the character of the escape at ``offset`` and its size; size 0 means that it is not whole yet."""
    mark = text[offset + 1 : offset + 2]
    if not mark:
        return ("\\", 1) if last else ("", 0)
    if mark != "u":
        return _SHORT.get(mark, mark), 2
    code = _code(text, offset)
    if code is None:
        whole = last or len(text) >= offset + _ESCAPE
        return ("\\", 1) if whole else ("", 0)
    if not 0xD800 <= code <= 0xDBFF:  # noqa: PLR2004 - RFC 8259 §7: high surrogates
        return (chr(code) if not 0xDC00 <= code <= 0xDFFF else _LONE), _ESCAPE  # noqa: PLR2004 - low ones
    return _pair(text, offset, code, last=last)


def _pair(text: str, offset: int, high: int, *, last: bool) -> tuple[str, int]:
    rest = text[offset + _ESCAPE : offset + 2 * _ESCAPE]
    if len(rest) < _ESCAPE and not last and "\\u".startswith(rest[:2]):
        return "", 0
    low = _code(text, offset + _ESCAPE) if rest.startswith("\\u") else None
    if low is None or not 0xDC00 <= low <= 0xDFFF:  # noqa: PLR2004 - RFC 8259 §7: low surrogates
        return _LONE, _ESCAPE
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), 2 * _ESCAPE


def _code(text: str, offset: int) -> int | None:
    digits = text[offset + 2 : offset + _ESCAPE]
    if len(digits) < _ESCAPE - 2 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return None
    return int(digits, 16)
