"""The card of a model of logs: what it learned from, what it may be used for, and what not."""

from collections.abc import Sequence
from typing import Final

from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.training import Row, TrainSettings

_CARD: Final = """# Model of whole logs of typing

Judges whether the same person typed two logs of daily work, by quartiles of holds and of times between pairs of keys.

- **Learned from**: {people} people, {logs} logs, {features} features; seed {seed}.
- **Holds**: means, variances and what moves together of the people as a whole; nobody's logs.
- **Operating points**: a calibrated ratio, capped at {cap:g} nats; a threshold for a false-match rate of 1 % and the
  equal error rate are measured by `ostiary biometrics evaluate` on people who are not among these.
- **Sees pairs of keys**: such logs come from agents on managed devices; the browser's collector sends none.
- **May**: ask for a step-up, beside other evidence, after some hundred values.
- **Must not**: end a session or refuse anybody alone; be used of people who cannot type evenly; identify people;
  judge health, mood or fitness for work.
- **Another language or board**: pairs that training did not see say nothing, and its variances may not hold.
- **A deployment gains** by training on its own people, boards and languages.
"""


def card(names: Sequence[str], rows: Sequence[Row], settings: TrainSettings, calibration: Calibration) -> str:
    """Return the card."""
    return _CARD.format(
        people=len({row.subject for row in rows}),
        logs=len(rows),
        features=len(names),
        seed=settings.seed,
        cap=calibration.cap,
    )
