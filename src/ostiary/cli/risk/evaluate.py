"""``ostiary risk evaluate``: measure a model against verdicts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.risk.keeping import keep_curves
from ostiary.cli.risk.shared import (
    Data,
    Json,
    MappingName,
    Model,
    Tenant,
    book_for,
    need_extra,
    reader_of,
    scorer_of,
    told,
)
from ostiary.errors import UnavailableError
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir

if TYPE_CHECKING:
    from ostiary.risk.measure.detection import Detection
    from ostiary.risk.measure.evaluate import Interval, Kind, Report
    from ostiary.risk.measure.groups import GroupRates
    from ostiary.risk.measure.operating import Point
    from ostiary.risk.measure.reliability import Band
    from ostiary.risk.measure.tally import Tally

_NS: Final = 1_000_000_000
Row = Mapping[str, str]


def evaluate(
    *,
    model: Model = None,
    events: Annotated[Path, Parameter(help="Events, csv or jsonl, plain or gzip.")],
    labels: Annotated[Path, Parameter(help="CSV: event_id,label, and if known attack_id, kind, eligible.")],
    attacks: Annotated[Path | None, Parameter(help="CSV: attack_id,kind.")] = None,
    from_: Annotated[float, Parameter(name="--from", help="Count only what happened from this Unix time on.")] = 0.0,
    out_folder: Annotated[
        Path | None, Parameter(name="--out", help="Draw reliability, ranking and time to detect into this folder.")
    ] = None,
    keep: Annotated[
        bool, Parameter(negative="", help="Keep the curves, signed, for the model's page in the console.")
    ] = False,
    mapping: MappingName = "",
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Measure a model against verdicts: ranking, recall at low false-positive rates, takeovers, calibration."""
    need_extra()
    if out_folder:
        need_pictures()
    from ostiary.risk.measure.evaluate import report  # noqa: PLC0415 - the risk extra is heavy and may be absent
    from ostiary.risk.measure.tally import tally  # noqa: PLC0415
    from ostiary.risk.stream import judge  # noqa: PLC0415
    from ostiary.risk.verdicts import read_kinds, read_verdicts  # noqa: PLC0415

    scorer = scorer_of(model, Places(data_dir(data)), tenant)
    verdicts, kinds = read_verdicts(labels), read_kinds(attacks) if attacks else {}
    judged = judge(told(reader_of(events, mapping, tenant)), scorer, book_for(tenant, scorer), scorer.sessions())
    sessions, accesses = tally(judged, verdicts, kinds, int(from_ * _NS))
    prior, scaling = scorer.scaling.table.prior, scorer.scaling
    of_sessions = report("session", sessions, prior, scaling.session)
    of_events = report("event", accesses, prior, scaling.event)
    if out_folder:
        _draw(of_sessions, sessions, out_folder)
    if keep:
        measured = [(of_sessions, sessions, scaling.session), (of_events, accesses, scaling.event)]
        keep_curves(data, tenant, scorer.digest, f"{events.name} with the verdicts of {labels.name}", measured)
    if json:
        print_json({"model": scorer.digest, "session": of_sessions, "event": of_events})
    else:
        _tell(of_sessions, of_events)


def need_pictures() -> None:
    """Say which command mends a missing extra, before the long part begins."""
    if find_spec("matplotlib") is None:
        text = "pictures need the report extra: pip install 'ostiary[report]'"
        raise UnavailableError("report_extra_missing", text)


def _draw(told: "Report", tally: "Tally", folder: Path) -> None:
    from ostiary.risk.measure.pictures import draw  # noqa: PLC0415 - the report extra
    from ostiary.risk.measure.tally import counted  # noqa: PLC0415

    for place in draw(told, counted(tally), folder):
        err.print(f"drawn: {place}", markup=False)


def _tell(sessions: "Report", accesses: "Report") -> None:
    for one in (sessions, accesses):
        title = f"{one.level}s: {one.count:,}, {one.positives:,} positive, {one.takeovers:,} takeovers"
        print_table(title, ["figure", "value", "95 % interval"], figures(one))
    print_table("sessions: time to detect", ["figure", *sessions.time_to_detect], _times(sessions.time_to_detect))
    _tell_kinds(sessions.by_kind)
    _tell_groups(sessions.groups)
    columns = ["threshold", "score", "false positives", "recall", "precision", "takeovers caught", "accounts alarmed"]
    print_table("sessions: operating points", columns, map(_point, sessions.operating_points))
    bands = ["predicted", "sessions", "mean prediction", "seen", "95 % interval"]
    print_table("sessions: reliability at the set's own base rate", bands, map(_band, sessions.reliability))
    out.print(f"intervals: {sessions.intervals}", markup=False)


