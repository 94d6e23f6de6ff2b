"""Trains a model from a history, in eight steps.

1. Put the history in order of time; refuse what is too small to learn from.
2. Prepare examples: own accesses against planted impostors, ghosts and verdicts.
3. Split by time: the later quarter measures, calibrates and sets thresholds; a tenth of the subjects is kept out of
   the fit altogether, so that the card can say how strangers to the model fare.
4. Leave unlabelled suspects out of the fit.
5. Fit on the earlier part, stopping when the later part gains no more.
6. Calibrate and set the levels' thresholds on the later part.
7. Fit once more, with that many trees, on everything.
8. Write model, schema, calibration and card as bytes; signing is the caller's.

The same history, verdicts, settings and seed give the same bytes on one machine.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import metadata
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.errors import FaultyInputError
from ostiary.risk.schema import CALIBRATION_FILE, CARD_FILE, MODEL_FILE, SCHEMA_FILE, Column, Scaling, Schema
from ostiary.risk.source import Source
from ostiary.risk.training.calibrate import learn_calibration
from ostiary.risk.training.card import Card, encode_card, write_card
from ostiary.risk.training.figures import by_sitting, measure, probabilities, thresholds
from ostiary.risk.training.fit import FitSettings, Fitted, Floats, fit, margins
from ostiary.risk.training.prepare import Examples, PrepareSettings, Progress, prepare
from ostiary.risk.training.trim import suspects
from ostiary.signals.features import FEATURES, NAMES, SET_DIGEST
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

DEPTH: Final = "history_depth"
CARD_TEXT: Final = "card.md"
TASK: Final = (
    "Probability, at the deployment's own base rate, that an access is not the subject's own: an account or session in "
    "other hands. It ranks and calibrates; it decides nothing."
)
_LEAST_EVENTS: Final = 400
_LEAST_POSITIVES: Final = 30
_HELD_OUT: Final = 10
_MONOTONE: Final = tuple(spec.monotone for spec in FEATURES)
Mask = npt.NDArray[np.bool_]


class TrainSettings(msgspec.Struct, frozen=True):
    """Everything that shapes a model.

    Attributes:
        seed: of everything random.
        prior: share of accesses that are not the subject's own, as the deployment expects it.
        later_share: share of the history, at its end, that measures.
        trim_above: own accesses surer than this to be an impostor's are left out of the fit; 1 keeps all.
        prepare: how examples are made.
        fit: how trees are grown.
    """

    seed: int = 7
    prior: float = 0.001
    later_share: float = 0.25
    trim_above: float = 0.8
    prepare: PrepareSettings = PrepareSettings()
    fit: FitSettings = FitSettings()


class Trained(msgspec.Struct, frozen=True):
    """A model before it is signed: its card and its files."""

    card: Card
    files: dict[str, bytes]


def train(
    history: Sequence[AccessEvent],
    verdicts: Mapping[str, int],
    sources: Sequence[Source],
    settings: TrainSettings,
    tell: Progress = lambda _what, _share: None,
) -> Trained:
    """Train on ``history``; ``verdicts`` maps event ids to 1 (impostor) or 0 (own) and may be empty.

    Raises:
        FaultyInputError: ``history_too_small``.
    """
    events = sorted(history, key=lambda event: event.time_ns)  # 1
    if len(events) < _LEAST_EVENTS:
        raise _too_small(f"{len(events)} events, {_LEAST_EVENTS} are the least")
    examples = prepare(events, verdicts, settings.prepare, settings.seed, tell)  # 2
    later, held_out = _split(events, examples, settings)  # 3
    _check_split(examples, later)
    tell("suspects", 0.0)
    fitting = ~_suspects(examples, settings)  # 4
    early = fitting & ~later & ~held_out
    tell("fit", 0.0)
    first = _fit(examples, early, settings, later)  # 5
    scaling, scores = _scale(examples, later, first, settings)  # 6
    tell("fit", 0.5)
    fixed = msgspec.structs.replace(settings.fit, most_trees=first.trees)
    final = _fit(examples, fitting, msgspec.structs.replace(settings, fit=fixed), None)  # 7
    card = _card(events, verdicts, sources, settings, examples, later, held_out, scores, final)
    tell("done", 1.0)
    return Trained(card, _files(final, examples, scaling, card))  # 8


def manifest_digest(sources: Sequence[Source], settings: TrainSettings) -> str:
    """Return the digest that names data, settings and feature catalogue together."""
    told = [msgspec.to_builtins(list(sources)), msgspec.to_builtins(settings), SET_DIGEST]
    return "sha256:" + sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def _split(events: Sequence[AccessEvent], examples: Examples, settings: TrainSettings) -> tuple[Mask, Mask]:
    border = events[int(len(events) * (1 - settings.later_share))].time_ns
    return examples.time_ns >= border, examples.subject % _HELD_OUT == 0


def _check_split(examples: Examples, later: Mask) -> None:
    for part, name in ((later, "later"), (~later, "earlier")):
        impostors = int(examples.label[part].sum())
        if impostors < _LEAST_POSITIVES or int(part.sum()) - impostors < _LEAST_POSITIVES:
            raise _too_small(f"the {name} part has {impostors} impostors' accesses, {_LEAST_POSITIVES} are the least")


def _suspects(examples: Examples, settings: TrainSettings) -> Mask:
    if settings.trim_above >= 1:
        return np.zeros(len(examples.label), dtype=np.bool_)
    found = suspects(
        examples.rows,
        examples.label,
        examples.subject,
        above=settings.trim_above,
        names=NAMES,
        monotone=_MONOTONE,
        settings=settings.fit,
        seed=settings.seed,
    )
    return found & ~examples.vouched


def _fit(examples: Examples, part: Mask, settings: TrainSettings, later: Mask | None) -> Fitted:
    watched = None if later is None else (examples.rows[later], examples.label[later])
    return fit(
        examples.rows[part],
        examples.label[part],
        names=NAMES,
        monotone=_MONOTONE,
        settings=settings.fit,
        seed=settings.seed,
        later=watched,
    )


def _scale(examples: Examples, later: Mask, fitted: Fitted, settings: TrainSettings) -> tuple[Scaling, Floats]:
    """Return calibration and thresholds, and the later rows' probabilities."""
    margin = margins(fitted.text, examples.rows[later])
    table = learn_calibration(margin, examples.label[later], settings.prior)
    scores = probabilities(table, margin)
    sessions = by_sitting(scores, examples.kind[later], examples.sitting[later])
    return Scaling(table, thresholds(scores, examples.kind[later]), thresholds(*sessions)), scores


