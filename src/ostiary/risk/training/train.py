"""Trains a model from a history, in seven steps.

1. Put the history in order of time; refuse what is too small to learn from.
2. Prepare examples: own accesses against planted impostors, ghosts and verdicts.
3. Split by time: the later quarter measures, calibrates and sets thresholds; a tenth of the subjects is kept out of
   the measured fits altogether, so that the card can say how strangers to the model fare.
4. Fit the access forest of each group of subjects with enough to learn from, and everybody's (``wings``).
5. Replay rounds with the folds' risks in everybody's trail, and fit the session forests.
6. Remember what features and scores looked like, to tell drift against.
7. Write models, schemas, calibrations, card and reference as bytes; signing is the caller's.

The same history, verdicts, settings and seed give the same bytes on one machine.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from importlib import metadata
from typing import Final

import msgspec
import numpy as np

from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import sigmoid
from ostiary.risk.golden import Frozen
from ostiary.risk.groups import EVERYBODY, GROUPS
from ostiary.risk.measure.groups import GroupRates, group_rates
from ostiary.risk.model import RiskModel
from ostiary.risk.scorer import LightGbmScorer
from ostiary.risk.source import Source
from ostiary.risk.training.audit import SourceAudit, audit
from ostiary.risk.training.card import Card, WingCard
from ostiary.risk.training.figures import by_sitting, measure
from ostiary.risk.training.files import Wing, files_of, reference_file
from ostiary.risk.training.fit import FitSettings, Fitted, Floats, Rows
from ostiary.risk.training.prepare import Examples, Origins, PrepareSettings, Progress, prepare
from ostiary.risk.training.session_rows import session_examples
from ostiary.risk.training.sources import Caps, Cut
from ostiary.risk.training.votes import fit_votes
from ostiary.risk.training.wings import HELD_OUT, MONOTONE, Access, Mask, fit_access, fit_session
from ostiary.signals.features import FEATURES, SET_DIGEST
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

TASK: Final = (
    "Probability, at the deployment's own base rate, that an access, or a session, is not the subject's own: an "
    "account or session in other hands. It ranks and calibrates; it decides nothing."
)
_LEAST_EVENTS: Final = 400
_LEAST_POSITIVES: Final = 30


class TrainSettings(msgspec.Struct, frozen=True):
    """Everything that shapes a model.

    Attributes:
        seed: of everything random.
        prior: share of accesses that are not the subject's own, as the deployment expects it.
        later_share: share of the history, at its end, that measures.
        trim_above: own accesses surer than this to be an impostor's are left out of the fit; 1 keeps all.
        session_rounds: rounds that session risk is learned from.
        cut: what a source is; with groups, forests of disjoint groups of sources vote beside the model.
        caps: how much a source and a subject may weigh; none caps nobody.
        prepare: how examples are made.
        fit: how trees are grown.
    """

    seed: int = 7
    prior: float = 0.001
    later_share: float = 0.25
    trim_above: float = 0.8
    session_rounds: int = 4
    cut: Cut = Cut()
    caps: Caps | None = None
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
    previous: RiskModel | None = None,
    producers: Sequence[str] = (),
) -> Trained:
    """Train on ``history``; ``verdicts`` maps event ids to 1 (impostor) or 0 (own) and may be empty.

    With ``previous`` the scores of accesses continue its scale, so that alert rates stay where they are. ``producers``
    names who told of each event, where producers are the sources.

    Raises:
        FaultyInputError: ``history_too_small``.
    """
    events, origins = _in_order(history, producers, settings.cut)  # 1
    workers = settings.fit.threads
    examples = prepare(events, verdicts, settings.prepare, settings.seed, tell, workers, origins)  # 2
    border = events[int(len(events) * (1 - settings.later_share))].time_ns  # 3
    if settings.cut.left_out:
        examples = examples.part(~np.isin(examples.source, settings.cut.left_out))
    _check_split(examples, examples.time_ns >= border)
    wings = _wings(events, verdicts, examples, border, settings, tell, previous)  # 4, 5
    reference = reference_file(wings)  # 6
    card = _card(events, verdicts, sources, settings, wings, previous.digest if previous else "")
    tell("done", 1.0)
    return Trained(card, files_of(wings, examples, card, reference))  # 7


def audited(
    history: Sequence[AccessEvent],
    verdicts: Mapping[str, int],
    settings: TrainSettings,
    golden: Frozen | None = None,
    tell: Progress = lambda _what, _share: None,
    producers: Sequence[str] = (),
) -> SourceAudit:
    """Return what each group of sources would do to a model of ``history``; ``golden`` attacks are the yardstick.

    Raises:
        FaultyInputError: ``history_too_small``.
    """
    events, origins = _in_order(history, producers, settings.cut)
    examples = prepare(events, verdicts, settings.prepare, settings.seed, tell, settings.fit.threads, origins)
    later = examples.time_ns >= events[int(len(events) * (1 - settings.later_share))].time_ns
    _check_split(examples, later)
    return audit(examples, later, settings.cut, settings.fit, settings.seed, golden)


def manifest_digest(sources: Sequence[Source], settings: TrainSettings, continues: str = "") -> str:
    """Return the digest that names data, settings, feature catalogue and the model that is continued together."""
    fit = msgspec.structs.replace(settings.fit, threads=1)  # how many hands worked on it changes nothing
    told = [
        msgspec.to_builtins(list(sources)),
        msgspec.to_builtins(msgspec.structs.replace(settings, fit=fit)),
        SET_DIGEST,
        continues,
    ]
    return "sha256:" + sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def _in_order(history: Sequence[AccessEvent], producers: Sequence[str], cut: Cut) -> tuple[list[AccessEvent], Origins]:
    """Return the events in order of time, and whose each is; without groups all are of one."""
    if len(history) < _LEAST_EVENTS:
        raise _too_small(f"{len(history)} events, {_LEAST_EVENTS} are the least")
    if cut.groups:
        cut.check()
    order = sorted(range(len(history)), key=lambda place: history[place].time_ns)
    events = [history[place] for place in order]
    source = cut.of_events(events, [producers[place] for place in order] if producers else ())
    return events, Origins(tuple(source.tolist()), max(1, cut.groups))


def _check_split(examples: Examples, later: Mask) -> None:
    for part, name in ((later, "later"), (~later, "earlier")):
        impostors = int(examples.label[part].sum())
        if impostors < _LEAST_POSITIVES or int(part.sum()) - impostors < _LEAST_POSITIVES:
            raise _too_small(f"the {name} part has {impostors} impostors' accesses, {_LEAST_POSITIVES} are the least")


def _wings(
    events: Sequence[AccessEvent],
    verdicts: Mapping[str, int],
    examples: Examples,
    border: int,
    settings: TrainSettings,
    tell: Progress,
    previous: RiskModel | None,
) -> dict[str, Wing]:
    split = settings.cut.groups > 0  # then there is one wing: a group of subjects on a group of sources is too little
    parts = {EVERYBODY: examples} | ({} if split else _own_parts(examples, border))
    accesses: dict[str, Access] = {}
    for done, (name, part) in enumerate(parts.items()):
        tell("fit", done / len(parts))
        later = part.time_ns >= border
        before = None if previous is None else partial(_scores, previous.access(name))
        votes = fit_votes(part, later, settings.cut, settings.fit, settings.seed) if split else None
        accesses[name] = fit_access(
            part,
            later,
            settings.fit,
            settings.seed,
            settings.prior,
            settings.trim_above,
            before,
            votes=votes,
            vote_only=settings.cut.vote_only,
            caps=settings.caps,
        )
    sessions = session_examples(
        events,
        verdicts,
        {name: one.judge for name, one in accesses.items()},
        settings.prepare.contrast,
        settings.seed,
        _session_rounds(events, settings),
        tell,
        settings.fit.threads,
        settings.prepare.settled_days,
    )
    tell("fit sessions", 0.0)
    return {
        name: Wing(
            parts[name],
            parts[name].time_ns >= border,
            one,
            fit_session(sessions[name], border, one.features, settings.fit, settings.seed, settings.prior),
        )
        for name, one in accesses.items()
    }


def _scores(scorer: LightGbmScorer, rows: Rows) -> Floats:
    margins = [scorer.engine.margin(row) for row in rows.tolist()]
    return np.array([sigmoid(scorer.scaling.logit(margin)) for margin in margins], dtype=np.float64)


def _session_rounds(events: Sequence[AccessEvent], settings: TrainSettings) -> int:
    """Return how many rounds sessions get: no more than accesses, but enough for a short history to have impostors."""
    made = settings.prepare
    enough = int(made.least_impostors / max(1.0, made.contrast.share * len(events)))
    return max(min(settings.session_rounds, made.rounds), min(made.most_rounds, enough))


def _own_parts(examples: Examples, border: int) -> dict[str, Examples]:
    """Return the rows of each group that has enough of its own to learn from, when there is more than one group."""
    if len(np.unique(examples.group)) < 2:  # noqa: PLR2004 - one group is everybody
        return {}
    parts = {name: examples.part(examples.group == number) for number, name in enumerate(GROUPS)}
    return {name: part for name, part in parts.items() if _enough(part, border)}


def _enough(part: Examples, border: int) -> bool:
    later = part.time_ns >= border
    counts = [int((part.label[side] == label).sum()) for side in (later, ~later) for label in (0, 1)]
    return min(counts) >= _LEAST_POSITIVES and len(np.unique(part.subject)) >= HELD_OUT


def _card(
    events: Sequence[AccessEvent],
    verdicts: Mapping[str, int],
    sources: Sequence[Source],
    settings: TrainSettings,
    wings: Mapping[str, Wing],
    continues: str,
) -> Card:
    used = [verdicts[event.event_id] for event in events if event.event_id in verdicts]
    everybody = wings[EVERYBODY]
    cards = {name: _wing_card(wing, settings.prior) for name, wing in wings.items()}
    return Card(
        task=TASK,
        protocol=_protocol(settings, bool(used)),
        sources=tuple(sources),
        manifest=manifest_digest(sources, settings, continues),
        continues=continues,
        subjects=len({subject_key(event) for event in events}),
        events=len(events),
        labels={"impostor": used.count(1), "own": used.count(0)} if used else {},
        seed=settings.seed,
        prepare=settings.prepare,
        fit=msgspec.structs.replace(settings.fit, threads=1),
        trees=everybody.access.final.trees,
        session_trees=everybody.session.final.trees,
        versions={name: metadata.version(name) for name in ("ostiary", "lightgbm", "numpy", "scikit-learn")},
        events_figures=cards[EVERYBODY].accesses,
        sessions_figures=cards[EVERYBODY].sessions,
        unseen_subjects=cards[EVERYBODY].unseen,
        wings=cards,
        false_positives=_false_positives(wings),
        gain_by_family=_gain_by_family(everybody.access.final),
        monotone={"rising": MONOTONE.count(1), "falling": MONOTONE.count(-1), "free": MONOTONE.count(0)},
        partitions=everybody.access.votes.ballot.forests if everybody.access.votes else 0,
        sources_by=settings.cut.by if everybody.access.votes else "",
        odd_sources=everybody.access.votes.odd if everybody.access.votes else (),
    )


def _wing_card(wing: Wing, prior: float) -> WingCard:
    session, kind = wing.session, wing.examples.kind[wing.later]
    return WingCard(
        subjects=len(np.unique(wing.examples.subject)),
        trees=wing.access.final.trees,
        session_trees=session.final.trees,
        accesses=measure(wing.access.scores, kind, prior),
        sessions=measure(session.scores, session.kind, prior),
        unseen=measure(session.scores[session.unseen], session.kind[session.unseen], prior),
        worst_access=measure(*by_sitting(wing.access.scores, kind, wing.examples.sitting[wing.later]), prior),
        session_nets=len(session.nets.nets) if session.nets else 0,
    )


def _false_positives(wings: Mapping[str, Wing]) -> tuple[GroupRates, ...]:
    """Return the false alarms of each group by the wing that judges it."""
    found: list[GroupRates] = []
    everybody = wings[EVERYBODY]
    for number, name in enumerate(GROUPS):
        wing = wings.get(name, everybody)
        mine = wing.examples.group[wing.later] == number
        if not mine.any():
            continue
        levels = {"medium": wing.access.levels.medium, "high": wing.access.levels.high}
        truth = wing.examples.label[wing.later][mine]
        subjects = [str(one) for one in wing.examples.subject[wing.later][mine].tolist()]
        found += group_rates(wing.access.scores[mine], truth, [name] * int(mine.sum()), subjects, levels)
    return tuple(found)


def _protocol(settings: TrainSettings, labelled: bool) -> tuple[str, ...]:  # noqa: FBT001 - two wordings
    made, share = settings.prepare, settings.later_share
    return (
        f"own accesses against impostors made of other subjects' real behaviour, {made.rounds} rounds",
        "joined by verdicts" if labelled else "without any label",
        f"impostors: {made.contrast.share:.1%} of a round's sittings, and ghosts: {made.ghost_share:.1%} of accesses",
        f"session risk: {settings.session_rounds} more rounds, with risks by forests that never saw the subject",
        f"the last {share:.0%} of the history measures, calibrates and sets thresholds",
        f"one subject in {HELD_OUT} is kept out of the measured fits; the final trees are grown on everything",
        f"thresholds at 1 % and 0.1 % false positives on own behaviour; base rate {settings.prior:g}",
        "people, service accounts and jobs have forests of their own where each had enough to learn from",
        "features come from a causal replay: an access is judged by what happened before it",
    )


def _gain_by_family(final: Fitted) -> dict[str, float]:
    total = sum(final.gain) or 1.0
    shares: dict[str, float] = {}
    for spec, gain in zip(FEATURES, final.gain, strict=True):
        shares[spec.family] = shares.get(spec.family, 0.0) + gain / total
    return {family: round(share, 6) for family, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))}


def _too_small(text: str) -> FaultyInputError:
    return FaultyInputError("history_too_small", f"the history is too small to learn from: {text}")
