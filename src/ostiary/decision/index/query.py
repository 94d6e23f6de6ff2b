"""What somebody wants to see of the decisions: an AND of filters, and where in the list to go on.

1. Newest first, going on with ``before``; with ``after`` oldest first, which is how a live tail goes on (-1: from the
   log's beginning).
2. Both are indexes of the log, so that a page is the same however much has been added meanwhile.
3. ``without_pep`` leaves out what one enforcement point asked, such as the console itself.
4. ``text`` is the beginning of a subject (with or without its type) or of a resource's id.
5. Times are nanoseconds since the Unix epoch, ``since_ns`` inclusive, ``until_ns`` exclusive.

>>> DecisionQuery(effects=(Effect.DENY, Effect.STEP_UP, Effect.DENY)).effects
(<Effect.STEP_UP: 2>, <Effect.DENY: 3>)
"""

from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.vocabulary.effects import Effect

MAX_LIMIT: Final = 1000
MAX_VALUE: Final = 300
MAX_NUMBER: Final = 2**62
PPM: Final = 1_000_000
TEXTS: Final = (
    "subject",
    "session",
    "action",
    "resource_type",
    "resource_id",
    "pep",
    "without_pep",
    "rule",
    "ip",
    "text",
)
FROM_THE_START: Final = -1  # the log's first index is 0
NUMBERS: Final = ("since_ns", "until_ns", "before", "after")


class DecisionQuery(msgspec.Struct, frozen=True):
    """Which decisions, and how many; ``None`` means any.

    Attributes:
        effects: one of these; none means any.
        risk_at_least: the least score, in millionths; decisions without a score never match one.
        unscored: a subject whose decisions count as without a score: whoever asks, who must not learn its own.
        limit: at most this many, 1 to 1000.
    """

    effects: tuple[Effect, ...] = ()
    subject: str | None = None
    session: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    pep: str | None = None
    without_pep: str | None = None
    rule: str | None = None
    ip: str | None = None
    text: str | None = None
    risk_at_least: int | None = None
    unscored: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        """Check every filter.

        Raises:
            FaultyInputError: ``filter_invalid``.
        """
        msgspec.structs.force_setattr(self, "effects", tuple(sorted({Effect(one) for one in self.effects})))
        for name in TEXTS:
            value = getattr(self, name)
            if value is not None:
                _check_text(name, value)
        for name in NUMBERS:
            _check_number(name, getattr(self, name), FROM_THE_START if name == "after" else 0, MAX_NUMBER)
        _check_number("risk_at_least", self.risk_at_least, 0, PPM)
        _check_number("limit", self.limit, 1, MAX_LIMIT)

    @property
    def oldest_first(self) -> bool:
        """Whether the list goes on into the future."""
        return self.after is not None


def _check_text(name: str, value: str) -> None:
    if not 0 < len(value) <= MAX_VALUE:
        raise FaultyInputError("filter_invalid", f"`{name}` has {len(value)} characters, 1 to {MAX_VALUE} are allowed")
    if any("\ud800" <= char <= "\udfff" or char == "\0" for char in value):
        raise FaultyInputError("filter_invalid", f"`{name}` holds what is no text")


def _check_number(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise FaultyInputError("filter_invalid", f"`{name}` is not between {least} and {most}")
