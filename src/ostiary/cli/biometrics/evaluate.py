"""``ostiary biometrics evaluate``: how well people whom the model never saw are told apart."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from ostiary.artifacts import ArtifactPredicate, verify_artifact
from ostiary.cli.biometrics.sessions import read_rows, tell_sessions
from ostiary.cli.biometrics.shared import Home, Json, ModalityName, Tenant, model_of, need_extra
from ostiary.cli.extras import need
from ostiary.cli.output import err, print_json, print_table
from ostiary.cli.risk.shared import check, progress
from ostiary.keys import SigningKey
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostiary.biometrics.measure.trials import Measured
    from ostiary.biometrics.model import Model
    from ostiary.biometrics.training import Row
    from ostiary.biometrics.window import Floats, Modality

_MOST_HELD_OUT: Final = 500
_PARTS: Final = 3
_PEOPLE: Final = 2  # the fewest to train or to measure


def evaluate(
    *,
    modality: ModalityName,
    data: Annotated[Path, Parameter(help="Folder (or file) of windows of known people, *.jsonl or *.jsonl.gz.")],
    model: Annotated[
        Path | None,
        Parameter(help="Model to measure, on people whom it never saw. Without one, people before the last train one."),
    ] = None,
    held_out: Annotated[
        int, Parameter(help="Measure on the last so many people. Default: a third, at most 500; all with --model.")
    ] = 0,
    seed: Annotated[int, Parameter(help="Of the training.")] = 0,
    labels: Annotated[
        Path | None,
        Parameter(
            help="Which windows of the data's test files are somebody else's ({subject, session, masquerade}): "
            "measures sessions as they go on, with and without a template that follows. Sequences alone."
        ),
    ] = None,
    pictures: Annotated[
        Path | None, Parameter(name="--out", help="Draw the DET curves into this folder; needs the report extra.")
    ] = None,
    keep: Annotated[bool, Parameter(negative="", help="Keep the curves of --model, signed, for the console.")] = False,
    home: Home = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Measure error rates at one threshold for everybody and at each person's own, calibration, time to notice."""
    need_extra()
    check(not keep or bool(model), "--keep needs --model: a model that is measured and thrown away has no page")
    if pictures:
        need("matplotlib")
    from ostiary.biometrics.measure.protocols import protocols  # noqa: PLC0415 - the biometrics extra may be absent
    from ostiary.biometrics.measure.trials import measured, run  # noqa: PLC0415
    from ostiary.biometrics.window import Modality  # noqa: PLC0415

    kind = Modality(modality)
    if labels:
        check(kind is Modality.SEQUENCE, "labelled sessions are measured for the modality `sequence` alone")
        rows = read_rows(data, kind)
        judge = model_of(model, kind, Places(data_dir(home)), tenant) if model else _trained(rows, seed)
        tell_sessions(judge, rows, data, labels, json=json)
        return
    rest, tried, people = _split(data, kind, held_out, training=model is None)
    judge = model_of(model, kind, Places(data_dir(home)), tenant) if model else _trained(rest, seed)
    found, curves = [], {}
    for protocol in protocols(kind, tried):
        err.print(f"{protocol.name}: {len(protocol.tried):,} templates", markup=False)
        trials = run(judge, protocol)
        found.append(measured(protocol.name, trials))
        curves[protocol.name] = (trials.scores[trials.same], trials.scores[~trials.same])
    if pictures:
        _draw(curves, f"{modality}: {people}", pictures)
    if keep:
        _keep(curves, judge.digest, people, home, tenant)
    if json:
        print_json({"modality": modality, "model": judge.digest if model else "", "people": people, "measured": found})
    else:
        _tell(found, people)


def _split(data: Path, kind: "Modality", held_out: int, *, training: bool) -> "tuple[list[Row], list[Row], str]":
    """Return the rows to train on, the rows to measure on, and in words whose these are."""
    rows = read_rows(data, kind)
    names = sorted({row.subject for row in rows})
    count = held_out or (min(_MOST_HELD_OUT, len(names) // _PARTS) if training else len(names))
    check(_PEOPLE <= count <= len(names) - training * _PEOPLE, "there are too few people to train and to measure")
    last = set(names[-count:])
    words = f"{names[-count]} to {names[-1]}, {count:,} of {len(names):,} people"
    return [row for row in rows if row.subject not in last], [row for row in rows if row.subject in last], words


def _trained(rows: "Sequence[Row]", seed: int) -> "Model":
    """Return the model of these rows, signed by a key of the moment: it is measured, and kept nowhere."""
    from ostiary.artifacts.placing import write_signed  # noqa: PLC0415
    from ostiary.biometrics import kinds  # noqa: PLC0415 - as above
    from ostiary.biometrics.training import TrainSettings, train  # noqa: PLC0415

    trained = train(rows[0].window.modality, rows, TrainSettings(seed=seed), progress())
    key = SigningKey.generate("measured")
    with TemporaryDirectory() as place:
        folder = Path(place, "model")
        write_signed(trained.folder, folder, key, ArtifactPredicate(kind=kinds.ARTIFACT_KIND, created_ns=0))
        return kinds.load(verify_artifact(folder, [key.public], kind=kinds.ARTIFACT_KIND))


def _draw(curves: "Mapping[str, tuple[Floats, Floats]]", title: str, folder: Path) -> None:
    from ostiary.biometrics.measure.pictures import det_png  # noqa: PLC0415 - the report extra

    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "det.png"
    place.write_bytes(det_png(curves, title))
    err.print(f"drawn: {place}", markup=False)


def _keep(
    curves: "Mapping[str, tuple[Floats, Floats]]", model: str, people: str, home: Path | None, tenant: str
) -> None:
    from ostiary.cli.risk.keeping import keep as keep_them  # noqa: PLC0415 - opens the house
    from ostiary.server.model_cards.figures import Figures  # noqa: PLC0415
    from ostiary.server.model_cards.measuring import curves_of  # noqa: PLC0415 - numpy

    told = [
        curves_of(name, [*own, *others], [1] * len(own) + [0] * len(others), matches=True)
        for name, (own, others) in curves.items()
    ]
    keep_them(home, tenant, Figures(model, people, tuple(told)))


def _tell(found: "Sequence[Measured]", people: str) -> None:
    columns = ["protocol", "genuine", "impostor", "EER per user", "EER global", "FNMR at 1 % FMR", "AUC", "Cllr"]
    print_table(f"measured on {people}", columns, map(_row, found))
    noticed = [one for one in found if one.detection]
    columns = ["protocol", "others noticed", "windows until then (ANIA)", "own windows an alarm (ANGA)"]
    print_table("at 5 % of sessions falsely alarmed", columns, map(_noticed, noticed))


def _row(one: "Measured") -> Mapping[str, str]:
    told = one.figures
    return {
        "protocol": one.protocol,
        "genuine": f"{told.genuine:,}",
        "impostor": f"{told.impostor:,}",
        "EER per user": _percent(told.per_user_eer),
        "EER global": _percent(told.global_eer),
        "FNMR at 1 % FMR": _percent(told.fnmr_at_fmr_1),
        "AUC": _plain(told.auc),
        "Cllr": _plain(told.cllr),
    }


def _noticed(one: "Measured") -> Mapping[str, str]:
    told = one.detection
    if told is None:
        return {}
    return {
        "protocol": one.protocol,
        "others noticed": _percent(told.caught),
        "windows until then (ANIA)": "none noticed" if told.ania is None else f"{told.ania:.1f}",
        "own windows an alarm (ANGA)": "no alarm" if told.anga is None else f"{told.anga:.1f}",
    }


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.2f} %"


def _plain(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"
