"""``ostiary risk certify``: how many sources must be in other hands before what a model flags could be missed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.risk.shared import Data, Json, MappingName, Model, Tenant, reader_of, scorer_of
from ostiary.errors import RefusedError
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir


def certify(
    *,
    events: Annotated[Path, Parameter(allow_leading_hyphen=True, help="Events, plain or gzip; - is standard input.")],
    mapping: MappingName = "",
    model: Model = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Count the accesses that a model flags, by how many sources the decision survives.

    Only a model that was trained with `--partitions` can be certified.
    """
    from ostiary.risk.voting import VotingTrees, certified  # noqa: PLC0415 - as the risk verbs do

    scorer = scorer_of(model, Places(data_dir(data)), tenant)
    if not isinstance(scorer.engine, VotingTrees):
        raise RefusedError("model_not_partitioned", "this model's sources do not vote: train it with `--partitions`")
    found = certified(reader_of(events, mapping, tenant), tenant, scorer.certificate)
    if json:
        print_json(found)
        return
    out.print(f"{found.flagged:,} of {found.accesses:,} accesses are flagged", markup=False)
    for sources, number in sorted(found.surviving.items()):
        words = "by the forest of everything alone: not certified" if sources < 0 else f"survive {sources} sources"
        out.print(f"  {number:,} {words}", markup=False)
