"""``ostiary risk audit-sources``: what each group of sources does to a model, before it is trained."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.risk.golden import frozen_of
from ostiary.cli.risk.past import BELIEVING, Trust, cut_of, past_of
from ostiary.cli.risk.shared import Data, Json, MappingName, Tenant, need_extra, progress, verdict_numbers
from ostiary.server.places import DEFAULT_TENANT

if TYPE_CHECKING:
    from ostiary.risk.training.audit import SourceAudit

_MOST_CORES: Final = 8
_GROUPS: Final = 15


def audit_sources(
    *,
    events: Annotated[Path | None, Parameter(help="A file that you answer for. Default: the signed history.")] = None,
    mapping: MappingName = "",
    labels: Annotated[Path | None, Parameter(help="Verdicts: CSV with event_id,label (1 = not the subject).")] = None,
    until: Annotated[float | None, Parameter(help="Use only events before this Unix time.")] = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    seed: Annotated[int, Parameter(help="Of everything random.")] = 7,
    trust: Trust = BELIEVING,
    json: Json = False,
) -> None:
    """Tell which sources the others find odd, and without which a model would catch more.

    `ostiary risk train --leave-out N` trains without a source. `--partitions` is how many groups; 15 without it.
    """
    need_extra()
    from ostiary.risk.training.fit import FitSettings  # noqa: PLC0415 - the risk extra is heavy and may be absent
    from ostiary.risk.training.train import TrainSettings, audited  # noqa: PLC0415

    asked = trust if trust.partitions else replace(trust, partitions=_GROUPS)
    past = past_of(events, mapping, data, tenant, until, asked)
    golden = frozen_of(data, tenant)
    fit = FitSettings(threads=min(_MOST_CORES, os.cpu_count() or 1))
    settings = TrainSettings(seed=seed, cut=cut_of(asked, past), fit=fit)
    found = audited(
        past.events, verdict_numbers(labels), settings, golden[0] if golden else None, progress(), past.producers
    )
    _tell(found, json=json)


def _tell(found: "SourceAudit", *, json: bool) -> None:
    if json:
        print_json(found)
        return
    out.print(f"yardstick: {found.yardstick}, {found.caught:.1%} caught", markup=False)
    rows = [
        {
            "group": one.group,
            "sources": " ".join(map(str, one.sources)),
            "rows": one.rows,
            "odd": " ".join(map(str, one.odd)),
            "more caught without it": f"{one.effect:+.2%}",
            "look": "yes" if one.suspicious else "",
        }
        for one in found.groups
    ]
    print_table("sources", ["group", "sources", "rows", "odd", "more caught without it", "look"], rows)
