r"""One spelling for one value: JSON in the form of RFC 8785, for what people sign.

- Objects are sorted by the UTF-16 units of their names, nothing is blank, strings are escaped as ECMAScript does.
- Numbers are whole and exact in every reader (below 2^53); a moment in nanoseconds is longer, so it goes as text.
- What has no such form is refused, never rounded.

>>> canonical({"b": 1, "a": ["\n", True, None]})
b'{"a":["\\n",true,null],"b":1}'
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from ostiary.errors import FaultyInputError

MAX_DEPTH: Final = 16
_EXACT: Final = 2**53 - 1
_CODE: Final = "approval_not_canonical"


def canonical(value: object) -> bytes:
    """Return the one form of ``value``: text, whole numbers, truth, nothing, sequences and objects of these.

    Raises:
        FaultyInputError: ``approval_not_canonical``.
    """
    try:
        return _written(value, 0).encode()
    except UnicodeEncodeError:
        raise FaultyInputError(_CODE, "a lone surrogate is no text") from None


def _written(value: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise FaultyInputError(_CODE, f"values lie deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and abs(value) <= _EXACT:
        return str(value)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return "[" + ",".join(_written(one, depth + 1) for one in value) + "]"
    raise FaultyInputError(_CODE, "only text, whole numbers below 2^53, truth, lists and objects have one form")


def _object(value: Mapping[object, object], depth: int) -> str:
    names = [name for name in value if isinstance(name, str)]
    if len(names) != len(value):
        raise FaultyInputError(_CODE, "the names of an object are text")
    names.sort(key=lambda name: name.encode("utf-16-be"))
    members = (f"{json.dumps(name, ensure_ascii=False)}:{_written(value[name], depth + 1)}" for name in names)
    return "{" + ",".join(members) + "}"
