"""The forest of session risk: trail, session so far and the access's telling features, to a probability.

- Its columns are those of ``trail.NAMES``, then those of ``session_columns.NAMES``, then some of the access's own
  features, named in ``session.json``. A model from before there was a session so far has none of the second.
- A session's risk is judged anew at each access, from the risks of the accesses so far.
- The trees may correct the access's own risk instead of saying everything: then a share of it, ``lean``, is added to
  what they say. It only rises with that risk.
- Networks may judge beside the trees (``session_net``): then the mean of both margins, weighed by ``net``, is what is
  calibrated. Reasons are the trees'.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import log_odds, sigmoid
from ostiary.risk.schema import Scaling
from ostiary.risk.session_columns import COLUMNS as SO_FAR_COLUMNS
from ostiary.risk.session_columns import NAMES as SO_FAR
from ostiary.risk.session_columns import RISING as SO_FAR_RISING
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.risk.trail import RISING
from ostiary.signals.features import FEATURES
from ostiary.vocabulary.scoring import Contribution

MOST_COLUMNS: Final = 1_024
MOST_LEAN: Final = 1.0
_LEAST_WEIGHT: Final = 0.05
_MOST_IN_SESSION: Final = 2
_UNSAID: Final = frozenset({"age", "idle", "accesses", "risk", "proofs", "proven"})  # a score is no reason for a score
_LEAST: Final = 1e-12
_OWN_RISK: Final = TRAIL.index("trail_llr")
_WORDS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("llr_level_", "odd_", "llr_worst_", "llr_before"), "the days before held other unusual accesses"),
    (("zone_", "network_", "device_", "collection_", "resource_"), "it resembles other unusual accesses of these days"),
    (("others", "persona", "switches"), "it is unlike the other sittings of these days"),
    (("llr_unusual", "llr_sitting_unusual", "llr_own"), "it is more unusual than this subject usually is"),
    (("gap", "sittings_"), "the sittings of these days follow each other unusually"),
)


class Forest(Protocol):
    """What evaluates the trees."""

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row``."""
        ...

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the log-odds of each row, as ``margin`` would."""
        ...

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return each column's share."""
        ...


class Nets(Protocol):
    """What evaluates the networks."""

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row``."""
        ...

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the log-odds of each row."""
        ...


class SessionSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``session.json`` says.

    Attributes:
        trail: names of the trail's columns, in order: those of this version of Ostiary or the model is refused.
        features: names of the access's own features that come last.
        so_far: names of the columns of the session so far, none in a model from before they were.
        lean: share of the access's own log-likelihood ratio that is added to the trees' margin, none in an older model.
        net: weight of the networks' margin beside the trees', none where there are no networks.
    """

    trail: tuple[str, ...]
    features: tuple[str, ...]
    so_far: tuple[str, ...] = ()
    lean: float = 0.0
    net: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, in order."""
        return (*self.trail, *self.so_far, *self.features)

    @property
    def directions(self) -> tuple[int, ...]:
        """Where risk may only rise with a column (1), only fall (-1), or either (0)."""
        of = {spec.name: spec.monotone for spec in FEATURES}
        return (*RISING, *(SO_FAR_RISING if self.so_far else ()), *(of.get(name, 0) for name in self.features))


