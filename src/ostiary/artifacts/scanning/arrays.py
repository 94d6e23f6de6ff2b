"""NumPy's ``.npy``: numbers are data; an array of objects is a pickle with a head.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import math
import re
from typing import Final

from ostiary.artifacts.formats import Misfit

MAGIC: Final = b"\x93NUMPY"
_HEAD: Final = re.compile(
    rb"\{'descr': '([<>|=]?[biufc][0-9]{1,2}|[<>|=]?[SUV][0-9]{1,6})', 'fortran_order': (?:True|False), "
    rb"'shape': \(((?:[0-9]{1,18}, ?)*(?:[0-9]{1,18})?)\), \} *\n?"
)
_WIDE: Final = {1: 2, 2: 4, 3: 4}  # version -> bytes of the length
_MAX_HEAD: Final = 65_536
_CHARACTER: Final = 4  # a `U` counts characters of four bytes


def check_array(data: memoryview) -> None:
    """Check one array of numbers.

    Raises:
        Misfit: ``array_objects``, ``array_malformed``.
    """
    width = _WIDE.get(data[6], 0) if len(data) > 8 else 0  # noqa: PLR2004 - magic and version
    size = int.from_bytes(data[8 : 8 + width], "little")
    begin = 8 + width + size
    if not width or size > _MAX_HEAD or begin > len(data):
        raise Misfit("array_malformed", "its head is of no known version, too long or cut off")
    head = bytes(data[8 + width : begin])
    told = _HEAD.fullmatch(head)
    if told is None:
        objects = b"'descr': '|O'" in head or b"'O'" in head
        code = "array_objects" if objects else "array_malformed"
        raise Misfit(code, "it holds objects, which are a pickle" if objects else "its head is not as NumPy writes it")
    kind = told[1].decode().lstrip("<>|=")
    element = int(kind[1:]) * (_CHARACTER if kind[0] == "U" else 1)
    shape = [int(part) for part in told[2].decode().replace(" ", "").split(",") if part]
    if math.prod(shape) * element != len(data) - begin:
        raise Misfit("array_malformed", "it is not as long as its shape says")
