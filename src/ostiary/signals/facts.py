"""Fact groups short enough to be remembered: what enforcement points and logs send may be of any length.

A group that is not told costs one look, one with short texts a few; nothing is copied unless something is too long.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

import msgspec

from ostiary.signals.absence import GROUPS
from ostiary.signals.texts import identifier
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import AccountFacts, DataFacts, LanguageFacts, PlaceFacts, TokenFacts, WorkloadFacts

MAX_TEXT: Final = 128  # a fingerprint, a digest, the name of a host


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[str | None, ...]]:
    """Return what reads several texts at once; of one name ``attrgetter`` would not give a tuple."""
    if len(names) == 1:
        return lambda group: (getattr(group, names[0]),)
    return attrgetter(*names)


_TEXTS: Final[dict[type, tuple[str, ...]]] = {
    TokenFacts: ("token_id", "audience", "algorithm", "key_id", "claims"),
    PlaceFacts: ("region", "city", "ja4", "language"),
    AccountFacts: ("department", "manager"),
    DataFacts: ("owner", "purpose"),
    WorkloadFacts: ("image", "egress"),
    LanguageFacts: ("tool",),
}
_texts_of: Final = {kind: _getter(names) for kind, names in _TEXTS.items()}
_groups_of: Final = attrgetter(*GROUPS)
_NONE: Final = (None,) * len(GROUPS)


def sound_facts(event: AccessEvent) -> AccessEvent:
    """Return ``event`` with texts in its fact groups that fit a profile."""
    change: dict[str, Any] = {}
    if event.detail is not None and len(event.detail) > MAX_TEXT:
        change["detail"] = identifier(event.detail, MAX_TEXT)
    groups = _groups_of(event)
    if groups != _NONE:
        for name, group in zip(GROUPS, groups, strict=True):
            if group is not None and type(group) in _TEXTS and _longest(group) > MAX_TEXT:
                change[name] = _shortened(group)
    return msgspec.structs.replace(event, **change) if change else event


def _longest(group: Any) -> int:
    """Return the length of the longest text, or of all together where that is short enough anyway."""
    texts = [*filter(None, _texts_of[type(group)](group))]
    together = len("".join(texts))
    return together if together <= MAX_TEXT else max(map(len, texts))


def _shortened(group: Any) -> Any:
    texts = {name: text for name in _TEXTS[type(group)] if (text := getattr(group, name)) is not None}
    return msgspec.structs.replace(group, **{name: identifier(text, MAX_TEXT) for name, text in texts.items()})
