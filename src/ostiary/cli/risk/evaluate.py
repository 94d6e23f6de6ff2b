"""``ostiary risk evaluate``: measure a model against verdicts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from ostiary.cli.output import print_json, print_table
from ostiary.cli.risk.shared import Data, Json, MappingName, Model, Tenant, need_extra, reader_of, scorer_of, told
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.signals.book import ProfileBook

if TYPE_CHECKING:
    from ostiary.risk.measure.evaluate import Report

_NS: Final = 1_000_000_000


def evaluate(
    *,
    model: Model = None,
    events: Annotated[Path, Parameter(help="Events, csv or jsonl, plain or gzip.")],
    labels: Annotated[Path, Parameter(help="CSV: event_id,label, and if known attack_id, kind, eligible.")],
    attacks: Annotated[Path | None, Parameter(help="CSV: attack_id,kind.")] = None,
    from_: Annotated[float, Parameter(name="--from", help="Count only what happened from this Unix time on.")] = 0.0,
    mapping: MappingName = "",
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Measure a model against verdicts: ranking, recall at low false-positive rates, takeovers, calibration."""
    need_extra()
    from ostiary.risk.measure.evaluate import report, tally  # noqa: PLC0415
    from ostiary.risk.stream import judge  # noqa: PLC0415
    from ostiary.risk.verdicts import read_kinds, read_verdicts  # noqa: PLC0415

    scorer = scorer_of(model, Places(data_dir(data)), tenant)
    verdicts, kinds = read_verdicts(labels), read_kinds(attacks) if attacks else {}
    judged = judge(told(reader_of(events, mapping, tenant)), scorer, ProfileBook(tenant))
    sessions, accesses = tally(judged, verdicts, kinds, int(from_ * _NS))
    prior = scorer.scaling.table.prior
    reports = [report("session", sessions, prior), report("event", accesses, prior)]
    if json:
        print_json({"model": scorer.digest, "session": reports[0], "event": reports[1]})
    else:
        _tell_reports(reports)


def _tell_reports(reports: Iterable["Report"]) -> None:
    rows: list[Mapping[str, Any]] = []
    for one in reports:
        plain = msgspec.to_builtins(one)
        rows.append({"figure": f"{one.level}s", "value": f"{one.count:,}, {one.positives:,} positive"})
        rows.extend({"figure": name, **_shown(plain[name])} for name in ("roc_auc", "average_precision"))
        rows.extend({"figure": f"recall at {rate} FPR", **_shown(each)} for rate, each in plain["recall"].items())
        for rate, share in one.takeovers_caught.items():
            rows.append({"figure": f"takeovers caught at {rate} FPR", "value": f"{_text(share)} of {one.takeovers}"})
        rows.extend(
            {"figure": f"{kind} ROC-AUC", "value": _text(each["roc_auc"])} for kind, each in one.by_kind.items()
        )
        rows.append({"figure": "Brier", "value": _text(one.brier)})
        rows.append({"figure": "calibration error", "value": _text(one.calibration_error)})
    print_table("evaluation", ["figure", "value", "95 % interval"], rows)


def _shown(interval: Mapping[str, float | None]) -> dict[str, str]:
    low, high = interval["low"], interval["high"]
    return {"value": _text(interval["value"]), "95 % interval": "" if low is None else f"{_text(low)} to {_text(high)}"}


def _text(number: float | None) -> str:
    return "not measured" if number is None else f"{number:.4f}"