def figures(one: "Report") -> Iterator[Row]:
    """Yield the figures of a report as rows of a table."""
    yield _row("ROC-AUC", one.roc_auc)
    yield _row("average precision", one.average_precision)
    for rate, figure in one.recall.items():
        yield _row(f"recall at {rate} FPR", figure)
    for rate, figure in one.takeovers_caught.items():
        yield _row(f"takeovers caught at {rate} FPR", figure)
    yield {"figure": "Brier (skill)", "value": f"{_text(one.brier)} ({_text(one.brier_skill)})"}
    yield {"figure": "calibration error (ECE)", "value": _text(one.calibration_error)}


def _times(by_rate: Mapping[str, "Detection"]) -> Iterator[Row]:
    lines: tuple[tuple[str, Callable[[Detection], str]], ...] = (
        ("takeovers caught", lambda one: f"{one.caught} of {one.takeovers}"),
        ("caught by their first session", lambda one: _text(one.at_once)),
        ("sessions until the flag, median", lambda one: _plain(one.sessions_median)),
        ("sessions until the flag, 9 of 10 within", lambda one: _plain(one.sessions_late)),
        ("hours until the flag, median", lambda one: _plain(one.hours_median)),
        ("hours until the flag, 9 of 10 within", lambda one: _plain(one.hours_late)),
    )
    for name, say in lines:
        yield {"figure": name, **{rate: say(one) for rate, one in by_rate.items()}}


def _tell_kinds(kinds: Mapping[str, "Kind"]) -> None:
    if not kinds:
        return
    rates = list(next(iter(kinds.values())).recall)
    columns = ["kind", "sessions", "takeovers", "ROC-AUC"]
    columns += [*(f"recall at {rate}" for rate in rates), *(f"caught at {rate}" for rate in rates)]
    rows = [
        {
            "kind": name,
            "sessions": f"{one.count:,}",
            "takeovers": f"{one.takeovers:,}",
            "ROC-AUC": _both(one.roc_auc),
            **{f"recall at {rate}": _both(figure) for rate, figure in one.recall.items()},
            **{f"caught at {rate}": _both(figure) for rate, figure in one.takeovers_caught.items()},
        }
        for name, one in kinds.items()
    ]
    print_table("sessions: by kind of attack", columns, rows)


def _tell_groups(groups: Iterable["GroupRates"]) -> None:
    rows = [
        {
            "group": one.group,
            "own sessions": f"{one.own:,}",
            "accounts": f"{one.subjects:,}",
            "threshold": name,
            "false positives": _text(alarms.false_positive_rate),
            "accounts alarmed": f"{alarms.subjects_alarmed:,} ({_text(alarms.subjects_alarmed_share)})",
            "worst account": f"{alarms.worst_subject:,}",
        }
        for one in groups
        for name, alarms in one.rates.items()
    ]
    columns = ["group", "own sessions", "accounts", "threshold", "false positives", "accounts alarmed", "worst account"]
    print_table("sessions: false alarms by group", columns, rows)


def _point(one: "Point") -> Row:
    return {
        "threshold": one.name,
        "score": "its own" if one.threshold is None else f"{one.threshold:.4g}",
        "false positives": _text(one.false_positive_rate),
        "recall": _text(one.recall),
        "precision": _text(one.precision),
        "takeovers caught": _text(one.caught),
        "accounts alarmed": _text(one.accounts_alarmed),
    }


def _band(one: "Band") -> Row:
    return {
        "predicted": f"{100 * one.low:g} to {100 * one.high:g} %",
        "sessions": f"{one.rows:,}",
        "mean prediction": f"{one.predicted:.5f}",
        "seen": f"{one.seen:.5f}",
        "95 % interval": f"{one.seen_low:.5f} to {one.seen_high:.5f}",
    }


def _row(name: str, figure: "Interval") -> Row:
    between = "" if figure.low is None else f"{_text(figure.low)} to {_text(figure.high)}"
    return {"figure": name, "value": _text(figure.value), "95 % interval": between}


def _both(figure: "Interval") -> str:
    between = "" if figure.low is None else f" ({figure.low:.3f} to {figure.high:.3f})"
    return "not measured" if figure.value is None else f"{figure.value:.3f}{between}"


def _plain(number: float | None) -> str:
    return "none caught" if number is None else f"{number:.1f}"


def _text(number: float | None) -> str:
    return "not measured" if number is None else f"{number:.4f}"
