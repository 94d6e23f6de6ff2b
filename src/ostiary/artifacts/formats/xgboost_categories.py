"""The names of categories that a model of XGBoost 3 was trained with; whoever predicts looks them up by these numbers.

Rules:
- ``enc`` tells each feature's categories: texts by where each begins in ``values``, or whole numbers of one type.
- ``feature_segments`` tells where each feature's begin among all, ``sorted_idx`` their order within each feature.
- XGBoost reads at these places and does not look whether they are there: it ends the whole process where they are not.
- A model without categories, or of before XGBoost 3.1, has none of them.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from ostiary.artifacts.formats.misfit import Misfit

_TOLD: Final = frozenset({"enc", "feature_segments", "sorted_idx"})
_SWITCHES: Final = frozenset({"is_ref", "sorted"})
_WHOLE: Final = range(9, 17)  # how XGBoost numbers arrays of whole numbers, from 8 to 64 bits
_TEXT: Final = frozenset({"offsets", "values"})
_NUMBERS: Final = frozenset({"type", "values"})


def check_names(told: Any, features: int) -> None:
    """Check the names of categories of a model with so many features.

    Raises:
        Misfit: ``format_xgboost_model``.
    """
    if not isinstance(told, dict) or not told.keys() >= _TOLD or told.keys() - _TOLD - _SWITCHES:
        raise _fault("its categories are not told by `enc`, `feature_segments` and `sorted_idx`")
    if any(type(told[name]) is not bool for name in _SWITCHES & told.keys()):
        raise _fault("a switch of its categories is neither true nor false")
    columns, begins, order = told["enc"], _integers(told["feature_segments"]), _integers(told["sorted_idx"])
    if not isinstance(columns, list) or len(columns) not in {0, features}:
        raise _fault(f"its categories are not those of {features} features")
    counts = [_count(column) for column in columns]
    if [high - low for low, high in pairwise(begins)] != counts or begins[:1] != ([0] if columns else []):
        raise _fault("its categories do not begin where it says")
    _check_order(order, begins)


def _check_order(order: Sequence[int], begins: Sequence[int]) -> None:
    """Check that the order of each feature's categories names each once; it may be left to whoever loads the model."""
    if not len(order):
        return
    parts = [sorted(order[low:high]) == list(range(high - low)) for low, high in pairwise(begins)]
    if not all(parts) or len(order) != (begins[-1] if len(begins) else 0):
        raise _fault("the order of its categories names others than there are")


def _count(column: Any) -> int:
    """Return how many categories a feature has."""
    if not isinstance(column, dict) or column.keys() not in (_TEXT, _NUMBERS):
        raise _fault("the categories of a feature are neither texts nor numbers")
    values = _integers(column["values"])
    if "type" in column:
        if type(column["type"]) is not int or column["type"] not in _WHOLE:
            raise _fault("the categories of a feature are no whole numbers")
        return len(values)
    begins = _integers(column["offsets"])
    first, last = (begins[0], begins[-1]) if len(begins) else (0, 0)
    if first or last != len(values) or any(low > high for low, high in pairwise(begins)):
        raise _fault("a category lies beside the text that it is in")
    return max(len(begins) - 1, 0)


def _integers(value: Any) -> list[int]:
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise _fault("its categories are no lists")
    found = list(value)
    if not all(type(one) is int for one in found):
        raise _fault("its categories are no whole numbers")
    return found


def _fault(text: str) -> Misfit:
    return Misfit("format_xgboost_model", text)
