"""What a shadow report says first, in sentences: the same on the terminal, on the page and on paper.

- Numbers are never rounded to nothing: less than one a day is told with two decimals.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from ostiary.server.shadow.report.sheet import Sheet

_NS = 10**9


def title(sheet: Sheet) -> str:
    """Return what it is about."""
    return f"Shadow report: {sheet.about}" if sheet.what == "control" else f"Shadow report: candidate {sheet.what}"


def sentence(sheet: Sheet) -> str:
    """Return the one sentence that a person asks for."""
    who = sheet.about if sheet.what == "control" else f"the candidate {sheet.what}"
    span = f"From {day(sheet.since_ns)} to {day(sheet.until_ns)} {who}"
    if not sheet.decisions:
        return f"{span} was shown no decision."
    did = "interrupted" if sheet.what == "control" else "newly interrupted"
    if sheet.what == "control" and not sheet.would_interrupt and (less := _of(sheet, "reduce")):
        did, hits = "given less at", less
    else:
        hits = sheet.would_interrupt
    users = f"{sheet.users_affected:,} {'person or account' if sheet.users_affected == 1 else 'people and accounts'}"
    return f"{span} would have {did} {hits:,} of {sheet.decisions:,} accesses, of {users}."


def warnings(sheet: Sheet) -> Iterator[str]:
    """Yield what a reader must not overlook."""
    if sheet.stalled_days is not None:
        yield f"Stalled for {sheet.stalled_days:.0f} days: let it act, change it, or take it away."
    over = sheet.budget.days_over
    if over and sheet.budget.asked is not None:
        days = f"{count(over)} of {len(sheet.daily)} days"
        yield f"The budget of {sheet.budget.asked:g} a day would have been broken on {days}."
    if allowed := _of(sheet, "allow"):
        yield f"New allows: {allowed:,} accesses would be let through, or asked for less, that are not today."
    if sheet.missed:
        causes = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in sheet.missed.items())
        yield f"Not compared: {causes}."


def facts(sheet: Sheet) -> list[tuple[str, str]]:
    """Return the figures that stand first, each with what it is of."""
    precision = sheet.precision
    return [
        ("accesses watched", f"{sheet.decisions:,}"),
        ("would interrupt", f"{sheet.would_interrupt:,}"),
        ("would block", f"{sheet.would_block:,}"),
        ("would reduce", f"{_of(sheet, 'reduce'):,}"),
        ("people and accounts", f"{sheet.users_affected:,}"),
        ("interruptions a day", count(sheet.budget.average)),
        ("worst day", f"{sheet.budget.worst:,}"),
        ("precision", share(precision.value)),
        ("false-positive rate", share(precision.false_positive_rate)),
    ]


def precision_words(sheet: Sheet) -> str:
    """Return how often it would have been right, with what that rests on."""
    one = sheet.precision
    if one.value is None:
        return "Nobody has judged an access that it would have hit: its precision is not known."
    return (
        f"{one.harmful:,} of {one.judged:,} judged accesses that it would have hit were no honest ones: precision "
        f"{share(one.value)}, and with so few verdicts anything from {share(one.low)} to {share(one.high)} (95 %)."
    )


def day(time_ns: int) -> str:
    """Return a UTC day."""
    return datetime.fromtimestamp(time_ns // _NS, UTC).strftime("%Y-%m-%d")


def count(value: float) -> str:
    """Return a count, with decimals where there are any and it is small.

    >>> count(0.0421), count(3.0), count(1234.5)
    ('0.04', '3', '1,234')
    """
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"  # noqa: PLR2004


def share(value: float | None) -> str:
    """Return a share in percent.

    >>> share(0.00123), share(0.5), share(None)
    ('0.12 %', '50 %', 'not known')
    """
    return "not known" if value is None else f"{100 * value:.2g} %" if value < 0.1 else f"{100 * value:.3g} %"  # noqa: PLR2004


def _of(sheet: Sheet, name: str) -> int:
    return next((one.accesses for one in sheet.would if one.name == name), 0)
