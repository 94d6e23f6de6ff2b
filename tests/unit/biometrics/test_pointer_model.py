"""The pointer model: rows, templates and scores of both deliveries; a folder that does not fit is refused."""

from functools import cache

import msgspec
import numpy as np
import pytest

from ostiary.artifacts.tensors import pack, unpack
from ostiary.biometrics.pointer.blocks import BLOCK
from ostiary.biometrics.pointer.model import ENCODER, SCHEMA, TABLES, PointerModel, model_of
from ostiary.biometrics.pointer.network import INPUT, OUTPUT
from ostiary.biometrics.pointer.shapes import WIDTH
from ostiary.biometrics.pointer.tensor import CHANNELS
from ostiary.biometrics.pointer.training.forest import floored
from ostiary.biometrics.pointer.training.people import divided, people_of
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Modality, Window
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.testing.hands import batched, hand

SIZE = 8


def events_of(person: int, session: int, count: int = 400, *, relay: bool = False) -> np.ndarray:
    events = hand(person, session, count)
    return batched(events) if relay else events


def rows_of(people: int, sessions: int = 3, *, relay: bool = False, count: int = 400) -> list[Row]:
    return [
        Row(f"u{person:02}", f"s{at}", Window(Modality.POINTER, events_of(person, at, count, relay=relay)), at)
        for person in range(people)
        for at in range(sessions)
    ]


@cache
def direct_files() -> dict[str, bytes]:
    """Return a folder with an encoder of random weights."""
    onnx = pytest.importorskip("onnx")
    luck = np.random.default_rng(0)
    weights = onnx.numpy_helper.from_array(luck.normal(size=(CHANNELS, SIZE)).astype(np.float32), "w")
    nodes = [
        onnx.helper.make_node("ReduceMean", [INPUT], ["mean"], axes=[2], keepdims=0),
        onnx.helper.make_node("MatMul", ["mean", "w"], [OUTPUT]),
    ]
    given = onnx.helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, ["n", CHANNELS, BLOCK])
    made = onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, ["n", SIZE])
    graph = onnx.helper.make_graph(nodes, "any", [given], [made], [weights])
    opsets = [onnx.helper.make_opsetid("", 17)]
    tables = {
        "shape_mean": np.zeros(WIDTH),
        "shape_wide": np.ones(WIDTH),
        "shape_into": luck.normal(size=(WIDTH, 5)),
        "shape_centre": np.zeros(5),
        "encoder_centre": np.zeros(SIZE),
        "cohort": luck.normal(size=(20, SIZE + 5)),
    }
    return {
        SCHEMA: schema(),
        ENCODER: onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString(),
        TABLES: pack({name: table.astype(np.float32) for name, table in tables.items()}),
    }


def schema(**other: object) -> bytes:
    calibration = {"enrolled": [1], "windows": [1], "slopes": [[1.0]], "offsets": [[0.0]], "cap": 4.0}
    told = {"kind": "pointer-conv", "format": 1, "delivery": "direct", "spread": 0.5, "calibration": calibration}
    return msgspec.json.encode({**told, **other})


def windows(person: int, seed: int, *, relay: bool = False) -> list[Window]:
    events = events_of(person, seed, relay=relay)
    return [Window(Modality.POINTER, events[at : at + BLOCK]) for at in range(0, len(events) - BLOCK, BLOCK)]


def relayed_model() -> PointerModel:
    return model_of(dict(relayed_training().folder))


@cache
def relayed_training():
    pytest.importorskip("onnx")
    from ostiary.biometrics.pointer.training import train  # noqa: PLC0415 - onnx is there

    return train(rows_of(5, relay=True, count=900), TrainSettings(effort=0.2), lambda what, share: None)


@pytest.mark.parametrize("make", [lambda: model_of(direct_files()), relayed_model], ids=["direct", "relayed"])
def test_rows_are_one_a_window_and_too_little_is_not_judged(make) -> None:
    model = make()
    short = Window(Modality.POINTER, np.zeros((3, 4)))
    rows = model.embed([*windows(1, 1), short])
    assert np.isnan(rows[-1]).all()
    assert np.isfinite(rows[:-1]).all()
    assert np.allclose(rows[:1], model.embed(windows(1, 1)[:1]), atol=1e-5)
    template = model.enrol(rows, sessions=1)
    assert (template.windows, template.sessions) == (len(rows) - 1, 1)
    assert np.isnan(model.scores(template, rows)[-1])
    with pytest.raises(FaultyInputError) as fault:
        model.enrol(rows[-1:])
    assert fault.value.code == "enrolment_empty"


