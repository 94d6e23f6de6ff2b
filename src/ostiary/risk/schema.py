"""What an access-risk model says of itself in ``schema.json`` and ``calibration.json``.

- The schema names the features in column order, with their family and monotone direction, and the digest of the
  catalogue they came from. A model is used with exactly that catalogue or not at all.
- The scaling joins the calibration tables with the levels' thresholds.
- People, service accounts and jobs have files of their own where there was enough to learn from (``file_of``).
"""

from typing import Final, TypeVar

import msgspec

from ostiary.errors import FaultyInputError, VerificationError
from ostiary.risk.calibration import Calibration, check_calibration, log_odds
from ostiary.risk.groups import EVERYBODY, GROUPS

Shape = TypeVar("Shape")

KIND: Final = "access-risk-model"
MODEL_FILE: Final = "model.txt"
SESSION_FILE: Final = "session.txt"
SESSION_SCHEMA_FILE: Final = "session.json"
SESSION_NET_FILE: Final = "session_net.json"
SCHEMA_FILE: Final = "schema.json"
CALIBRATION_FILE: Final = "calibration.json"
CARD_FILE: Final = "card.json"
FORMAT_VERSION: Final = 2
_LEAST: Final = 1e-12


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One feature column.

    Attributes:
        name, family, monotone: as in the catalogue.
        told: share of the training rows that had a value in it.
        topic: what it is about; the family when it is left out.
    """

    name: str
    family: str
    monotone: int = 0
    told: float = 1.0
    topic: str = ""

    @property
    def about(self) -> str:
        """Return what the column is about, for a person."""
        return self.topic or self.family


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The columns, and the digest of the catalogue they came from.

    Attributes:
        feature_set: digest of the signal catalogue.
        columns: in the order of a feature row.
        depth: name of the column with ``ln(1 + the subject's earlier events)``, empty when there is none.
        groups: of subjects that have forests of their own.
        version: of this file's shape.
        settled_days: how old a habit must be in the profiles that the model is used with; 0 = they learn at once.
    """

    feature_set: str
    columns: list[Column]
    depth: str = ""
    groups: tuple[str, ...] = ()
    version: int = FORMAT_VERSION
    settled_days: float = 0.0


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Probabilities from which a score is ``medium`` (step-up) or ``high``."""

    medium: float
    high: float

    def level(self, score: float) -> str:
        """Return the level of ``score``."""
        if score >= self.high:
            return "high"
        return "medium" if score >= self.medium else "low"


class Scaling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calibration and thresholds, for single events and for whole sessions.

    Attributes:
        table: margin of one access to probability.
        event: thresholds of one access.
        session: thresholds of a session's score.
        session_table: margin of a session to probability.
        continues: log-odds of one access to those at which the model before flagged as much, if there was one.
        version: of this file's shape.
    """

    table: Calibration
    event: Thresholds
    session: Thresholds
    session_table: Calibration
    continues: Calibration | None = None
    version: int = FORMAT_VERSION

    def logit(self, margin: float) -> float:
        """Return the log-odds of one access's ``margin``, on the scale of the model before if this one continues it."""
        logit = self.table.logit(margin)
        return logit if self.continues is None else self.continues.logit(logit)

    def margin(self, score: float) -> float:
        """Return the margin whose calibrated probability is ``score``: what ``logit`` undoes."""
        logit = log_odds(min(max(score, _LEAST), 1 - _LEAST))
        if self.continues is not None:
            logit = self.continues.inverse().logit(logit)
        return self.table.inverse().logit(logit)


def file_of(name: str, group: str) -> str:
    """Return the name of a group's file; without a group, that of everybody's."""
    return f"{group.replace(' ', '-')}.{name}" if group and group != EVERYBODY else name


def parse_schema(data: bytes) -> Schema:
    """Read ``schema.json``.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    schema = _parse(data, Schema)
    names = [column.name for column in schema.columns]
    known = set(schema.groups) <= set(GROUPS)
    if not names or len(set(names)) != len(names) or schema.version != FORMAT_VERSION or not known:
        raise FaultyInputError("model_malformed", "the model's schema has no, doubled or other columns")
    return schema


def parse_scaling(data: bytes) -> Scaling:
    """Read ``calibration.json``.

    Raises:
        FaultyInputError: ``model_malformed``, ``calibration_malformed``.
    """
    scaling = _parse(data, Scaling)
    check_calibration(scaling.table)
    check_calibration(scaling.session_table)
    if scaling.continues is not None:
        check_calibration(scaling.continues)
    for levels in (scaling.event, scaling.session):
        if not 0 <= levels.medium <= levels.high <= 1:
            raise FaultyInputError("calibration_malformed", "the levels' thresholds are not in order")
    return scaling


def check_feature_set(schema: Schema, feature_set: str, names: tuple[str, ...]) -> None:
    """Refuse a model that was trained on another catalogue than the one in use.

    Raises:
        VerificationError: ``model_feature_set``.
    """
    if schema.feature_set != feature_set or tuple(column.name for column in schema.columns) != names:
        text = (
            f"the model was trained on feature set `{schema.feature_set[:80]}`, in use is {feature_set}: train it anew"
        )
        raise VerificationError("model_feature_set", text)


def _parse(data: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise FaultyInputError("model_malformed", f"a file of the model is malformed: {fault}") from fault
