"""A place in a text that says something else once it is read right."""

import msgspec


class Found(msgspec.Struct, frozen=True):
    """What stands from ``start`` to ``end`` is ``text``, written as ``kind`` says."""

    kind: str
    start: int
    end: int
    text: str
