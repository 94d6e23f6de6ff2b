"""Large bodies: received into bytes that lie in large pages, where the system has them.

- Memory that was never touched costs a fault of the processor for each page of 4 KiB at its first touch: with bodies of
  many megabytes that is more than receiving them. Linux gives 2 MiB at once to whoever asks (``MADV_HUGEPAGE``).
- The bytes are made as the C API says: empty first, filled before anybody else has them, and never changed again
  (``PyBytes_FromStringAndSize`` with ``NULL``). What did not come whole is dropped unseen.
- What is small, another system and another interpreter take the usual way.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable
from typing import Final

LARGE: Final = 8 << 20
_ADVICE: Final = getattr(mmap, "MADV_HUGEPAGE", None)
_CAN: Final = sys.platform == "linux" and sys.implementation.name == "cpython" and _ADVICE is not None
_PAGE: Final = mmap.PAGESIZE


def received(length: int, into: Callable[[memoryview], int]) -> bytes:
    """Return ``length`` bytes that ``into`` received.

    Args:
        length: in bytes; at least one.
        into: fills what it is handed from the front and returns how many bytes came; it must not keep it.

    Raises:
        EOFError: fewer came.
        MemoryError: there is no room for so many.

    >>> def seven(view):
    ...     view[:] = b"7" * len(view)
    ...     return len(view)
    >>> received(3, seven)
    b'777'
    """
    if length > sys.maxsize:  # in C it would be another number
        raise MemoryError
    made = _empty(length)
    view = _writable(made, length)
    try:
        count = into(view)
    finally:
        view.release()
    if count != length:
        raise EOFError("fewer bytes came than were promised")
    return made


def lies_large(length: int) -> bool:
    """Return whether a body of this length is worth large pages, and they can be had here."""
    return _CAN and length >= LARGE


def _empty(length: int) -> bytes:
    """Return fresh bytes in which anything may stand, in large pages as far as the system gives them."""
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t)
    made: bytes = make(("PyBytes_FromStringAndSize", ctypes.pythonapi))(None, length)
    advise = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    first = -(-_address(made) // _PAGE) * _PAGE  # the first page that is theirs alone
    last = (_address(made) + length) // _PAGE * _PAGE
    if lies_large(length):
        advise(("madvise", ctypes.CDLL(None)))(first, last - first, _ADVICE)  # an advice: refused, nothing is lost
    return made


def _address(made: bytes) -> int:
    address = ctypes.cast(ctypes.c_char_p(made), ctypes.c_void_p).value
    if address is None:
        raise MemoryError("bytes without an address")
    return address


def _writable(made: bytes, length: int) -> memoryview:
    room = (ctypes.c_char * length).from_address(_address(made))
    # A part of the view outlives it, in the frames of a fault for instance: what it looks at must be there as long.
    room.made = made  # type: ignore[attr-defined] # an attribute of our own
    return memoryview(room).cast("B")