class SessionForest:
    """Trees, columns, calibration and thresholds of session risk."""

    def __init__(
        self,
        forest: Forest,
        walker: Forest,
        columns: Sequence[int],
        scaling: Scaling,
        *,
        so_far: bool = True,
        lean: float = 0.0,
        net: tuple[float, Nets] | None = None,
    ) -> None:
        """Join the parts.

        Args:
            forest: evaluates the trees.
            walker: tells shares quickly.
            columns: places of the access's features.
            scaling: calibration and thresholds.
            so_far: whether the trees know the session so far.
            lean: share of the access's own risk that is added to what they say.
            net: weight of the networks' margin, and the networks, if there are any.
        """
        self._forest = forest
        self._walker = walker
        self._columns = tuple(columns)
        self._so_far = so_far
        self._lean = lean
        self._net = net
        self._table = scaling.session_table
        self._undo = None if scaling.continues is None else scaling.continues.inverse()
        self._base = log_odds(scaling.table.prior)
        self.levels = scaling.session

    @property
    def columns(self) -> tuple[int, ...]:
        """Places of the access's features that the forest sees."""
        return self._columns

    def llr(self, score: float) -> float:
        """Return the log-likelihood ratio behind the score of an access, whatever scale it continues."""
        logit = log_odds(min(max(score, _LEAST), 1 - _LEAST))
        return (logit if self._undo is None else self._undo.logit(logit)) - self._base

    def row(self, trail: Sequence[float], so_far: Sequence[float], features: Sequence[float]) -> list[float]:
        """Return the whole row."""
        own = [features[column] for column in self._columns]
        return [*trail, *so_far, *own] if self._so_far else [*trail, *own]

    def score(self, row: Sequence[float]) -> float:
        """Return the calibrated probability of ``row``."""
        net = 0.0 if self._net is None else self._net[1].margin(row)
        return self._probability(self._forest.margin(row), net, row)

    def scores(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the calibrated probability of each row, as ``score`` would."""
        nets = [0.0] * len(rows) if self._net is None else self._net[1].margins(rows)
        told = zip(self._forest.margins(rows), nets, rows, strict=True)
        return [self._probability(trees, net, row) for trees, net, row in told]

    def _probability(self, trees: float, net: float, row: Sequence[float]) -> float:
        margin = trees + self._lean * row[_OWN_RISK]
        if self._net is not None:
            weight = self._net[0]
            margin = (1 - weight) * margin + weight * net
        return sigmoid(self._table.logit(margin))

    def reasons(self, row: Sequence[float]) -> tuple[Contribution, ...]:
        """Return what trail and session so far add, in words, strongest first; nothing that lowered the risk."""
        shares = self._walker.contributions(row)
        best, weight, column = "", _LEAST_WEIGHT, 0
        for prefixes, words in _WORDS:
            places = [place for place, name in enumerate(TRAIL) if name.removeprefix("trail_").startswith(prefixes)]
            total = sum([shares[place] for place in places])
            if total > weight:
                best, weight, column = words, total, max(places, key=lambda place: shares[place])
        told = [Contribution(TRAIL[column], row[column], weight, best)] if best else []
        if self._so_far:
            told += _in_session(shares, row)
        return tuple(sorted(told, key=lambda one: -one.weight))


def _in_session(shares: Sequence[float], row: Sequence[float]) -> list[Contribution]:
    """Return the columns of the session so far that raised the risk most, one a topic, at most two."""
    found: dict[str, Contribution] = {}
    columns = zip(SO_FAR, SO_FAR_COLUMNS, strict=True)
    for place, (name, column) in sorted(enumerate(columns, len(TRAIL)), key=lambda one: -shares[one[0]]):
        topic, words = column.name.partition("_")[0], f"in this session: {column.means}"
        if topic not in _UNSAID and shares[place] > _LEAST_WEIGHT and not math.isnan(row[place]):
            found.setdefault(topic, Contribution(name, row[place], shares[place], words))
    return list(found.values())[:_MOST_IN_SESSION]


def parse_session_schema(data: bytes) -> SessionSchema:
    """Read ``session.json``.

    Raises:
        FaultyInputError: ``model_malformed``, or the trail is another version's.
    """
    try:
        schema = msgspec.json.decode(data, type=SessionSchema)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise FaultyInputError("model_malformed", f"a file of the model is malformed: {fault}") from fault
    if schema.trail != TRAIL or schema.so_far not in {(), SO_FAR} or len(schema.features) > MOST_COLUMNS:
        raise FaultyInputError("model_malformed", "the model's trail or session is another version's: train it anew")
    if not 0.0 <= schema.net < 1.0:
        raise FaultyInputError("model_malformed", f"the model's session weighs its networks by {schema.net}")
    if not 0.0 <= schema.lean <= MOST_LEAN:
        raise FaultyInputError("model_malformed", f"the model's session leans on an access by {schema.lean}")
    return schema


def columns_of(schema: SessionSchema, index: Mapping[str, int]) -> list[int]:
    """Return the places of the schema's features.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    try:
        return [index[name] for name in schema.features]
    except KeyError as fault:
        raise FaultyInputError("model_malformed", f"the model's session names an unknown feature {fault}") from fault
