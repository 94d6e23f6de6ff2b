"""What ``policy impact`` and ``risk impact`` share: times, limits, and how a report is told."""

import sys
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.output import out, print_json
from ostiary.errors import FaultyInputError
from ostiary.server.impact.order import ImpactLimits
from ostiary.server.impact.page import page, sentences
from ostiary.server.impact.run import Kept, Span, span_of

Days = Annotated[float | None, Parameter(help="So many days back from now. Default: 30.")]
From = Annotated[str, Parameter(name="--from", help="From this time on: ISO 8601 or Unix seconds.")]
To = Annotated[str, Parameter(name="--to", help="Up to this time.")]
AllSubjects = Annotated[bool, Parameter(negative="", help="Each subject's last access only, however long ago.")]
Workers = Annotated[int, Parameter(help="Processes that share the work.")]
Html = Annotated[bool, Parameter(negative="", help="Print one page of HTML.")]


def moment_ns(told: str) -> int | None:
    """Return a time in nanoseconds since the Unix epoch, ``None`` for none.

    Raises:
        FaultyInputError: ``time_invalid``.
    """
    if not told:
        return None
    try:
        if told.replace(".", "", 1).isdigit():
            return int(float(told) * 1_000_000_000)
        moment = datetime.fromisoformat(told)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000_000)
    except (ValueError, OverflowError) as fault:
        raise FaultyInputError("time_invalid", f"`{told[:40]}` is no time") from fault


def asked_span(now_ns: int, days: float | None, begin: str, end: str, *, all_subjects: bool) -> Span:
    """Return the time that the options ask for."""
    return span_of(now_ns, days, moment_ns(begin), moment_ns(end), last_of_subjects=all_subjects)


def limits_of(workers: int) -> ImpactLimits:
    """Return the limits for so many workers.

    Raises:
        FaultyInputError: ``workers_invalid``.
    """
    if not 1 <= workers <= 64:  # noqa: PLR2004 - a machine's worth
        raise FaultyInputError("workers_invalid", "workers are 1 to 64")
    return ImpactLimits(workers=workers)


def tell(kept: Kept, *, json: bool, html: bool) -> None:
    """Print a report."""
    if json:
        print_json({"digest": kept.digest, "report": kept.report})
    elif html:
        sys.stdout.write(page(kept.report, kept.digest) + "\n")
    else:
        for kind, line in sentences(kept.report, kept.digest):
            out.print(line, style="bold red" if kind == "new_allows" else None, markup=False)
