"""Made-up people who type: windows of keystrokes that no real person ever made, so that anybody may learn from them.

How a window comes about, all of it from one seed:

- A *typist* is drawn once: how long keys are held and how far presses lie apart (log-normal, by class of key), how much
  slower two keys in a row of one hand are than of both hands, how often and how far keys roll over (the next is pressed
  before the last is released), how long the typist thinks before a word and how often, how often a key is corrected,
  how their shape of times is skewed, and how the hold of a key follows the gap before it.
- A *sitting* moves each of these a little (mood, desk, keyboard), and a *sentence* a little more.
- A *sentence* is a made-up row of words: letters of the left and the right hand, spaces, now and then a capital, a
  digit, a point.

The numbers are rounded from what studies of typing tell in their summaries (holds of about 100 ms, presses about 170 ms
apart, a quarter of the keys overlapping); they were not fitted to anybody's rows.

>>> crowd = Typists(seed=1)
>>> window = crowd.typist(7).sentence(sitting=0, number=0)
>>> window[0][0], all(up >= down for down, up, _ in window), window == crowd.typist(7).sentence(0, 0)
(0.0, True, True)
"""

import math
import random
from typing import Final

import msgspec

LEFT: Final = 1
RIGHT: Final = 2
SPACE: Final = 3
BACKSPACE: Final = 5
DIGIT: Final = 6
SHIFT: Final = 7
OTHER: Final = 8
SENTENCES_A_SITTING: Final = 5
Events = list[tuple[float, float, int]]

_LEFT_SHARE: Final = 0.56
_WORDS: Final = (5, 12)
_SPREADS: Final = {
    "hold": (math.log(102), 0.24),
    "press": (math.log(165), 0.30),
    "hold_spread": (math.log(0.20), 0.30),
    "press_spread": (math.log(0.34), 0.25),
    "same_hand": (0.16, 0.12),
    "left_hold": (0.0, 0.07),
    "space_hold": (-0.06, 0.14),
    "space_press": (-0.05, 0.16),
    "word_press": (0.12, 0.15),
    "shift_hold": (0.55, 0.30),
    "repeat": (0.05, 0.12),
    "rollover": (0.0, 0.9),
    "overlap": (math.log(32), 0.45),
    "think": (-3.0, 0.8),
    "think_ms": (math.log(520), 0.45),
    "wrong": (-3.4, 0.8),
    "follows": (0.0, 0.16),
    "rhythm": (0.15, 0.15),
    "skew": (0.25, 0.15),
}
"""Of what is drawn for a typist: mean and deviation."""
_SITTING: Final = 0.22
_SENTENCE: Final = 0.24
"""How far a sitting and a sentence move what was drawn, in the deviations of the people."""


class Typist(msgspec.Struct, frozen=True):
    """One made-up person.

    Attributes:
        seed: of this person alone.
        habits: what was drawn, by name.
    """

    seed: str
    habits: dict[str, float]

    def sentence(self, sitting: int, number: int) -> Events:
        """Return the keys of a sentence: down, up, class; milliseconds since the first press."""
        luck = random.Random(f"{self.seed}/{sitting}/{number}")  # noqa: S311 - a made-up person, no secret
        mood = random.Random(f"{self.seed}/{sitting}")  # noqa: S311 - as above
        now = {
            name: value + spread * (mood.gauss(0, _SITTING) + luck.gauss(0, _SENTENCE))
            for (name, value), (_, spread) in zip(self.habits.items(), _SPREADS.values(), strict=True)
        }
        return _typed(_text(luck, now), now, luck)


