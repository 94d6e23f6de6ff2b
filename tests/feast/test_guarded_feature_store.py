"""The same two calls around a real Feast: columns, and the closure over on-demand views. ``tools/feast.sh`` runs it."""

import runpy
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

feast: Any = pytest.importorskip("feast", reason="Feast is not installed here: tools/feast.sh runs this with it")
pd: Any = pytest.importorskip("pandas")

from ostiary_sdk.feast import GuardedFeatureStore  # noqa: E402 - after the question whether Feast is there
from ostiary_sdk.features import FeatureError  # noqa: E402

CONFIG = """project: guarded
registry: data/registry.db
provider: local
online_store: {type: sqlite, path: data/online.db}
offline_store: {type: file}
entity_key_serialization_version: 3
auth: {type: no_auth}
"""
START = datetime(2026, 1, 1)  # noqa: DTZ001 - Feast's file store keeps UTC without a zone
SEES = {"driver": ["driver_id", "trips", "rating"], "derived": ["wealth", "twice"], "twice_view": ["twice_trips"]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    on_demand_feature_view = import_module("feast.on_demand_feature_view").on_demand_feature_view
    types, value_type = import_module("feast.types"), import_module("feast.value_type")
    Float64, Int64, ValueType = types.Float64, types.Int64, value_type.ValueType  # noqa: N806 - classes

    root = tmp_path_factory.mktemp("feast")
    (root / "data").mkdir()
    (root / "feature_store.yaml").write_text(CONFIG)
    frame = pd.DataFrame(
        {
            "driver_id": [1, 2],
            "event_timestamp": pd.to_datetime([START, START], utc=True),
            "created": pd.to_datetime([START, START], utc=True),
            "trips": [10.0, 20.0],
            "rating": [4.5, 3.5],
            "salary": [7_100_001, 7_100_002],
        }
    )
    frame.to_parquet(root / "driver.parquet")
    source = feast.FileSource(path=str(root / "driver.parquet"), timestamp_field="event_timestamp", name="s")
    driver = feast.Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    schema = [feast.Field(name=n, dtype=t) for n, t in (("trips", Float64), ("rating", Float64), ("salary", Int64))]
    view = feast.FeatureView(name="driver", entities=[driver], ttl=timedelta(days=3650), schema=schema, source=source)

    @on_demand_feature_view(
        sources=[view],
        schema=[feast.Field(name="wealth", dtype=Float64), feast.Field(name="twice", dtype=Float64)],
        mode="pandas",
    )
    def derived(inputs):
        out = pd.DataFrame()
        out["wealth"] = inputs["salary"] * 2.0
        out["twice"] = inputs["trips"] * 2.0
        return out

    @on_demand_feature_view(
        sources=[view[["trips"]]], schema=[feast.Field(name="twice_trips", dtype=Float64)], mode="pandas"
    )
    def twice_view(inputs):
        out = pd.DataFrame()
        out["twice_trips"] = inputs["trips"] * 2.0
        return out

    made = feast.FeatureStore(repo_path=str(root))
    made.apply([driver, view, derived, twice_view])
    made.materialize(START - timedelta(days=1), START + timedelta(days=1))
    return made


def guarded(store: Any, sees: dict[str, list[str]] = SEES) -> GuardedFeatureStore:
    def columns(view: str) -> list[str]:
        if view not in sees:
            raise FeatureError("access_denied", "no", 403)
        return sees[view]

    return GuardedFeatureStore(store, columns)


ROWS = [{"driver_id": 1}, {"driver_id": 2}]


def test_feast_itself_knows_no_columns(store: Any) -> None:
    given = store.get_online_features(features=["driver:salary", "derived:wealth"], entity_rows=ROWS).to_dict()
    assert given["salary"] == [7_100_001, 7_100_002]


def test_permitted_features_are_given_as_feast_gives_them(store: Any) -> None:
    asked = ["driver:trips", "driver:rating", "twice_view:twice_trips"]
    mine = guarded(store).get_online_features(asked, ROWS)
    theirs = store.get_online_features(features=asked, entity_rows=ROWS).to_dict()
    assert mine.to_dict() == {name: theirs[name] for name in ("driver_id", "trips", "rating", "twice_trips")}
    full = guarded(store).get_online_features(asked, ROWS, full_feature_names=True)
    assert set(full.to_dict()) == {"driver_id", "driver__trips", "driver__rating", "twice_view__twice_trips"}


@pytest.mark.parametrize(
    "feature",
    ["driver:salary", "derived:wealth", "derived:twice", "driver:nosuch", "nosuch:trips", "driver", "a:b:c", ""],
)
def test_hidden_and_unknown_are_refused_alike_with_their_closure(store: Any, feature: str) -> None:
    """`derived` reads the whole of `driver`, `salary` too: even `twice`, made of trips alone, is not given."""
    entities = pd.DataFrame({"driver_id": [1], "event_timestamp": pd.to_datetime(["2026-01-02"], utc=True)})
    for ask in (
        lambda: guarded(store).get_online_features(["driver:trips", feature], ROWS),
        lambda: guarded(store).get_historical_features(entities, ["driver:trips", feature]),
    ):
        with pytest.raises(FeatureError) as fault:
            ask()
        assert fault.value.code == "feature_unknown"
        assert "7100001" not in str(fault.value)


def test_the_closure_opens_what_is_derived(store: Any) -> None:
    sees = {**SEES, "driver": ["trips", "rating", "salary"]}
    given = guarded(store, sees).get_online_features(["derived:wealth"], ROWS).to_dict()
    assert given == {"driver_id": [1, 2], "wealth": [14_200_002.0, 14_200_004.0]}


def test_history_is_cut_to_what_was_asked(store: Any) -> None:
    entities = pd.DataFrame(
        {
            "driver_id": [1, 2],
            "event_timestamp": pd.to_datetime(["2026-01-02", "2026-01-03"], utc=True),
            "label": [0, 1],
        }
    )
    found = guarded(store).get_historical_features(entities, ["driver:trips", "twice_view:twice_trips"]).to_df()
    by_driver = {row["driver_id"]: row for row in found.to_dict("records")}
    assert set(found.columns) == {"driver_id", "event_timestamp", "label", "trips", "twice_trips"}
    assert (by_driver[1]["twice_trips"], by_driver[2]["trips"], by_driver[2]["label"]) == (20.0, 20.0, 1)


def test_an_entity_query_is_refused(store: Any) -> None:
    with pytest.raises(FeatureError) as fault:
        guarded(store).get_historical_features("SELECT * FROM x", ["driver:trips"])
    assert fault.value.code == "entity_sql_refused"


def test_a_feature_service_is_judged_feature_by_feature(store: Any) -> None:
    view = store.get_feature_view("driver")
    whole = feast.FeatureService(name="whole", features=[view])
    part = feast.FeatureService(name="part", features=[view[["trips"]]])
    with pytest.raises(FeatureError):
        guarded(store).get_online_features(whole, ROWS)
    assert guarded(store).get_online_features(part, ROWS).to_dict() == {"driver_id": [1, 2], "trips": [10.0, 20.0]}


def test_the_example_gives_what_the_caller_may_read(store: Any) -> None:
    example = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "feast" / "columns.py"))
    given = example["trips"](store, lambda _view: ["driver_id", "trips"], [1, 2])
    assert given == {"driver_id": [1, 2], "trips": [10.0, 20.0]}
    with pytest.raises(FeatureError):
        example["trips"](store, lambda _view: ["driver_id", "rating"], [1])
