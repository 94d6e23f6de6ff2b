"""The model card: what the model is, what it was measured on, and what it must not be used for."""

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.biometrics.measure import auc, cllr, eer, fnmr_at_fmr
from ostiary.biometrics.sequence.evaluate import RATES, hits_at
from ostiary.biometrics.sequence.folder import Schema
from ostiary.biometrics.sequence.training.trials import Grid
from ostiary.biometrics.window import Floats

_CARD: Final = """# Sequences: which deed follows which

Kind `sequence`: smoothed counts of transitions against those of the training people; no network.

- **Data**: {windows:,} windows of {people:,} people; {words:,} words.
- **Seed**: {seed}.
- **Protocol**: a fifth of the people at a time are strangers, left out of the population; templates of the first third
  of a person's windows, own trials from the later ones; one threshold for everybody. The smoothing was chosen on the
  same trials: measure on other people before you trust these figures.
- **Smoothing**: {smoothing}.
- **Operating points**: 97 % of people's own windows score {accept:.1f} or more; from {update:.1f} on they may teach.

| enrolled | judged together | EER | FNMR at 1 % FMR | AUC | Cllr | found at 1.3 / 3.0 / 4.6 % false alarms |
|---|---|---|---|---|---|---|
{rows}

The words of the training people (names of commands, templates of routes) and their damped counts are in the model;
nobody's name is.

**Must not be used** to end a session, or to judge anybody's work: a new task looks like a stranger until it was seen.
It is a reason to ask for a step-up, no more. A deployment that trains on its own people has their words in the
population, and finds more strangers.
"""


class Told(msgspec.Struct, frozen=True):
    """What the card says of the data: people, windows, seed, and what each choice found."""

    people: int
    windows: int
    seed: int
    tried: Mapping[str, float]


def card_of(schema: Schema, told: Told, grid: Grid) -> str:
    """Return the card in Markdown."""
    return _CARD.format(
        windows=told.windows,
        people=told.people,
        words=len(schema.vocabulary.words),
        seed=told.seed,
        smoothing=", ".join(f"{name} {value:g}" for name, value in msgspec.structs.asdict(schema.rule).items()),
        rows="\n".join(_row(schema, key, *scores) for key, scores in sorted(grid.items())),
        accept=schema.keeping.accept,
        update=schema.keeping.update,
    )


def _row(schema: Schema, key: tuple[int, int], own: Floats, strangers: Floats) -> str:
    bits = cllr(schema.calibration.llrs(own, *key), schema.calibration.llrs(strangers, *key))
    found = " / ".join(f"{100 * hits_at(own, strangers, rate):.1f} %" for rate in RATES)
    return (
        f"| {key[0]} | {key[1]} | {100 * eer(own, strangers):.1f} % | {100 * fnmr_at_fmr(own, strangers):.1f} % | "
        f"{auc(own, strangers):.3f} | {bits:.2f} | {found} |"
    )
