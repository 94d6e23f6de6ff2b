"""Features as bytes: exact to the bit, a third of the size of JSON, and quick.

>>> unpack(pack([0.1, float("nan")]))
[0.1, nan]
"""

import sys
from array import array
from collections.abc import Sequence

from ostiary.errors import FaultyInputError


def pack(numbers: Sequence[float]) -> bytes:
    """Return ``numbers`` as little-endian 64-bit floats."""
    packed = array("d", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> list[float]:
    """Return the numbers that ``pack`` packed.

    Raises:
        FaultyInputError: ``features_malformed``.
    """
    packed = array("d")
    try:
        packed.frombytes(data)
    except ValueError as fault:
        raise FaultyInputError("features_malformed", f"{len(data)} bytes are no row of 64-bit floats") from fault
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tolist()
