"""``ostiary risk``: train a model from history, score a stream with it, measure it against verdicts.

- Answers go to stdout, progress and rejected records to stderr.
- A model is signed when it is written and verified before it is used.
- Scores are causal: an access is judged by what came before it in the file.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.wiring import MODEL_PURPOSE, trusted_model_keys
from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.risk.measure.evaluate import Report
    from ostiary.risk.reading import EventReader
    from ostiary.risk.scorer import LightGbmScorer
    from ostiary.risk.training.card import Card
    from ostiary.signals.importing import Rejected

_SHOWN: Final = 20
_TELL_EVERY: Final = 50_000
_NS: Final = 1_000_000_000
_CHUNK: Final = 256

command = App(name="risk", help="Access risk: train, score, evaluate. A model never decides; policy reads its score.")

Data = Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")]
Tenant = Annotated[str, Parameter(help="Tenant.")]
Mapping_ = Annotated[
    str,
    Parameter(
        name="--mapping", help="Name of a format or mapping, or a mapping's YAML file; without it, our own JSON lines."
    ),
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")]
Model = Annotated[Path | None, Parameter(help="Folder of the model. Default: the tenant's installed one.")]


@command.command
def train(
    *,
    events: Annotated[Path | None, Parameter(help="History, csv or jsonl, plain or gzip. Default: imported.")] = None,
    mapping: Mapping_ = "",
    labels: Annotated[Path | None, Parameter(help="Verdicts: CSV with event_id,label (1 = not the subject).")] = None,
    until: Annotated[float | None, Parameter(help="Use only events before this Unix time.")] = None,
    out_folder: Annotated[
        Path | None, Parameter(name="--out", help="Where the model goes. Default: installed.")
    ] = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    seed: Annotated[int, Parameter(help="Of everything random.")] = 7,
    prior: Annotated[float, Parameter(help="Share of accesses in other hands, as expected in life.")] = 0.001,
    rounds: Annotated[int, Parameter(help="Rounds of planted impostors.")] = 6,
    threads: Annotated[int, Parameter(help="Threads of the fit; more do not change the model.")] = 1,
    json: Json = False,
) -> None:
    """Learn from a history what a stolen account would look like in it; no labels are needed."""
    _need_extra()
    from ostiary.risk.training.fit import FitSettings  # noqa: PLC0415 - the risk extra is heavy and may be absent
    from ostiary.risk.training.prepare import PrepareSettings  # noqa: PLC0415
    from ostiary.risk.training.train import TrainSettings  # noqa: PLC0415
    from ostiary.risk.training.train import train as fit_model  # noqa: PLC0415
    from ostiary.risk.training.write import check_place, write_model  # noqa: PLC0415

    places = Places(data_dir(data))
    folder = out_folder or places.model(tenant)
    check_place(folder)
    _check(0 < prior < 1 and rounds >= 1 and threads >= 1, "--prior is between 0 and 1, --rounds and --threads from 1")
    reader = _reader(events or places.history(tenant), mapping, tenant)
    history = _before(reader, until)
    verdicts = _verdict_numbers(labels)
    settings = TrainSettings(
        seed=seed, prior=prior, prepare=PrepareSettings(rounds=rounds), fit=FitSettings(threads=threads)
    )
    origin = "operator-supplied file" if events else "imported history"
    trained = fit_model(history, verdicts, [reader.source(origin)], settings, _progress())
    clock = SystemClock()
    key = KeyRing(places.keys / "ring", clock).active(check_tenant(tenant), MODEL_PURPOSE)
    digest = write_model(trained, folder, key, created_ns=clock.now_ns(), tenant=tenant)
    _tell_trained(folder, digest, key.kid, trained.card, json=json)


@command.command
def score(
    *,
    model: Model = None,
    events: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="Events in any form, plain or gzip; - is standard input.")
    ],
    mapping: Mapping_ = "",
    level: Annotated[Literal["event", "session"], Parameter(help="One line an event, or one a session.")] = "event",
    jsonl: Annotated[bool, Parameter(negative="", help="One JSON document a line (always; said for scripts).")] = True,  # noqa: ARG001
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Score events in order, each from what came before it; one JSON line an event or session."""
    from ostiary.risk.stream import event_lines, judge, session_lines, sittings  # noqa: PLC0415

    scorer = _scorer(model, Places(data_dir(data)), tenant)
    judged = judge(_told(_reader(events, mapping, tenant)), scorer, ProfileBook(tenant))
    if level == "event":
        _write_lines(event_lines(judged))
    else:
        _write_lines(session_lines(sittings(judged), scorer.scaling.session))


