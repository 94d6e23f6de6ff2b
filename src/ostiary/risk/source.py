"""Where a history came from, as the data manifest tells it."""

import msgspec


class Source(msgspec.Struct, frozen=True):
    """One source of the history: where it came from, its digest and what it held."""

    origin: str
    sha256: str
    events: int
    rejected: int = 0
    first_ns: int = 0
    last_ns: int = 0