class Typists(msgspec.Struct, frozen=True):
    """A crowd of them, of any size.

    Attributes:
        seed: of the crowd.
    """

    seed: int

    def typist(self, number: int) -> Typist:
        """Return one of them; the same number is the same person."""
        seed = f"{self.seed}/{number}"
        luck = random.Random(seed)  # noqa: S311 - as above
        speed = luck.gauss(0, 1)
        habits = {name: mean + spread * luck.gauss(0, 1) for name, (mean, spread) in _SPREADS.items()}
        # Who types fast holds shorter, scatters less and rolls over more.
        habits["press"] -= 0.20 * speed
        habits["hold"] -= 0.06 * speed
        habits["press_spread"] -= 0.08 * speed
        habits["rollover"] += 0.7 * speed - 1.5
        return Typist(seed, habits)


def _text(luck: random.Random, now: dict[str, float]) -> list[int]:
    """Return the classes of the keys of a sentence, mistakes and their corrections among them."""
    wrong = _chance(now["wrong"])
    keys = [SHIFT] if luck.random() < 0.9 else []  # noqa: PLR2004 - most sentences begin with a capital
    for word in range(luck.randint(*_WORDS)):
        keys += [SPACE] * (word > 0)
        for _ in range(max(1, min(11, round(luck.gammavariate(4.0, 1.15))))):
            letter = LEFT if luck.random() < _LEFT_SHARE else RIGHT
            keys += [luck.choice((LEFT, RIGHT)), BACKSPACE] * (luck.random() < wrong)
            keys.append(DIGIT if luck.random() < 0.004 else letter)  # noqa: PLR2004 - a digit is rare
    return [*keys, OTHER]


def _typed(keys: list[int], now: dict[str, float], luck: random.Random) -> Events:
    """Return when each key goes down and up."""
    events: Events = []
    down, drift = 0.0, 0.0
    for place, kind in enumerate(keys):
        gap = 0.0
        if place:
            before = keys[place - 1]
            drift = now["rhythm"] * drift + luck.gauss(0, 1)
            gap = _gap(before, kind, now, luck, drift)
            held = events[-1][1] - events[-1][0]
            gap = _rolled(gap, held, before, now, luck)
            down += gap
        hold = _hold(kind, now, luck) + now["follows"] * 20 * math.tanh(drift)
        events.append((round(down, 1), round(down + max(12.0, hold), 1), kind))
    return events


def _hold(kind: int, now: dict[str, float], luck: random.Random) -> float:
    more = {SPACE: now["space_hold"], SHIFT: now["shift_hold"], LEFT: now["left_hold"]}.get(kind, 0.0)
    return math.exp(now["hold"] + more + math.exp(now["hold_spread"]) * luck.gauss(0, 1))


def _gap(before: int, kind: int, now: dict[str, float], luck: random.Random, drift: float) -> float:
    """Return the time from press to press."""
    more = now["same_hand"] if before == kind and kind in {LEFT, RIGHT} else 0.0
    more += {SPACE: now["space_press"], BACKSPACE: 0.5, SHIFT: 0.4, DIGIT: 0.5, OTHER: 0.3}.get(kind, 0.0)
    more += now["word_press"] if before == SPACE else 0.0
    more += now["repeat"] if luck.random() < 0.06 else 0.0  # noqa: PLR2004 - the same key twice
    spread = math.exp(now["press_spread"])
    time = math.exp(now["press"] + more + spread * (drift + now["skew"] * max(0.0, drift) ** 2))
    if luck.random() < (_chance(now["think"]) if before == SPACE else _chance(now["think"]) / 6):
        time += math.exp(now["think_ms"] + 0.5 * luck.gauss(0, 1))
    return min(time, 4000.0)


def _rolled(gap: float, held: float, before: int, now: dict[str, float], luck: random.Random) -> float:
    """Return the gap so that keys overlap as often, and as far, as this typist lets them."""
    if before == SHIFT:
        return min(gap, 0.7 * held + 20.0)
    if luck.random() < _chance(now["rollover"]):
        return max(15.0, min(gap, held - math.exp(now["overlap"] + 0.5 * luck.gauss(0, 1))))
    return gap if gap > held else held + luck.expovariate(1 / 25.0)


def _chance(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
