"""``ostiary policy impact`` and ``ostiary risk impact``: the true decision log replayed against a candidate."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.impact.shared import AllSubjects, Days, From, Html, To, Workers, asked_span, limits_of, tell
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.impact.run import model_impact, policy_impact


def policy(
    *,
    bundle: Annotated[Path, Parameter(help="Candidate bundle, a folder or OPA archive.")],
    days: Days = None,
    from_: From = "",
    to: To = "",
    all_subjects: AllSubjects = False,
    workers: Workers = 2,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
    html: Html = False,
) -> None:
    """Replay the decision log against a candidate bundle: what would have been decided otherwise, and for whom.

    The report is signed and kept; its digest is what an approval names.
    """
    with open_data(data, config) as house:
        check_living(house, tenant)
        span = asked_span(house.clock.now_ns(), days, from_, to, all_subjects=all_subjects)
        kept = policy_impact(house, COMMAND_LINE, tenant, bundle, span, limits_of(workers))
    tell(kept, json=json, html=html)


def model(
    *,
    model: Annotated[Path, Parameter(help="Folder of the candidate model, signed.")],
    days: Days = None,
    from_: From = "",
    to: To = "",
    all_subjects: AllSubjects = False,
    workers: Workers = 2,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
    html: Html = False,
) -> None:
    """Replay the decision log with a candidate model's scores: what would have been decided otherwise, and for whom.

    Scores of sessions stay as they were recorded. The report is signed and kept; an approval names its digest.
    """
    with open_data(data, config) as house:
        check_living(house, tenant)
        span = asked_span(house.clock.now_ns(), days, from_, to, all_subjects=all_subjects)
        kept = model_impact(house, COMMAND_LINE, tenant, model, span, limits_of(workers))
    tell(kept, json=json, html=html)
