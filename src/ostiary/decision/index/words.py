"""A query as text, as it stands in an address and in a saved view: ``effect=DENY&subject=user:ada``.

1. At most 17 filters of at most 300 characters; each comes once, ``effect`` may name several with commas.
2. What is not known is an error, never ignored: a filter with a slip of the pen must not show everything.
3. ``risk_at_least`` is a score from 0 to 1 with up to six places.

>>> words(parse("effect=DENY,STEP_UP&subject=user:ada&risk_at_least=0.5"))
'effect=STEP_UP,DENY&subject=user:ada&risk_at_least=0.5'
>>> parse("subjct=user:ada")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: there is no filter `subjct`
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from ostiary.decision.index.query import FROM_THE_START, MAX_VALUE, NUMBERS, PPM, TEXTS, DecisionQuery
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.effects import Effect

MAX_FILTERS: Final = 17
MAX_TEXT: Final = MAX_FILTERS * 4 * 3 * (MAX_VALUE + 32)  # every character may take four bytes, each written with three
NAMES: Final = ("effect", *TEXTS, "risk_at_least", *NUMBERS, "limit")
_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_SCORE: Final = re.compile(r"(?:0(?:\.[0-9]{1,6})?|1(?:\.0{1,6})?)", re.ASCII)
_PLAIN: Final = ":/@,"


def parse(text: str) -> DecisionQuery:
    """Return the query that a text stands for.

    Raises:
        FaultyInputError: ``query_malformed``, ``query_too_long``, ``filter_unknown``, ``filter_repeated``,
            ``filter_invalid``.
    """
    if len(text) > MAX_TEXT:
        raise FaultyInputError("query_too_long", f"the query has {len(text)} characters, {MAX_TEXT} are allowed")
    try:
        pairs = parse_qsl(text, True, True, errors="strict") if text else []  # noqa: FBT003 - blank values, strictly
    except ValueError as fault:
        raise FaultyInputError("query_malformed", "the query is not `filter=value`, joined by `&`") from fault
    return query_of(pairs)


def query_of(pairs: Iterable[tuple[str, str]]) -> DecisionQuery:
    """Return the query of filters and their values, such as an address has them.

    Raises:
        FaultyInputError: ``query_too_long``, ``filter_unknown``, ``filter_repeated``, ``filter_invalid``.
    """
    found: dict[str, Any] = {}
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_FILTERS:
            raise FaultyInputError("query_too_long", f"there are more than {MAX_FILTERS} filters")
        if name not in NAMES:
            raise FaultyInputError("filter_unknown", f"there is no filter `{name[:40]}`")
        if len(value) > MAX_VALUE:
            raise FaultyInputError("filter_invalid", f"`{name}` is longer than {MAX_VALUE} characters")
        if name == "effect":
            found["effects"] = (*found.get("effects", ()), *_effects(value))
        elif name in found:
            raise FaultyInputError("filter_repeated", f"`{name}` came twice")
        else:
            found[name] = _value(name, value)
    return DecisionQuery(**found)


def words(query: DecisionQuery) -> str:
    """Return the text of a query; ``parse`` gives the same query back."""
    pairs = [("effect", ",".join(effect.name for effect in query.effects))] if query.effects else []
    for name in NAMES[1:]:
        value = getattr(query, name)
        if value is not None and not (name == "limit" and value == DecisionQuery().limit):
            pairs.append((name, _score(value) if name == "risk_at_least" else str(value)))
    return "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in pairs)


def _effects(value: str) -> list[Effect]:
    try:
        return [Effect[name] for name in value.split(",")]
    except KeyError as fault:
        known = ", ".join(effect.name for effect in Effect)
        raise FaultyInputError("filter_invalid", f"`effect` is one of {known}") from fault


def _value(name: str, value: str) -> str | int:
    if name in TEXTS:
        return value
    if name == "risk_at_least":
        if not _SCORE.fullmatch(value):
            raise FaultyInputError("filter_invalid", "`risk_at_least` is a number from 0 to 1 with up to six places")
        return round(float(value) * PPM)
    if not _NUMBER.fullmatch(value) and (name, value) != ("after", str(FROM_THE_START)):
        raise FaultyInputError("filter_invalid", f"`{name}` is not a number")
    return int(value)


def _score(ppm: int) -> str:
    whole, part = divmod(ppm, PPM)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")
