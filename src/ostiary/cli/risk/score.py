"""``ostiary risk score``: score a stream of events causally, one line an event or session."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from ostiary.cli.risk.shared import (
    Data,
    MappingName,
    Model,
    Tenant,
    book_for,
    check,
    reader_of,
    scorer_of,
    told,
    write_lines,
)
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir

_SELDOM: Final = (50_000, 50, 50)  # a stream of events makes no cycles: looking for them cost a twentieth

if TYPE_CHECKING:
    from ostiary.risk.stream import SessionJudge
    from ostiary.vocabulary.scoring import Scorer


def score(
    *,
    model: Model = None,
    events: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="Events in any form, plain or gzip; - is standard input.")
    ],
    mapping: MappingName = "",
    cold_start: Annotated[
        bool, Parameter(negative="", help="Score by the likelihood ratio of what the file itself shows; no model.")
    ] = False,
    level: Annotated[Literal["event", "session"], Parameter(help="One line an event, or one a session.")] = "event",
    cores: Annotated[
        int, Parameter(help="Cores to use, two at most; a second changes no line. Default: what there is.")
    ] = 0,
    jsonl: Annotated[bool, Parameter(negative="", help="One JSON document a line (always; said for scripts).")] = True,  # noqa: ARG001
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Score events in order, each from what came before it; one JSON line an event or session."""
    from ostiary.risk.stream import event_lines, judge, session_lines, sittings  # noqa: PLC0415

    check(cores >= 0, "--cores is a number from 0")
    gc.set_threshold(*_SELDOM)
    scorer, sessions = _judges(model, Places(data_dir(data)), tenant, cold_start=cold_start)
    gc.freeze()  # what is loaded stays: looking through it again and again finds nothing
    judged = judge(
        told(reader_of(events, mapping, tenant)),
        scorer,
        book_for(tenant, scorer),
        sessions if level == "session" else None,
        apart=cores != 1,
    )
    write_lines(event_lines(judged) if level == "event" else session_lines(sittings(judged)))


def _judges(
    model: Path | None, places: Places, tenant: str, *, cold_start: bool
) -> tuple["Scorer", "SessionJudge | None"]:
    """Return what judges accesses and what judges sessions; without a model a session is its worst access."""
    if cold_start:
        check(model is None, "--cold-start takes no --model")
        from ostiary.risk.cold_start import LikelihoodRatio  # noqa: PLC0415

        return LikelihoodRatio(), None
    scorer = scorer_of(model, places, tenant)
    return scorer, scorer.sessions()
