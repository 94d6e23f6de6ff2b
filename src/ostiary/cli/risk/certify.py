"""``ostiary risk certify``: what holds of what a model flags: against poisoned sources, or against evasion.

Without ``--labels``: how many sources must be in other hands before it could be missed. With them: whether the attacks
stay caught wherever their attacker moves them in his declared box.
"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.risk.shared import (
    Data,
    Json,
    MappingName,
    Model,
    Tenant,
    book_for,
    reader_of,
    scorer_of,
    told,
    verdict_numbers,
)
from ostiary.errors import RefusedError
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir


def certify(
    *,
    events: Annotated[Path, Parameter(allow_leading_hyphen=True, help="Events, plain or gzip; - is standard input.")],
    mapping: MappingName = "",
    model: Model = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    labels: Annotated[
        Path | None, Parameter(help="CSV: event_id,label (1 = an attack): certify against evasion.")
    ] = None,
    since: Annotated[float, Parameter(name="--from", help="With --labels: only attacks from this Unix time on.")] = 0.0,
    most: Annotated[int, Parameter(help="With --labels: attacks at most, evenly over time.")] = 1_000,
    timeout: Annotated[float, Parameter(help="With --labels: seconds that one proof may take.")] = 5.0,
    json: Json = False,
) -> None:
    """Certify what a model flags: by how many sources it survives, or with --labels against evasion.

    The first is for a model that was trained with `--partitions`, the second for one that was not.
    """
    if labels is not None:
        from ostiary.cli.risk.certify_evasion import Limits, certify_evasion  # noqa: PLC0415 - only where it is asked

        model_in_force = scorer_of(model, Places(data_dir(data)), tenant)
        accesses = list(told(reader_of(events, mapping, tenant)))
        limits = Limits(since, most, timeout)
        certify_evasion(model_in_force, accesses, verdict_numbers(labels), tenant, limits, json=json)
        return
    from ostiary.risk.voting import VotingTrees, certified  # noqa: PLC0415 - as the risk verbs do

    scorer = scorer_of(model, Places(data_dir(data)), tenant)
    if not isinstance(scorer.engine, VotingTrees):
        raise RefusedError("model_not_partitioned", "this model's sources do not vote: train it with `--partitions`")
    found = certified(reader_of(events, mapping, tenant), book_for(tenant, scorer), scorer.certificate)
    if json:
        print_json(found)
        return
    out.print(f"{found.flagged:,} of {found.accesses:,} accesses are flagged", markup=False)
    for sources, number in sorted(found.surviving.items()):
        words = "by the forest of everything alone: not certified" if sources < 0 else f"survive {sources} sources"
        out.print(f"  {number:,} {words}", markup=False)
