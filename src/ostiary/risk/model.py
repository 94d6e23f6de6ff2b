"""One verified model as it serves: a wing for each group of subjects, and the session risk beside it.

- People, service accounts and jobs are judged by their own wing; a group that has none, by everybody's.
- ``score`` is a ``Scorer``: pure and safe for threads. ``sessions`` gives a fresh ``SessionRisk``, which remembers.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ostiary.artifacts import VerifiedArtifact, Verifier, verify_artifact
from ostiary.errors import FaultyInputError
from ostiary.risk.groups import EVERYBODY, alike, group_of
from ostiary.risk.reasons import Words
from ostiary.risk.schema import (
    CALIBRATION_FILE,
    KIND,
    MODEL_FILE,
    SCHEMA_FILE,
    SESSION_FILE,
    SESSION_NET_FILE,
    SESSION_SCHEMA_FILE,
    Scaling,
    Schema,
    check_feature_set,
    file_of,
    parse_scaling,
    parse_schema,
)
from ostiary.risk.scorer import Engine, LightGbmScorer, pick_engine
from ostiary.risk.session_forest import Nets, SessionForest, SessionSchema, columns_of, parse_session_schema
from ostiary.risk.session_net import parse_nets
from ostiary.risk.session_risk import SessionRisk
from ostiary.risk.swift_net import net_engine
from ostiary.risk.trees import Trees, parse_trees
from ostiary.risk.voting import BALLOT_FILE, Certificate, VotingTrees, parse_ballot, part_file
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

EXPLAINING: Final = 120
"""Trees that reasons are read from: boosting's first trees carry most of a score, and all of them cost milliseconds."""


class Wing(NamedTuple):
    """What judges one group: its accesses and its sessions."""

    access: LightGbmScorer
    session: SessionForest


class RiskModel:
    """A ``Scorer`` over all wings of one verified model."""

    def __init__(self, wings: Mapping[str, Wing], digest: str) -> None:
        """Join the wings by group; ``everybody`` is among them."""
        self._wings = dict(wings)
        self._everybody = wings[EVERYBODY]
        self._digest = digest

    @property
    def digest(self) -> str:
        """Digest of the model artefact."""
        return self._digest

    @property
    def schema(self) -> Schema:
        """The model's columns."""
        return self._everybody.access.schema

    @property
    def scaling(self) -> Scaling:
        """Calibration and thresholds of everybody's wing."""
        return self._everybody.access.scaling

    @property
    def engine(self) -> Engine:
        """What evaluates the trees of everybody's wing."""
        return self._everybody.access.engine

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups with a wing of their own, everybody's included."""
        return tuple(self._wings)

    def wing(self, event: AccessEvent) -> Wing:
        """Return the wing that judges the event's subject."""
        return self._wings.get(group_of(event.subject_type), self._everybody)

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Return the calibrated score of ``features``."""
        return self.wing(event).access.score(event, features)

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the features that any wing's scores, session scores or reasons depend on."""
        names = [column.name for column in self.schema.columns]
        wings = self._wings.values()
        return frozenset().union(
            *(wing.access.wanted for wing in wings),
            *({names[place] for place in wing.session.columns} for wing in wings),
        )

    def score_all(self, events: Sequence[AccessEvent], features: Sequence[Sequence[float]]) -> list[RiskScore]:
        """Return the score of each event with its features, the very one that ``score`` gives."""
        found: dict[int, RiskScore] = {}
        for access, places in alike([self.wing(event).access for event in events]).items():
            risks = access.score_all([events[place] for place in places], [features[place] for place in places])
            found.update(zip(places, risks, strict=True))
        return [found[place] for place in range(len(events))]

    def certificate(self, event: AccessEvent, features: Sequence[float]) -> Certificate | None:
        """Return what the decision at the step-up threshold survives; ``None`` of a model whose sources do not vote."""
        scorer = self.wing(event).access
        engine = scorer.engine
        if not isinstance(engine, VotingTrees):
            return None
        return engine.certificate(features, scorer.scaling.margin(scorer.scaling.event.medium))

    def access(self, group: str) -> LightGbmScorer:
        """Return what judges single accesses of ``group``."""
        return self._wings.get(group, self._everybody).access

    def sessions(self) -> SessionRisk:
        """Return session risk that remembers nothing yet."""
        return SessionRisk(self.session_forest, self._digest)

    def session_forest(self, event: AccessEvent) -> SessionForest:
        """Return the forest that judges the sessions of the event's subject."""
        return self.wing(event).session


