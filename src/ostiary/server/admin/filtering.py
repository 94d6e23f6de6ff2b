"""The filters that every list and chart of decisions takes, as parameters of an address.

What is not a filter is an error: one with a slip of the pen must not show everything.
"""

from typing import Annotated

from fastapi import Depends, Query, Request

from ostiary.decision.index.query import MAX_NUMBER, MAX_VALUE, DecisionQuery
from ostiary.decision.index.words import query_of
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.effects import Effect

_OWN = frozenset({"since", "format"})
Text = Annotated[str | None, Query(min_length=1, max_length=MAX_VALUE)]
Moment = Annotated[int | None, Query(ge=0, le=MAX_NUMBER, description="Nanoseconds since the Unix epoch.")]
Index = Annotated[int | None, Query(ge=0, le=MAX_NUMBER, description="An index of the log.")]
Effects = Annotated[
    list[str] | None, Query(max_length=len(Effect), description="One or several of the effects' names, such as `DENY`.")
]


def asked(
    request: Request,
    effect: Effects = None,
    subject: Text = None,
    session: Text = None,
    action: Text = None,
    resource_type: Text = None,
    resource_id: Text = None,
    pep: Text = None,
    without_pep: Text = None,
    rule: Text = None,
    ip: Text = None,
    text: Annotated[
        str | None,
        Query(min_length=1, max_length=MAX_VALUE, description="How a subject or a resource's id begins."),
    ] = None,
    risk_at_least: Annotated[str | None, Query(pattern=r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$")] = None,
    since_ns: Moment = None,
    until_ns: Moment = None,
    before: Index = None,
    after: Annotated[
        int | None, Query(ge=-1, le=MAX_NUMBER, description="An index of the log; -1 is before its first.")
    ] = None,
) -> DecisionQuery | None:
    """Return what is asked for, ``None`` when no filter came.

    Raises:
        FaultyInputError: ``filter_unknown``, ``filter_repeated``, ``filter_invalid``, ``query_too_long``.
    """
    del (
        effect,
        subject,
        session,
        action,
        resource_type,
        resource_id,
        pep,
        without_pep,
        rule,
        ip,
        text,
        risk_at_least,
    )  # for the page
    del since_ns, until_ns, before, after
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name not in _OWN]
    return query_of(pairs) if any(name != "limit" for name, _ in pairs) else None


def effects_of(names: list[str] | None) -> tuple[Effect, ...]:
    """Return effects by their names, joined by commas or not.

    Raises:
        FaultyInputError: ``filter_invalid``.
    """
    return query_of([("effect", ",".join(names))]).effects if names else ()


def span_of(since_ns: int | None, until_ns: int | None, now_ns: int, days: int, most: int) -> tuple[int, int]:
    """Return a span of time: the last ``days`` unless told otherwise.

    Raises:
        FaultyInputError: ``span_invalid`` when it ends before it begins, or is longer than ``most`` days.
    """
    day = 86_400 * 10**9
    until = now_ns + 1 if until_ns is None else until_ns
    since = max(0, until - days * day) if since_ns is None else since_ns
    if not since <= until <= since + most * day:
        raise FaultyInputError("span_invalid", f"the span must end after it begins, and within {most} days")
    return since, until


Asked = Annotated[DecisionQuery | None, Depends(asked)]