def _card(
    events: Sequence[AccessEvent],
    verdicts: Mapping[str, int],
    sources: Sequence[Source],
    settings: TrainSettings,
    examples: Examples,
    later: Mask,
    held_out: Mask,
    scores: Floats,
    final: Fitted,
) -> Card:
    kind, sitting, unseen = examples.kind[later], examples.sitting[later], held_out[later]
    used = [verdicts[event.event_id] for event in events if event.event_id in verdicts]
    sessions = by_sitting(scores, kind, sitting)
    strangers = by_sitting(scores[unseen], kind[unseen], sitting[unseen])
    return Card(
        task=TASK,
        protocol=_protocol(settings, bool(used)),
        sources=tuple(sources),
        manifest=manifest_digest(sources, settings),
        subjects=len({subject_key(event) for event in events}),
        events=len(events),
        labels={"impostor": used.count(1), "own": used.count(0)} if used else {},
        seed=settings.seed,
        prepare=settings.prepare,
        fit=settings.fit,
        trees=final.trees,
        versions={name: metadata.version(name) for name in ("ostiary", "lightgbm", "numpy", "scikit-learn")},
        events_figures=measure(scores, kind, settings.prior),
        sessions_figures=measure(*sessions, settings.prior),
        unseen_subjects=measure(*strangers, settings.prior),
        gain_by_family=_gain_by_family(final),
        monotone={"rising": _MONOTONE.count(1), "falling": _MONOTONE.count(-1), "free": _MONOTONE.count(0)},
    )


def _protocol(settings: TrainSettings, labelled: bool) -> tuple[str, ...]:  # noqa: FBT001 - two wordings
    made, share = settings.prepare, settings.later_share
    return (
        f"own accesses against impostors made of other subjects' real behaviour, {made.rounds} rounds",
        "joined by verdicts" if labelled else "without any label",
        f"impostors: {made.contrast.share:.1%} of a round's sittings, and ghosts: {made.ghost_share:.1%} of accesses",
        f"the last {share:.0%} of the history measures, calibrates and sets thresholds",
        f"one subject in {_HELD_OUT} is kept out of the measured fit; the final trees are grown on everything",
        f"thresholds at 1 % and 0.1 % false positives on own behaviour; base rate {settings.prior:g}",
        "features come from a causal replay: an access is judged by what happened before it",
    )


def _gain_by_family(final: Fitted) -> dict[str, float]:
    total = sum(final.gain) or 1.0
    shares: dict[str, float] = {}
    for spec, gain in zip(FEATURES, final.gain, strict=True):
        shares[spec.family] = shares.get(spec.family, 0.0) + gain / total
    return {family: round(share, 6) for family, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))}


def _files(final: Fitted, examples: Examples, scaling: Scaling, card: Card) -> dict[str, bytes]:
    told = 1.0 - np.isnan(examples.rows).mean(axis=0)
    columns = [
        Column(spec.name, spec.family, spec.monotone, round(float(share), 6), spec.topic)
        for spec, share in zip(FEATURES, told, strict=True)
    ]
    schema = Schema(SET_DIGEST, columns, depth=DEPTH if DEPTH in NAMES else "")
    return {
        MODEL_FILE: final.text.encode(),
        SCHEMA_FILE: _json(schema),
        CALIBRATION_FILE: _json(scaling),
        CARD_FILE: encode_card(card),
        CARD_TEXT: write_card(card),
    }


def _json(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _too_small(text: str) -> FaultyInputError:
    return FaultyInputError("history_too_small", f"the history is too small to learn from: {text}")
