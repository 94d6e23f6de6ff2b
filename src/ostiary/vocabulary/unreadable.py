r"""What reading bytes of others can raise: all of it means that they cannot be read, and none of it is a bug.

msgspec raises its own errors for what is malformed, but ``UnicodeDecodeError`` for text that is no UTF-8, and
``RecursionError`` for what nests too deep: whoever catches only the first lets a stranger's byte become a crash.

>>> import msgspec
>>> for data in (b"{", b'"\xff"', b"[" * 100_000):
...     try:
...         msgspec.json.decode(data)
...     except UNREADABLE as fault:
...         print(type(fault).__name__)
DecodeError
UnicodeDecodeError
RecursionError
"""

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
