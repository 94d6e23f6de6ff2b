"""``ostiary risk report``: one page on a model, and on what it would have done to given events."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cyclopts import Parameter

from ostiary.artifacts import VerifiedArtifact
from ostiary.artifacts.shipped import policies_dir
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.risk.shared import Data, Json, MappingName, Model, Tenant, book_for, check, need_extra, reader_of, told
from ostiary.cli.risk.shared import verified_model as verified_of
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.signals import features
from ostiary.signals.opening import chunks_of

if TYPE_CHECKING:
    from ostiary.risk.measure.proposals import Table
    from ostiary.risk.measure.shadow import Shadow
    from ostiary.risk.measure.sheet import Sheet
    from ostiary.risk.measure.watching import Drift
    from ostiary.risk.model import RiskModel
    from ostiary.vocabulary.scoring import Scorer

THRESHOLDS: Final = Path("thresholds", "data.yaml")
_NS: Final = 1_000_000_000
_LOUDEST: Final = 5
Row = Mapping[str, str]


def report(
    *,
    model: Model = None,
    events: Annotated[Path | None, Parameter(help="Events to count alarms and drift on, csv or jsonl.")] = None,
    labels: Annotated[Path | None, Parameter(help="Verdicts on them: CSV with event_id,label.")] = None,
    attacks: Annotated[Path | None, Parameter(help="CSV: attack_id,kind.")] = None,
    from_: Annotated[float, Parameter(name="--from", help="Count only what happened from this Unix time on.")] = 0.0,
    budget: Annotated[float | None, Parameter(help="Alarms a day that the team can read.")] = None,
    bundle: Annotated[Path | None, Parameter(help="Bundle whose thresholds count. Default: the shipped one.")] = None,
    html: Annotated[Path | None, Parameter(help="Write a self-contained page here.")] = None,
    mapping: MappingName = "",
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Tell what a model is, what it would have done to given events, and how far they are from its training."""
    need_extra()
    check(budget is None or budget >= 0, "--budget is at least 0")
    check(events is not None or labels is None, "--labels needs --events")
    from ostiary.risk.measure.sheet import sheet_of  # noqa: PLC0415 - the risk extra is heavy and may be absent
    from ostiary.risk.model import model_from  # noqa: PLC0415
    from ostiary.risk.reasons import plain_words  # noqa: PLC0415

    verified = verified_of(model, Places(data_dir(data)), tenant)
    scorer = model_from(verified, feature_set=features.SET_DIGEST, names=features.NAMES, words=plain_words)
    sheet = sheet_of(verified, scorer.schema, scorer.scaling)
    if events is None:
        sheet = msgspec.structs.replace(sheet, notes=("alarms and drift need --events",))
    else:
        counted = Counted(verified, scorer, _table(bundle), labels, attacks, int(from_ * _NS))
        sheet = counted.over(sheet, events, mapping, tenant, budget)
    _write(sheet, html, json=json)


class Counted:
    """Everything that is counted while the events stream by once."""

    def __init__(
        self,
        verified: VerifiedArtifact,
        scorer: "RiskModel",
        table: "Table",
        labels: Path | None,
        attacks: Path | None,
        from_ns: int,
    ) -> None:
        """Prepare to count with one model."""
        from ostiary.risk.measure.reference import REFERENCE_FILE, parse_reference  # noqa: PLC0415
        from ostiary.risk.measure.shadow import Watch  # noqa: PLC0415
        from ostiary.risk.measure.tally import Tallier  # noqa: PLC0415
        from ostiary.risk.measure.watching import WatchedScorer  # noqa: PLC0415
        from ostiary.risk.verdicts import read_kinds, read_verdicts  # noqa: PLC0415

        reference = verified.files.get(REFERENCE_FILE)
        told_then = parse_reference(reference) if reference else None
        self._watched = WatchedScorer(scorer, told_then, features.NAMES, from_ns) if told_then else None
        self._scorer: Scorer = self._watched or scorer
        self._sessions = scorer.sessions()
        self._levels, self._prior, self._from_ns = scorer.scaling.session, scorer.scaling.table.prior, from_ns
        self._shadow = Watch(scorer.scaling, table)
        kinds = read_kinds(attacks) if attacks else {}
        self._tallier: Tallier | None = Tallier(read_verdicts(labels), kinds, from_ns) if labels else None

    def over(self, sheet: "Sheet", events: Path, mapping: str, tenant: str, budget: float | None) -> "Sheet":
        """Return ``sheet`` with what the events tell."""
        from ostiary.risk.measure.evaluate import precision_within, report  # noqa: PLC0415
        from ostiary.risk.measure.tally import seen  # noqa: PLC0415
        from ostiary.risk.stream import judge, sittings  # noqa: PLC0415

        looks = [self._shadow.access_from(self._from_ns)]
        looks += [self._tallier.access] if self._tallier else []
        judged = judge(
            told(reader_of(events, mapping, tenant)),
            self._scorer,
            book_for(tenant, self._scorer),
            self._sessions,
        )
        for one in sittings(seen(judged, *looks), keep_events=self._tallier is not None):
            if one.first.time_ns >= self._from_ns:
                self._shadow.session(one)
            if self._tallier:
                self._tallier.session(one)
        shadow = self._shadow.told(budget)
        tally = self._tallier.sessions if self._tallier else None
        return msgspec.structs.replace(
            sheet,
            shadow=shadow,
            drift=self._watched.drift() if self._watched else None,
            measured=report("session", tally, self._prior, self._levels) if tally else None,
            precision_at_budget=precision_within(tally, budget * shadow.days) if tally and budget else None,
            notes=() if self._watched else ("the model was trained before references were kept: no drift is told",),
        )


