"""One sliding window as it lies in a profile: two fixed buckets. ``windows`` counts and reads."""

import msgspec

Bucket = dict[int, float]
"""How much of each metric; what is not in it is zero."""


class Window(msgspec.Struct, array_like=True, gc=False):
    """One window: which bucket is the current one, and the counts of it and of the one before."""

    bucket: int = -1
    now: Bucket | None = None
    before: Bucket | None = None
