"""Those whom it would have hit most, in words that can be read out to them.

- Names from outside are made harmless; they are personal data, and ``anonymous`` puts a pseudonym in their place that
  is the same in every report of the tenant, and leaves out words that may name a place or a device.
"""

from collections import Counter
from typing import Final

from ostiary.server.shadow.distinct import tag_of
from ostiary.server.shadow.report.sheet import Person
from ostiary.server.shadow.report.tallying import Affected
from ostiary.signals.texts import shown
from ostiary.vocabulary.effects import Effect

MOST: Final = 10
_DID: Final = {
    Effect.REDUCE: "given less",
    Effect.STEP_UP: "asked for a fresh proof",
    Effect.DENY: "turned away",
    Effect.TERMINATE: "signed out",
}


def pseudonym(salt: bytes, name: str) -> str:
    """Return the pseudonym of ``type:id``.

    >>> pseudonym(b"salt", "user:ada") == pseudonym(b"salt", "user:ada") != pseudonym(b"salt", "user:bob")
    True
    """
    return f"{shown(name.partition(':')[0], 20)} {tag_of(salt, name):016x}"[:40]


def most_affected(people: dict[str, Affected], salt: bytes, *, anonymous: bool) -> tuple[Person, ...]:
    """Return the ten most affected, the most first."""
    worst = sorted(people.items(), key=lambda one: (-one[1].hits, one[0]))[:MOST]
    return tuple(
        Person(
            pseudonym(salt, key) if anonymous else shown(key),
            one.hits,
            len(one.days),
            _words(one, anonymous=anonymous),
        )
        for key, one in worst
    )


def _words(one: Affected, *, anonymous: bool) -> str:
    did = ", ".join(f"{_DID[effect]} {_times(count)}" for effect, count in one.effects.most_common() if effect in _DID)
    days = "on one day" if len(one.days) == 1 else f"on {len(one.days)} days"
    words = f"Would have been {did or f'affected {_times(one.hits)}'} {days}, {_mostly(one.classes)}"
    if one.groups and not anonymous:
        words += f" (groups: {', '.join(shown(group, 40) for group in one.groups)})"
    if one.reasons:
        top = one.reasons.most_common(2)
        told = [shown(signal if anonymous else text or signal, 60) for (signal, text), _ in top]
        words += f"; most often because of: {' and '.join(told)}"
    if one.judged:
        words += f". {one.wrong} of {one.judged} that somebody looked at were honest"
    return words + "."


def _mostly(classes: Counter[str]) -> str:
    if not classes:
        return "at something unknown"
    name, count = classes.most_common(1)[0]
    every = "always" if len(classes) == 1 else f"mostly ({count} of {classes.total()})"
    return f"{every} at a {shown(name, 40)}"


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count:,} times"  # noqa: PLR2004
