"""What a model answered, and as little of it as policy lets through.

Rules:

- An upstream answers ``{"predictions": [...]}``, one for each row: a label (text, boolean, whole number), a number, a
  list of numbers by class, or ``{"label": …, "scores": {class: number}}``. Whatever else it says is dropped.
- The obligation ``coarse_output`` names a level: ``rounded`` (to ``decimals``), ``top_k`` (the ``k`` best classes,
  rounded), ``label`` (the class alone). Of several the coarsest holds; a level that nobody knows is ``label``.
- An answer that cannot be made that coarse is not given. A number alone has a label only by the endpoint's threshold.

>>> coarsen([[0.123, 0.877]], Coarse("label"), OutputSpec(classes=("good", "bad")))
['bad']
>>> coarsen([0.87654], Coarse("rounded", decimals=1), OutputSpec())
[0.9]
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.vocabulary.unreadable import UNREADABLE

Level = Literal["full", "rounded", "top_k", "label"]
COARSE: Final = "coarse_output"
MAX_CLASSES: Final = 4096
_ORDER: Final[tuple[Level, ...]] = ("full", "rounded", "top_k", "label")
_LEVELS: Final[dict[str, Level]] = {level: level for level in _ORDER}
_RANK: Final = _ORDER.index
_DECIMALS: Final = 2
_K: Final = 3
_MAX_TEXT: Final = 256
_MAX_DEPTH: Final = 16
_MAX_NUMBER: Final = 2**63


class OutputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an endpoint's answers are read.

    Attributes:
        classes: the names of the classes, in the order of the model's lists.
        threshold: from which number on the second class is meant, for models that answer one number.
    """

    classes: tuple[str, ...] = ()
    threshold: float | None = None


class Coarse(msgspec.Struct, frozen=True):
    """How coarse an answer must be."""

    level: Level = "full"
    decimals: int = _DECIMALS
    k: int = _K


FULL: Final = Coarse()


def coarse_of(obligations: Iterable[Mapping[str, Any]]) -> Coarse:
    """Return the coarsest of the ``coarse_output`` obligations' properties."""
    found = FULL
    for told in obligations:
        level = told.get("level")
        harsher = max(found.level, _LEVELS.get(level, "label") if isinstance(level, str) else "label", key=_RANK)
        decimals, k = _small(told.get("decimals"), _DECIMALS, 0), _small(told.get("k"), _K, 1)
        found = (
            Coarse(harsher, decimals, k)
            if found == FULL
            else Coarse(harsher, min(decimals, found.decimals), min(k, found.k))
        )
    return found


def _small(value: object, otherwise: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return otherwise
    return min(max(value, least), 12)


def read_predictions(body: bytes, rows: int) -> list[Any]:
    """Return what an upstream answered, one prediction for each row.

    Raises:
        UnavailableError: ``upstream_malformed``.
    """
    # Counted before anything is built: an answer that nests a million deep would end the parser, or us.
    if body.count(b"[") + body.count(b"{") > _MAX_DEPTH * (rows + 1):
        raise _malformed("its answer nests too much")
    try:
        told = msgspec.json.decode(body)
    except UNREADABLE as fault:
        raise _malformed("its answer is no JSON") from fault
    found = told.get("predictions") if isinstance(told, dict) else None
    if not isinstance(found, list) or len(found) != rows:
        raise _malformed(f"its answer has no `predictions` for the {rows} rows asked")
    return [_read(one) for one in found]


def _read(one: Any) -> Any:
    if _is_label(one) or _is_number(one):
        return one
    if isinstance(one, list) and 1 <= len(one) <= MAX_CLASSES and all(_is_number(value) for value in one):
        return one
    if isinstance(one, dict):
        return _read_whole(one)
    raise _malformed("a prediction is neither label, number, list of numbers nor label with scores")


def _read_whole(one: dict[str, Any]) -> dict[str, Any]:
    label, scores = one.get("label"), one.get("scores")
    kept: dict[str, Any] = {}
    if _is_label(label):
        kept["label"] = label
    if isinstance(scores, dict) and len(scores) <= MAX_CLASSES and all(_is_number(value) for value in scores.values()):
        kept["scores"] = {name[:_MAX_TEXT]: value for name, value in scores.items()}
    if not kept:
        raise _malformed("a prediction has neither `label` nor `scores`")
    return kept


def coarsen(predictions: list[Any], coarse: Coarse, spec: OutputSpec) -> list[Any]:
    """Return the predictions as coarse as they must be.

    Raises:
        FaultyInputError: ``output_not_coarse``: one cannot be made so.
    """
    if coarse.level == "full":
        return predictions
    return [_coarser(one, coarse, spec) for one in predictions]


def outcomes(predictions: list[Any], spec: OutputSpec) -> list[str]:
    """Return a short text of each prediction's label, for the watch; a number without a threshold is rounded."""
    return [_outcome(one, spec) for one in predictions]


def _outcome(one: Any, spec: OutputSpec) -> str:
    try:
        return str(_label(one, spec))
    except FaultyInputError:
        return f"{one:.1g}" if _is_number(one) else ""


def _coarser(one: Any, coarse: Coarse, spec: OutputSpec) -> Any:
    if coarse.level == "label":
        return _label(one, spec)
    if coarse.level == "rounded":
        return _rounded(one, coarse.decimals)
    scores = _scores(one, spec)
    if scores is None:
        return _rounded(one, coarse.decimals) if _is_label(one) else _label(one, spec)
    best = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[: coarse.k]
    return {"scores": {name: round(value, coarse.decimals) for name, value in best}}


def _rounded(one: Any, decimals: int) -> Any:
    if isinstance(one, float):
        return round(one, decimals)
    if isinstance(one, list):
        return [round(value, decimals) for value in one]
    if isinstance(one, dict) and "scores" in one:
        return {**one, "scores": {name: round(value, decimals) for name, value in one["scores"].items()}}
    return one


def _scores(one: Any, spec: OutputSpec) -> dict[str, float] | None:
    if isinstance(one, list):
        return {_name(place, spec): value for place, value in enumerate(one)}
    return one.get("scores") if isinstance(one, dict) else None


def _label(one: Any, spec: OutputSpec) -> Any:
    if isinstance(one, dict) and "label" in one:
        return one["label"]
    if (scores := _scores(one, spec)) is not None:
        return max(sorted(scores), key=lambda name: scores[name])
    if isinstance(one, float) or (_is_number(one) and spec.threshold is not None):
        if spec.threshold is None:
            raise FaultyInputError("output_not_coarse", "the model answers a number, and no threshold makes a label")
        return _name(int(one >= spec.threshold), spec)
    return one


def _name(place: int, spec: OutputSpec) -> str:
    return spec.classes[place] if place < len(spec.classes) else str(place)


def _is_label(one: Any) -> bool:
    return (isinstance(one, str) and len(one) <= _MAX_TEXT) or isinstance(one, bool)


def _is_number(one: Any) -> bool:
    # A comparison, for an integer may be too large to be asked whether it is finite; not a number is less than nothing.
    return isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < _MAX_NUMBER


def _malformed(why: str) -> UnavailableError:
    return UnavailableError("upstream_malformed", f"the model's answer cannot be used: {why}")