def _table(bundle: Path | None) -> "Table":
    from ostiary.risk.measure.proposals import parse_table  # noqa: PLC0415

    place = (bundle or policies_dir()) / THRESHOLDS
    return parse_table(b"".join(chunks_of(place)), str(place))


def _write(sheet: "Sheet", html: Path | None, *, json: bool) -> None:
    if html:
        from ostiary.risk.measure.page import page  # noqa: PLC0415

        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(sheet), "utf-8")
        err.print(f"written: {html}", markup=False)
    if json:
        print_json(sheet)
    else:
        _tell(sheet)


def _tell(sheet: "Sheet") -> None:
    from ostiary.risk.measure.page import day  # noqa: PLC0415

    card = sheet.card
    out.print(f"{sheet.digest}, made {day(sheet.created_ns)} by {sheet.producer}", markup=False)
    out.print(str(card.get("task", "")), markup=False)
    out.print(f"data: {len(card.get('sources', ()))} sources, manifest {card.get('manifest', 'untold')}", markup=False)
    names = ("rows", "positives", "roc_auc", "recall_at_1_percent", "recall_at_01_percent", "calibration_error")
    rows = [
        {"on the later slice": name, **{each: str(card[key].get(each)) for each in names}}
        for key, name in (("events_figures", "accesses"), ("sessions_figures", "sessions"))
        if key in card
    ]
    print_table(sheet.caveat, ["on the later slice", *names], rows)
    print_table("gain by family", ["family", "gain", "features"], _families(sheet))
    if sheet.shadow:
        _tell_shadow(sheet.shadow)
    if sheet.measured:
        _tell_measured(sheet)
    if sheet.drift:
        _tell_drift(sheet.drift)
    for note in sheet.notes:
        out.print(f"not told: {note}", markup=False)


def _families(sheet: "Sheet") -> Iterator[Row]:
    for one in sheet.families:
        yield {"family": one.family, "gain": f"{one.gain:.1%}", "features": str(one.features)}


def _tell_shadow(shadow: "Shadow") -> None:
    subjects = ", ".join(f"{count:,} {group}" for group, count in shadow.subjects.items())
    title = f"{shadow.accesses:,} accesses, {shadow.sessions:,} sessions, {shadow.days:.1f} days, {subjects}"
    columns = ["threshold", "from score", "alarms", "share", "a day", "per 100 a day", "subjects"]
    rows = [
        {
            "threshold": one.name,
            "from score": "none" if one.threshold is None else f"{one.threshold:.4g}",
            "alarms": f"{one.alarms:,}",
            "share": f"{one.share:.2%}",
            "a day": f"{one.alarms_a_day:.2f}",
            "per 100 a day": f"{one.alarms_a_day_per_100:.3f}",
            "subjects": f"{one.subjects:,}",
        }
        for one in shadow.candidates
    ]
    print_table(title, columns, rows)
    out.print(f"accesses by level: {', '.join(f'{n:,} {level}' for level, n in shadow.levels.items())}", markup=False)
    asked = [
        {"effect": one.effect, "accesses": f"{one.accesses:,}", "subjects": f"{one.subjects:,}"}
        for one in shadow.proposed
    ]
    print_table(
        "would have been asked of policy, before guardrails and phases", ["effect", "accesses", "subjects"], asked
    )
    kinds = (("person", shadow.noisy_people), ("workload", shadow.noisy_others), ("resource", shadow.noisy_resources))
    loud = [
        {"kind": kind, "name": one.name, "alarms": f"{one.alarms:,}", "accesses": f"{one.accesses:,}"}
        for kind, found in kinds
        for one in found[:_LOUDEST]
    ]
    print_table("noisiest, by accesses at medium and above", ["kind", "name", "alarms", "accesses"], loud)
    cases = [
        {"session": one.name, "subject": one.subject, "score": f"{one.score:.4f}", "reasons": "; ".join(one.reasons)}
        for one in shadow.riskiest[:_LOUDEST]
    ]
    print_table("the riskiest sessions", ["session", "subject", "score", "reasons"], cases)


def _tell_measured(sheet: "Sheet") -> None:
    from ostiary.cli.risk.evaluate import figures  # noqa: PLC0415 - tells the same figures the same way

    if sheet.measured:
        title = f"by the given verdicts: {sheet.measured.count:,} sessions, {sheet.measured.takeovers:,} takeovers"
        print_table(title, ["figure", "value", "95 % interval"], figures(sheet.measured))
    if sheet.precision_at_budget is not None:
        out.print(f"precision within the budget: {sheet.precision_at_budget:.3f}", markup=False)


def _tell_drift(drift: "Drift") -> None:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in drift.verdicts.items() if count)
    rows = [
        {
            "what": one.name,
            "stability index": "not told" if one.psi is None else f"{one.psi:.3f}",
            "KS": "not told" if one.ks is None else f"{one.ks:.3f}",
            "missing": f"{one.missing_before:.1%} to {one.missing_now:.1%}",
            "verdict": one.verdict,
        }
        for one in (drift.score, *drift.groups.values(), *drift.features[:_LOUDEST])
    ]
    print_table(
        f"drift since training; features: {counts}", ["what", "stability index", "KS", "missing", "verdict"], rows
    )