@command.command
def evaluate(
    *,
    model: Model = None,
    events: Annotated[Path, Parameter(help="Events, csv or jsonl, plain or gzip.")],
    labels: Annotated[Path, Parameter(help="CSV: event_id,label, and if known attack_id, kind, eligible.")],
    attacks: Annotated[Path | None, Parameter(help="CSV: attack_id,kind.")] = None,
    from_: Annotated[float, Parameter(name="--from", help="Count only what happened from this Unix time on.")] = 0.0,
    mapping: Mapping_ = "",
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Measure a model against verdicts: ranking, recall at low false-positive rates, takeovers, calibration."""
    _need_extra()
    from ostiary.risk.measure.evaluate import report, tally  # noqa: PLC0415
    from ostiary.risk.stream import judge  # noqa: PLC0415
    from ostiary.risk.verdicts import read_kinds, read_verdicts  # noqa: PLC0415

    scorer = _scorer(model, Places(data_dir(data)), tenant)
    verdicts, kinds = read_verdicts(labels), read_kinds(attacks) if attacks else {}
    judged = judge(_told(_reader(events, mapping, tenant)), scorer, ProfileBook(tenant))
    sessions, accesses = tally(judged, verdicts, kinds, int(from_ * _NS))
    prior = scorer.scaling.table.prior
    reports = [report("session", sessions, prior), report("event", accesses, prior)]
    if json:
        print_json({"model": scorer.digest, "session": reports[0], "event": reports[1]})
    else:
        _tell_reports(reports)


def _need_extra() -> None:
    """Say which command mends a missing extra."""
    try:
        import lightgbm  # noqa: F401, PLC0415
        import sklearn  # noqa: F401, PLC0415
    except ImportError as fault:
        text = "training and measuring need the risk extra: pip install 'ostiary[risk]'"
        raise UnavailableError("risk_extra_missing", text) from fault


def _check(fine: bool, text: str) -> None:  # noqa: FBT001 - a condition and what to say when it fails
    if not fine:
        raise FaultyInputError("option_invalid", text)


def _reader(path: Path, mapping: str, tenant: str) -> "EventReader":
    from ostiary.risk.reading import EventReader  # noqa: PLC0415

    shown = 0

    def tell(rejected: "Rejected") -> None:
        nonlocal shown
        shown += 1
        if shown <= _SHOWN:
            err.print(f"{path}:{rejected.line}: {rejected.code}: {rejected.text}", markup=False)

    return EventReader(path, mapping, check_tenant(tenant), tell)


def _before(reader: Iterable[AccessEvent], until: float | None) -> list[AccessEvent]:
    border = None if until is None else int(until * _NS)
    return [event for event in reader if border is None or event.time_ns < border]


def _told(reader: "EventReader") -> Iterator[AccessEvent]:
    for event in reader:
        yield event
        if reader.events % _TELL_EVERY == 0:
            err.print(f"{reader.events:,} events", markup=False)
    err.print(f"{reader.events:,} events, {reader.rejected:,} rejected", markup=False)


def _verdict_numbers(labels: Path | None) -> dict[str, int]:
    from ostiary.risk.verdicts import read_verdicts  # noqa: PLC0415

    return {name: one.label for name, one in read_verdicts(labels).items()} if labels else {}


def _scorer(model: Path | None, places: Places, tenant: str) -> "LightGbmScorer":
    from ostiary.risk.reasons import plain_words  # noqa: PLC0415
    from ostiary.risk.scorer import load_scorer  # noqa: PLC0415

    keys = trusted_model_keys(places, KeyRing(places.keys / "ring", SystemClock()), check_tenant(tenant))
    folder = model or places.model(tenant)
    return load_scorer(folder, keys, feature_set=features.SET_DIGEST, names=features.NAMES, words=plain_words)


def _progress() -> Callable[[str, float], None]:
    told: set[tuple[str, int]] = set()

    def tell(what: str, share: float) -> None:
        step = (what, int(share * 10))
        if step not in told:
            told.add(step)
            err.print(f"{what} {10 * step[1]} %", markup=False)

    return tell


def _write_lines(lines: Iterable[msgspec.Struct]) -> None:
    encode, waiting = msgspec.json.Encoder().encode, bytearray()
    for number, line in enumerate(lines, 1):
        waiting += encode(line) + b"\n"
        if number % _CHUNK == 0:
            sys.stdout.buffer.write(waiting)
            waiting.clear()
    sys.stdout.buffer.write(waiting)
    sys.stdout.buffer.flush()


def _tell_trained(folder: Path, digest: str, kid: str, card: "Card", *, json: bool) -> None:
    if json:
        print_json({"folder": str(folder), "digest": digest, "kid": kid, "card": card})
        return
    out.print(f"{folder}: {digest}, {card.trees} trees, signed with {kid}", markup=False)
    rows = [
        {"on the later slice": name, **msgspec.to_builtins(figures)}
        for name, figures in (("accesses", card.events_figures), ("sessions", card.sessions_figures))
    ]
    columns = ["on the later slice", "rows", "positives", "roc_auc", "recall_at_1_percent", "recall_at_01_percent"]
    print_table("impostors injected into real behaviour", columns, rows)


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
