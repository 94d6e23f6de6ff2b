"""What an action means, told by the words of its name: what is done, to what kind of thing, and what marks that makes.

Rules:
- Pure and cached: the same name gives the same deed, and a name seen before costs a dictionary look.
- Camel case, snake case, dots and plain words are understood, plurals too; a run of letters without a seam
  (``LISTKEYS``) is cut into known words when it consists of nothing else.
- What is not understood has no groups and no marks: nothing is guessed to be harmless.

>>> deed = deed_of("CreateAccessKey")
>>> sorted(deed.verbs), "credential" in deed.things, [str(mark) for mark in deed.marks]
(['make'], True, ['adds_credential'])
>>> [str(mark) for mark in deed_of("MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION").marks]
['lists', 'reads_secret']
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from ostiary.signals.deedwords import MEANINGS, THINGS, VERBS
from ostiary.vocabulary.events import ActionClass
from ostiary.vocabulary.facts import Mark

_CACHE: Final = 16_384
_MAX_TEXT: Final = 256
_MAX_WORDS: Final = 24
_SHORTEST: Final = 3
_LONGEST: Final = 24
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def _groups(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = {}
    for group, text in table.items():
        for word in text.split():
            words[word] = (*words.get(word, ()), group)
    return words


_VERB_OF: Final = _groups(VERBS)
_THING_OF: Final = _groups(THINGS)
_KNOWN: Final = frozenset(_VERB_OF) | frozenset(_THING_OF) | {"microsoft", "policy", "multi", "detail"}
_NEGATIONS: Final = frozenset({"non", "not", "no"})
_NOISE: Final = re.compile(r"google\.|admin(?=\.v\d)|microsoft\.", re.IGNORECASE)
_STRONG: Final = frozenset({"make", "change", "remove", "grant", "begin", "stop"})
_WEAK: Final = frozenset({"read", "list"})
_CLASSES: Final[tuple[tuple[str, ActionClass], ...]] = (
    ("remove", ActionClass.DELETE),
    ("stop", ActionClass.ADMIN),
    ("grant", ActionClass.ADMIN),
    ("begin", ActionClass.ADMIN),
    ("take", ActionClass.EXPORT),
    ("share", ActionClass.EXPORT),
    ("enter", ActionClass.AUTHENTICATE),
    ("make", ActionClass.WRITE),
    ("change", ActionClass.WRITE),
    ("run", ActionClass.WRITE),
    ("shell", ActionClass.ADMIN),
    ("list", ActionClass.LIST),
    ("read", ActionClass.READ),
)


class Deed(msgspec.Struct, frozen=True):
    """What the name of an action tells.

    Attributes:
        verbs: groups of what is done, the names of ``deedwords.VERBS``.
        things: groups of what it is done to, the names of ``deedwords.THINGS``.
        marks: what that makes, in alphabetical order.
        kind: the class of the action as far as the verbs tell it.
    """

    verbs: frozenset[str]
    things: frozenset[str]
    marks: tuple[Mark, ...]
    kind: ActionClass


def _singular(word: str) -> str:
    if word.endswith("ies") and word[:-3] + "y" in _KNOWN:
        return word[:-3] + "y"
    if word not in _KNOWN and word.endswith("s"):
        return word[:-2] if word.endswith("sses") else word[:-1]
    return word


@lru_cache(maxsize=_CACHE)
def _cut(word: str) -> tuple[str, ...]:
    """Return ``word`` in the singular, cut into known words when it consists of nothing else."""
    single = _singular(word)
    if single in _KNOWN or len(word) > _LONGEST * 2:
        return (single,)
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(_SHORTEST, len(word) + 1):
        for begin in range(max(0, end - _LONGEST), end - _SHORTEST + 1):
            before, part = best[begin], _singular(word[begin:end])
            if before is not None and part in _KNOWN and (best[end] is None or len(before) + 1 < len(best[end] or ())):
                best[end] = (*before, part)
    return best[-1] or (single,)


def words_of(text: str) -> list[str]:
    """Return the words of a name in lower case and singular; neighbours that make one known word are that word."""
    found = [
        part for word in _WORDS.findall(_NOISE.sub("", text[:_MAX_TEXT]))[:_MAX_WORDS] for part in _cut(word.lower())
    ]
    words: list[str] = []
    for word in found:
        if words and words[-1] in _NEGATIONS:
            words[-1] = ""  # "non-admin", "not accessed": what is denied is not said
        elif words and (joined := words[-1] + word) in _KNOWN:
            words[-1] = joined
        else:
            words.append(word)
    return words


@lru_cache(maxsize=_CACHE)
def deed_of(text: str) -> Deed:
    """Return what the words of ``text`` mean; cached, pure."""
    words = words_of(text)
    verbs = {group for word in words for group in _VERB_OF.get(word, ())}
    things = {group for word in words for group in _THING_OF.get(word, ())}
    if not verbs.isdisjoint(_STRONG):
        verbs -= _WEAK  # "access" and "list" are nouns beside a verb of change
    marks = {mark for does, to, mark in MEANINGS if _fits(verbs, does) and _fits(things, to)}
    kind = next((kind for verb, kind in _CLASSES if verb in verbs), ActionClass.OTHER)
    return Deed(frozenset(verbs), frozenset(things), tuple(sorted(marks)), kind)


def _fits(groups: set[str], wanted: tuple[str, ...]) -> bool:
    return not wanted or not groups.isdisjoint(wanted)