def test_a_long_window_is_the_direction_of_its_blocks() -> None:
    model = model_of(direct_files())
    row = model.embed([Window(Modality.POINTER, events_of(2, 2))])[0]
    assert np.linalg.norm(row) == pytest.approx(1.0)


def test_a_relayed_training_knows_its_accounts_and_fits_in_a_megabyte() -> None:
    model = relayed_model()
    templates = [model.enrol(model.embed(windows(person, 0, relay=True))) for person in range(5)]
    probes = [model.embed([Window(Modality.POINTER, events_of(person, 77, relay=True))])[0] for person in range(5)]
    told = np.array([model.scores(template, np.array(probes)) for template in templates])
    assert (told.argmax(axis=1) == np.arange(5)).all()
    files = relayed_training().files
    assert len(files[ENCODER]) < 1 << 20
    assert b'"delivery": "relayed"' in files[SCHEMA]
    assert "steady grid" in relayed_training().card


def test_a_relayed_training_repeats_to_the_byte() -> None:
    pytest.importorskip("onnx")
    from ostiary.biometrics.pointer.training import train  # noqa: PLC0415 - onnx is there

    rows = rows_of(3, relay=True)
    one, two = (train(rows, TrainSettings(effort=0.05), lambda what, share: None) for _ in range(2))
    assert one == two


@pytest.mark.filterwarnings("ignore")
def test_a_direct_training_knows_people_it_never_saw_and_repeats() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from ostiary.biometrics.pointer.training import train  # noqa: PLC0415 - torch is there

    rows = rows_of(24)
    settings = TrainSettings(effort=0.01)
    one, two = (
        train(rows[:-12], settings, lambda what, share: None),
        train(rows[:-12], settings, lambda what, share: None),
    )
    assert one == two
    model = model_of(one.folder)
    people = range(20, 24)
    templates = [model.enrol(model.embed(windows(person, 0))) for person in people]
    probes = [model.embed(windows(person, 1)) for person in people]
    told = np.array([[model.scores(template, rows).mean() for rows in probes] for template in templates])
    assert np.diag(told).mean() > told.mean() + 1


def test_few_people_are_told_apart_by_their_last_sessions_and_many_by_new_people() -> None:
    few, many = people_of(rows_of(4)), people_of(rows_of(24))
    held = divided(few, 0, by_people=True)
    assert not held.people
    assert [len(one.sessions) for one in held.training] == [2] * 4
    held = divided(many, 0, by_people=True)
    assert held.people
    assert not {one.name for one in held.training} & {one.name for one in held.probes}
    assert [one.name for one in held.enrol] == [one.name for one in held.probes]


def test_one_person_teaches_nothing() -> None:
    with pytest.raises(FaultyInputError) as fault:
        people_of([*rows_of(1), Row("u99", "s0", Window(Modality.POINTER, np.zeros((5, 4))))])
    assert fault.value.code == "training_people"


def test_a_split_keeps_everything_on_its_side() -> None:
    splits = np.array([0.1, -0.1, 1.0, 1 + 1e-12, -3.7e-20])
    low = floored(splits).astype(np.float64)
    assert (low <= splits).all()
    assert (np.nextafter(floored(splits), np.float32(np.inf)).astype(np.float64) > splits).all()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (SCHEMA, b"{"),
        (SCHEMA, schema(kind="other")),
        (SCHEMA, schema(format=2)),
        (SCHEMA, schema(spread=0)),
        (SCHEMA, schema(delivery="relayed")),
        (SCHEMA, schema(delivery="pigeon")),
        (ENCODER, b""),
        (ENCODER, b"\x08\x07"),
        (TABLES, pack({})),
        (TABLES, b"1234"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(name, content) -> None:
    with pytest.raises(FaultyInputError):
        model_of({**direct_files(), name: content})


@pytest.mark.parametrize("table", ["shape_mean", "shape_into", "shape_centre", "encoder_centre", "cohort"])
@pytest.mark.parametrize("spoil", [lambda one: one[:1], lambda one: one * np.float32("nan")], ids=["short", "nan"])
def test_a_table_that_does_not_fit_is_refused(table, spoil) -> None:
    tables = unpack(direct_files()[TABLES])
    with pytest.raises(FaultyInputError):
        model_of({**direct_files(), TABLES: pack({**tables, table: spoil(tables[table])})})


def test_without_onnxruntime_the_extra_is_named(monkeypatch) -> None:
    files = direct_files()
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(UnavailableError) as fault:
        model_of(files)
    assert fault.value.code == "biometrics_extra_missing"
