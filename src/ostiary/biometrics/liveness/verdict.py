"""Was a window made by a person, now? A score from 0 to 1, and why it is low.

- 0 for a replay: the window itself, or a copy that somebody shook, cut, shifted or slowed down.
- Below ``LIVE`` a window counts as not live. What cannot be told (few events, a coarse clock) is live.
- Liveness is beside the likelihood that it is the same person, never a part of it: a replay is the person's own typing.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.biometrics.liveness.history import Growing, History
from ostiary.biometrics.liveness.prints import Prints, prints_of
from ostiary.biometrics.liveness.synthetic import made
from ostiary.biometrics.window import Window

LIVE: Final = 0.5


class Verdict(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        score: 0 not live to 1 live.
        reasons: why it is not higher, in words; empty where nothing speaks against it.
    """

    score: float
    reasons: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it counts as live."""
        return self.score >= LIVE


class Seeing(msgspec.Struct, frozen=True):
    """A window made ready to be judged against any history: once a window.

    Attributes:
        prints: by which it is known again.
        made: how far it looks made by a person, whatever the history.
    """

    prints: Prints
    made: Verdict = Verdict(1.0)


def seeing(window: Window, *, trusted: bool | None = None) -> Seeing:
    """Return ``window`` made ready; ``trusted`` is what the browser says of its events, ``None`` when nobody asked."""
    return Seeing(prints_of(window), Verdict(*made(window, trusted=trusted)))


def judged(ready: Seeing, history: History | Growing) -> Verdict:
    """Return whether the window is live, given the person's earlier windows."""
    seen = history.seen(ready.prints)
    if seen.replayed:
        words = "the very same window was seen before" if seen.exact else _WORDS[seen.family]
        return Verdict(0.0, (f"replay: {words}",))
    return Verdict(min(ready.made.score, 1.0 - (1.0 - LIVE) * seen.share), ready.made.reasons)


def liveness(window: Window, history: Sequence[Window]) -> float:
    """Return the score of one window against earlier ones; for many, keep a ``History`` and ``seeing`` once each."""
    return judged(seeing(window), History.of(history)).score


_WORDS: Final = {
    "timing": "its times are those of an earlier window, moved a little",
    "tempo": "its rhythm is that of an earlier window, faster or slower",
    "path": "the pointer went an earlier window's way, step by step",
    "curve": "the pointer went an earlier window's way, moved a little",
}
