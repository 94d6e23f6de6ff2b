"""How much shared signals may hold, wait and take: one place, so that a page can say it.

>>> StreamRules().max_waiting
10000
"""

from typing import Final

import msgspec

MAX_STREAMS_PER_OWNER: Final = 8
MAX_STREAMS_PER_TENANT: Final = 200
MAX_SUBJECTS: Final = 10_000
MAX_TEXT: Final = 512
MAX_EVENTS_REQUESTED: Final = 64
MAX_AUTHORIZATION: Final = 4096
MAX_STATE: Final = 1024
MAX_POLLED: Final = 100
MAX_ACKED: Final = 1000
MAX_ANSWER: Final = 4 << 20
SIGNAL_ID: Final = "sig"
"""Prefix of the ids of accepted signals, and so of the cause of all that they changed."""


class StreamRules(msgspec.Struct, frozen=True):
    """What an administrator may set for all streams.

    Attributes:
        default_subjects: whether a new stream tells of every subject or of none until some are added.
        min_verification_s: shortest time between two verifications that a receiver may ask for.
        inactivity_s: a stream whose receiver was not heard of for so long is paused; 0 = never.
        max_waiting: events kept for one stream; one more pushes out the oldest.
        give_up_s: after so long without one delivery a push stream is paused.
    """

    default_subjects: str = "ALL"
    min_verification_s: int = 60
    inactivity_s: int = 0
    max_waiting: int = 10_000
    give_up_s: int = 86_400
