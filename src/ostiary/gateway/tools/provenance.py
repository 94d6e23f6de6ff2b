"""Where the values of a call come from: the user, the operator, a trusted tool, nowhere, or what anybody could write.

1. What the user or the operator said is theirs; what the operator's patterns name is allowed; a text that is made of
   the user's words is ``echoed``.
2. What a trusted tool answered is trusted, unless this very conversation put it there after it had read what anybody
   could write: whoever writes to a file and reads it back has washed nothing.
3. Then what anybody could write is searched, and the worst place counts; a name or a date that is a field of an answer
   is no worse for being spoken of elsewhere.
4. Who names a source and says "do the tasks in it" or "take it from there" lends it his word: what picks something, and
   stands in it, is ``delegated``. Addresses, places, commands and secrets never are: those a person names, or looks at.
5. A target that comes from nowhere, in a session that has read such things, is ``unexplained``: it was put together, or
   decoded, or looks like one that was named.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import accumulate
from typing import Final

from ostiary.gateway.tools import shapes
from ostiary.gateway.tools.conversation import Conversation, Piece, ToolCall
from ostiary.gateway.tools.heard import AllHeard, Heard, How, worst
from ostiary.gateway.tools.kinds import TARGETS, Kind
from ostiary.gateway.tools.manifest import Argument, Manifest, Sink
from ostiary.gateway.tools.spoken import Spoken
from ostiary.gateway.tools.words import asks_for, hands_over, points_to
from ostiary.vocabulary.labels import Channel, Integrity

MAX_STRUCTURED: Final = 262_144
"""So many characters of answers are taken apart, the latest first; the rest is running text."""

_REQUEST_WORDS: Final = 4
_SETTLED: Final = frozenset({Kind.ID})


class Origin(StrEnum):
    """Where a value comes from, best first."""

    USER = "user"
    ALLOWED = "allowed"
    TRUSTED = "trusted"
    ECHOED = "echoed"
    NEW = "new"
    DELEGATED = "delegated"
    ANCHORED = "anchored"
    POINTED = "pointed"
    FIELD = "field"
    UNEXPLAINED = "unexplained"
    DECODED = "decoded"
    PROSE = "prose"


_ORDER: Final = tuple(Origin)
TAINTED: Final = frozenset(_ORDER[_ORDER.index(Origin.DELEGATED) :])
_NEVER_DELEGATED: Final = (TARGETS - {Kind.PERSON}) | {Kind.SECRET}


def harsher(origins: Iterable[Origin]) -> Origin:
    """Return the worst of several origins; ``NEW`` of none."""
    return max(origins, key=_ORDER.index, default=Origin.NEW)


class Sources:
    """All that a conversation holds, by who could have written it."""

    def __init__(self, conversation: Conversation, manifest: Manifest, *, untrusted: bool) -> None:
        """Sort the pieces; ``untrusted`` says that the session has read more than these messages show."""
        pieces = conversation.pieces
        own = [piece for piece in pieces if piece.label.channel in {Channel.USER, Channel.OPERATOR}]
        self.said = Spoken(piece.text for piece in own if piece.label.integrity is not Integrity.UNTRUSTED)
        self.request = _request(pieces)
        others = [piece for piece in pieces if piece.label.integrity is Integrity.UNTRUSTED]
        lengths = accumulate(len(piece.text) for piece in reversed(others))  # what came last is taken apart first
        apart = [length <= MAX_STRUCTURED for length in lengths][::-1]
        self.heard = [
            Heard(piece.text, named=self._named(piece.call), structured=small)
            for piece, small in zip(others, apart, strict=True)
        ]
        named = [heard.raw for heard in self.heard if heard.named]
        self.handed = Spoken(named if hands_over(self.request) else ())
        self._lent = Spoken(named if self.handed.raw or points_to(self.request) else ())
        self.untrusted = untrusted or bool(others)
        trusted = [
            p for p in pieces if p.label.integrity is Integrity.TRUSTED and p.label.channel is not Channel.OPERATOR
        ]
        self.trusted = Spoken(piece.text for piece in trusted)
        self._written = Spoken(_written(conversation, manifest, others))

    def of(self, value: str, kind: Kind, argument: Argument) -> Origin:  # noqa: PLR0911 - one line, one origin
        """Return where one value comes from."""
        if not value.strip():
            return Origin.NEW
        if self.said.names(value, kind):
            return Origin.USER
        if argument.vouches(value):
            return Origin.ALLOWED
        if self.said.nearly(value, kind):
            return Origin.ECHOED
        if self.trusted.names(value, kind) and not self._washed(value, kind):
            return Origin.TRUSTED
        how = self._how(value, kind)
        if how is not How.NOT:
            return Origin.DELEGATED if self._delegated(value, kind, how) else Origin(how.value)
        return Origin.UNEXPLAINED if self.untrusted and _aims(value, kind) else Origin.NEW

    def verbatim(self, value: str) -> bool:
        """Tell whether a link was found as it is, with nothing added that could carry something out."""
        links = shapes.addresses_in(value).links
        return bool(links) and any(links <= heard.addresses.links for heard in self.heard)

    @cached_property
    def _all_heard(self) -> AllHeard:
        return AllHeard(self.heard)

    def _how(self, value: str, kind: Kind) -> How:
        if not self.heard or self._all_heard.lacks(value, kind):
            return How.NOT
        found = [heard.how(value, kind, self.said) for heard in self.heard]
        fields = [how for how in found if how in {How.FIELD, How.ANCHORED}]
        settled = kind not in _SETTLED and not shapes.addresses_in(value).all
        return worst(fields) if settled and fields else worst(found)

    def _delegated(self, value: str, kind: Kind, how: How) -> bool:
        if how is not How.PROSE or kind in _NEVER_DELEGATED or shapes.addresses_in(value).all:
            return False
        return bool(self._lent.raw) and self._lent.names(value, kind)

    def asks_for(self, tool: str) -> bool:
        """Tell whether the user asked for such a deed, himself or by what he handed over."""
        return asks_for(tool, self.request) or asks_for(tool, self.handed.raw)

    def _washed(self, value: str, kind: Kind) -> bool:
        return self._written.names(value, kind) and self._how(value, kind) is not How.NOT

    def _named(self, call: ToolCall | None) -> bool:
        return call is not None and any(len(value) > 2 and self.said.says(value) for _, value in call.leaves())  # noqa: PLR2004


def _request(pieces: Sequence[Piece]) -> str:
    """Return what the user asks for now: the last message of some length, and what came after it."""
    texts: list[str] = []
    for piece in reversed(pieces):
        if piece.label.channel is Channel.USER and piece.label.integrity is not Integrity.UNTRUSTED:
            texts.append(piece.text)
            if len(piece.text.split()) >= _REQUEST_WORDS:
                break
    return "\n".join(reversed(texts))


def _written(conversation: Conversation, manifest: Manifest, others: Sequence[Piece]) -> list[str]:
    """Return what calls wrote after the session had read what anybody can write."""
    first = min((piece.at for piece in others), default=None)
    if first is None:
        return []
    calls = [call for at, call in conversation.before if at > first and manifest.find(call.name).sink is not Sink.NONE]
    return [value for call in calls for _, value in call.leaves()]


def _aims(value: str, kind: Kind) -> bool:
    """Tell whether a value from nowhere says where something goes; a plain new file name does not."""
    if kind is Kind.PATH:
        return value.startswith(("/", "~", "\\")) or ".." in value or value[1:2] == ":"
    return kind in TARGETS
