"""``ostiary risk score``: score a stream of events causally, one line an event or session."""

import gc
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from ostiary.cli.risk.shared import Data, MappingName, Model, Tenant, reader_of, scorer_of, told, write_lines
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.signals.book import ProfileBook

_SELDOM: Final = (50_000, 50, 50)  # a stream of events makes no cycles: looking for them cost a twentieth


def score(
    *,
    model: Model = None,
    events: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="Events in any form, plain or gzip; - is standard input.")
    ],
    mapping: MappingName = "",
    level: Annotated[Literal["event", "session"], Parameter(help="One line an event, or one a session.")] = "event",
    jsonl: Annotated[bool, Parameter(negative="", help="One JSON document a line (always; said for scripts).")] = True,  # noqa: ARG001
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Score events in order, each from what came before it; one JSON line an event or session."""
    from ostiary.risk.stream import event_lines, judge, session_lines, sittings  # noqa: PLC0415

    gc.set_threshold(*_SELDOM)
    scorer = scorer_of(model, Places(data_dir(data)), tenant)
    judged = judge(told(reader_of(events, mapping, tenant)), scorer, ProfileBook(tenant))
    if level == "event":
        write_lines(event_lines(judged))
    else:
        write_lines(session_lines(sittings(judged), scorer.scaling.session))