def load_scorer(
    directory: Path,
    trusted_keys: Iterable[Verifier],
    *,
    feature_set: str,
    names: tuple[str, ...],
    words: Words,
    pinned: str = "",
    not_before_ns: int = 0,
) -> RiskModel:
    """Verify the artefact in ``directory`` and return its model.

    Raises:
        VerificationError: the artefact is not what a trusted key signed, or is for another feature set.
        FaultyInputError: it is signed, and malformed all the same.
    """
    verified = verify_artifact(directory, trusted_keys, kind=KIND, pinned=pinned, not_before_ns=not_before_ns)
    return model_from(verified, feature_set=feature_set, names=names, words=words)


def model_from(verified: VerifiedArtifact, *, feature_set: str, names: tuple[str, ...], words: Words) -> RiskModel:
    """Return the model over the bytes of a verified artefact.

    Raises:
        VerificationError: ``model_feature_set``.
        FaultyInputError: ``model_malformed``, ``calibration_malformed``.
    """
    schema = parse_schema(_file(verified, SCHEMA_FILE))
    check_feature_set(schema, feature_set, names)
    wings = {group: _wing(verified, group, schema, names, words) for group in (EVERYBODY, *schema.groups)}
    return RiskModel(wings, verified.digest)


def _wing(verified: VerifiedArtifact, group: str, schema: Schema, names: tuple[str, ...], words: Words) -> Wing:
    scaling = parse_scaling(_file(verified, file_of(CALIBRATION_FILE, group)))
    whole, trees = _forest(verified, file_of(MODEL_FILE, group), names)
    engine, used = _voting(verified, group, names, whole, trees.columns())
    first = trees.first(EXPLAINING)
    walker = trees if engine is whole else None
    access = LightGbmScorer(engine, schema, scaling, verified.digest, words, first, used, walker)
    told = parse_session_schema(_file(verified, file_of(SESSION_SCHEMA_FILE, group)))
    text = _file(verified, file_of(SESSION_FILE, group)).decode()
    trees = parse_trees(text)
    if trees.names != told.names:
        raise FaultyInputError("model_malformed", "the session trees' columns are not the schema's")
    columns = columns_of(told, {name: place for place, name in enumerate(names)})
    session = SessionForest(
        pick_engine(text, trees),
        trees.first(EXPLAINING),
        columns,
        scaling,
        so_far=bool(told.so_far),
        lean=told.lean,
        net=_networks(verified, group, told),
    )
    return Wing(access, session)


def _networks(verified: VerifiedArtifact, group: str, told: SessionSchema) -> tuple[float, Nets] | None:
    """Return the networks beside the session's trees and what they weigh, if the model has any."""
    if not told.net:
        return None
    nets = parse_nets(
        _file(verified, file_of(SESSION_NET_FILE, group)), dict(zip(told.names, told.directions, strict=True))
    )
    return told.net, net_engine(nets, told.names)


def _voting(
    verified: VerifiedArtifact, group: str, names: tuple[str, ...], whole: Engine, columns: Iterable[int]
) -> tuple[Engine, frozenset[int]]:
    """Return the engine with the groups' forests beside it, if the model has any, and the columns it looks at."""
    used = frozenset(columns)
    if group != EVERYBODY or BALLOT_FILE not in verified.files:
        return whole, used
    ballot = parse_ballot(_file(verified, BALLOT_FILE))
    found = [_forest(verified, part_file(MODEL_FILE, number), names) for number in range(ballot.forests)]
    used = used.union(*(trees.columns() for _, trees in found))
    return VotingTrees([engine for engine, _ in found], ballot, whole if ballot.whole else None), used


def _forest(verified: VerifiedArtifact, name: str, names: tuple[str, ...]) -> tuple[Engine, Trees]:
    text = _file(verified, name).decode()
    trees = parse_trees(text)
    if trees.names != names:
        raise FaultyInputError("model_malformed", "the trees' columns are not the schema's")
    return pick_engine(text, trees), trees


def _file(verified: VerifiedArtifact, name: str) -> bytes:
    try:
        return verified.files[name]
    except KeyError as fault:
        raise FaultyInputError("model_malformed", f"the artefact has no `{name}`") from fault
