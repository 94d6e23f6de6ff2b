"""The card of a model of phrases: what it learned from, what it may be used for, and what not."""

from collections.abc import Sequence
from typing import Final

from ostiary.biometrics.phrase.model import Expert, Ratios
from ostiary.biometrics.training import TrainSettings
from ostiary.biometrics.window import Floats

_CARD: Final = """# Model of a fixed phrase

Judges whether the same person typed a phrase again, by holds and times between presses. It sees no keys.

- **Learned from**: {people} people, {rows:,} repetitions of {keys} keys; seed {seed}. {known}
- **Holds**: means and covariances of the people together, and trees over comparisons; nobody's repetitions.
- **Operating points**: a calibrated ratio, capped at {cap:g} nats; a threshold for a false-match rate of 1 % and the
  equal error rate are measured by `ostiary biometrics evaluate` on people who are not among these.
- **May**: ask for a step-up, beside other evidence.
- **Must not**: end a session or refuse anybody alone; be used of people who cannot type evenly; identify people;
  judge health, mood or fitness for work.
- **Another phrase or device**: judged by the person's own deviations alone, with about three times the errors.
- **A deployment gains** by training on its own phrase, keyboards and people: what the trees know holds for these alone.
"""


def card(expert: Expert | None, ratios: Ratios, people: Sequence[Floats], settings: TrainSettings) -> str:
    """Return the card."""
    known = "These keys are known to it." if expert else "They were too few to know a phrase: every phrase is unknown."
    return _CARD.format(
        people=len(people),
        rows=sum(len(times) for times in people),
        keys=(people[0].shape[1] + 1) // 2,
        seed=settings.seed,
        known=known,
        cap=ratios.whole.cap,
    )
