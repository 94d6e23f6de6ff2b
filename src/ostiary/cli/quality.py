"""``ostiary events quality``: whether what is told of accesses is good enough to let a control leave telemetry.

Exit code 0 when every criterion passed, 1 when one did not; the report is kept signed unless ``--dry-run``.
"""

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.signals.quality import FIELDS


def quality(
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="Measure, keep nothing.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Measure the events of history and log: completeness, gaps, clocks, doubles, coverage; with a verdict for each."""
    from ostiary.server.quality import keep, measure  # noqa: PLC0415 - half a second that not every verb needs

    with open_data(data, config) as house:
        check_living(house, tenant)
        report = measure(house, tenant, lambda count: err.print(f"{count:,} events read", markup=False))
        digest = "" if dry_run else keep(house, tenant, report).digest
    if json:
        print_json({"report": digest, **msgspec.to_builtins(report)})
    else:
        rows = [
            {"criterion": one.name, "verdict": "pass" if one.passed else "FAIL", "": one.text}
            for one in report.criteria
        ]
        print_table("quality of events", ("criterion", "verdict", ""), rows)
        names = tuple(one.source for one in report.sources)
        shares = [{"tells": f, **{one.source: f"{one.fields[f]:.0%}" for one in report.sources}} for f in FIELDS]
        print_table("share of each source's events that tell", ("tells", *names), shares if names else ())
        out.print(f"{'passed' if report.passed else 'did not pass'} {digest}", markup=False)
    if not report.passed:
        sys.exit(1)
