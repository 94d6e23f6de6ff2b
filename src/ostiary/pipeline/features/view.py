"""What one reader sees of a feature set: the token's columns and policy's, closure included, masks, rows, limits.

1. Only what policy projects is seen; without a ``project`` obligation that is nothing.
2. Of that only what the token names (``*`` names all).
3. A derived column only with all that it is made of, and never over a masked one: to derive is to read.
4. A ``redact`` obligation counts as a mask of nothing. Row limits are as small as the smallest.

>>> View(("a",)).columns
('a',)
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.features.masks import Mask, masked_type, read_mask
from ostiary.pipeline.features.predicates import Comparison, checked, read_rows
from ostiary.pipeline.features.spec import FeatureSpec

ALL: Final = "*"
UNDERSTOOD: Final = frozenset({"mask", "project", "redact", "reduce", "row_filter", "row_limit", "watermark"})
_ROWS: Final = re.compile(r"rows<=(\d{1,12})\Z")
Obligations = Callable[[str], Iterable[Mapping[str, Any]]]


class View(msgspec.Struct, frozen=True):
    """What is seen.

    Attributes:
        columns: the names, in the order of the set.
        masks: how some of them are shown.
        rows: what must hold of every row.
        max_rows: the most rows of one answer; ``None`` leaves it to the door.
        watermark: a text that travels with the answer.
    """

    columns: tuple[str, ...]
    masks: dict[str, Mask] = {}
    rows: tuple[Comparison, ...] = ()
    max_rows: int | None = None
    watermark: str = ""

    def types(self, spec: FeatureSpec) -> dict[str, str]:
        """Return the type that each column is shown with."""
        return {name: masked_type(self.masks.get(name), spec.type_of(name)) for name in self.columns}

    def inputs(self, spec: FeatureSpec) -> tuple[str, ...]:
        """Return the stored columns that must be read to show this, those of the row filter included."""
        wanted = {one.column for one in self.rows}
        for name in self.columns:
            wanted |= {name} if name in spec.stored else set(spec.closures[name]) & set(spec.stored)
        return tuple(name for name in spec.stored if name in wanted)

    def only(self, names: Iterable[str]) -> "View":
        """Return the view of some of the columns; it can show no others."""
        kept = set(names)
        return msgspec.structs.replace(self, columns=tuple(name for name in self.columns if name in kept))


def view_of(spec: FeatureSpec, token: Iterable[str], told: Obligations) -> View:
    """Return what is seen by a token's columns and a decision's obligations.

    Raises:
        RefusedError: ``nothing_to_see``, or ``obligation_not_understood``.
    """
    try:
        masks = _masks(spec, told)
        rows = checked(tuple(one for part in told("row_filter") for one in read_rows(part)), spec.stored)
        limit = _limit(told)
    except FaultyInputError as fault:
        raise RefusedError("obligation_not_understood", fault.message) from fault
    projected = _projected(told)
    named = set(token)
    seen = {name for name in spec.names if name in projected and (name in named or ALL in named)}
    columns = tuple(name for name in spec.names if name in seen and _whole(name, spec, seen, masks))
    if not columns:
        raise RefusedError("nothing_to_see", "no column of this feature set is for this token")
    marks = [str(one.get("text", "")) for one in told("watermark")]
    return View(columns, {n: m for n, m in masks.items() if n in columns}, rows, limit, " ".join(marks)[:512])


def _projected(told: Obligations) -> set[str]:
    """Return the columns that every projection lets through; none without a projection."""
    lists = [set(one["columns"]) if isinstance(one.get("columns"), list) else set[str]() for one in told("project")]
    return set.intersection(*lists) if lists else set()


def _masks(spec: FeatureSpec, told: Obligations) -> dict[str, Mask]:
    """Return a mask for each column that must have one; two different ones make null."""
    masks: dict[str, Mask] = {}
    for part in told("mask"):
        columns = part.get("columns")
        if not isinstance(columns, dict):
            raise FaultyInputError("mask_invalid", "a mask names no columns")
        for name, how in columns.items():
            mask = read_mask(how)
            masks[name] = mask if masks.get(name, mask) == mask else Mask("null")
    for part in told("redact"):
        columns = part.get("columns")
        if not isinstance(columns, list):
            raise FaultyInputError("mask_invalid", "a redaction names no columns")
        masks |= {str(name): Mask("null") for name in columns}
    return {name: mask for name, mask in masks.items() if name in spec.names}


def _limit(told: Obligations) -> int | None:
    limits = [one.get("rows") for one in told("row_limit")]
    for part in told("reduce"):
        for privilege in part.get("privileges", ()):
            match = _ROWS.match(str(privilege))
            if match is None:
                raise FaultyInputError("reduce_invalid", "a privilege is to be taken away that is unknown here")
            limits.append(int(match[1]))
    if any(not isinstance(one, int) or isinstance(one, bool) or one < 0 for one in limits):
        raise FaultyInputError("row_limit_invalid", "a limit of rows is no count")
    return min((one for one in limits if one is not None), default=None)


def _whole(name: str, spec: FeatureSpec, seen: set[str], masks: Mapping[str, Mask]) -> bool:
    closure = spec.closures.get(name, ())
    return all(one in seen and one not in masks for one in closure)
