"""The ``Range`` of a read (RFC 9110 §14): one range of bytes, or the whole object.

- Only ``bytes``, and only one range: several in one answer are a known way to make a server work (RFC 9110 §17.15).
- A range that starts behind the end cannot be satisfied (416); one that ends behind it ends at the end.
- ``If-Range`` with any other entity tag, or with a date, gives the whole object, as the standard asks: the caller is
  about to join bytes of two versions.

>>> whole = 1000
>>> read_range("bytes=10-19", whole)
Span(start=10, length=10)
>>> read_range("bytes=-1", whole)
Span(start=999, length=1)
"""

import re
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError

RANGE_INVALID: Final = "range_invalid"
RANGE_UNSATISFIABLE: Final = "range_unsatisfiable"
_ONE: Final = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\Z", re.ASCII)


class Span(msgspec.Struct, frozen=True):
    """Some bytes of an object."""

    start: int
    length: int

    @property
    def stop(self) -> int:
        """The first position behind it."""
        return self.start + self.length


def read_range(header: str | None, size: int) -> Span:
    """Return which bytes of an object of ``size`` are asked for.

    Raises:
        FaultyInputError: ``range_invalid``: no single range of bytes.
        RefusedError: ``range_unsatisfiable``.
    """
    if header is None:
        return Span(0, size)
    found = _ONE.match(header.strip())
    if found is None:
        raise FaultyInputError(RANGE_INVALID, "ask for one range of bytes, such as `bytes=0-1023`")
    first, last, suffix = found.groups()
    if suffix is not None:
        return _tail(int(suffix), size)
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        raise FaultyInputError(RANGE_INVALID, "the range ends before it starts")
    if start >= size:
        raise _unsatisfiable(size)
    return Span(start, end - start + 1)


def _tail(count: int, size: int) -> Span:
    if count == 0 or size == 0:
        raise _unsatisfiable(size)
    return Span(max(size - count, 0), min(count, size))


def _unsatisfiable(size: int) -> RefusedError:
    return RefusedError(RANGE_UNSATISFIABLE, f"the object has {size} bytes, the range starts behind them")
