"""What always holds of entitlement risk, whatever is asked of it."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.artifacts import MANIFEST_NAME, ArtifactPredicate, sign_artifact
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys import SigningKey
from ostiary.risk.entitlements.forest import ForestSettings
from ostiary.risk.entitlements.grant_fit import GrantSettings, matrix_of
from ostiary.risk.entitlements.grant_model import GrantModel
from ostiary.risk.entitlements.loading import load_model
from ostiary.risk.entitlements.pair_rows import NAMES, pair_rows
from ostiary.risk.entitlements.request_fit import RequestSettings
from ostiary.risk.entitlements.request_model import RequestModel
from ostiary.risk.entitlements.table import Table
from ostiary.risk.entitlements.training import TrainedModel, train_grants, train_requests
from ostiary.risk.training.write import write_signed
from ostiary.testing.entitlements import made_grants, made_requests

KEY = SigningKey.from_seed("t.models.1", bytes(32))
QUICK = RequestSettings(orders=2, fold_orders=1, forest=ForestSettings(trees=30, learning_rate=0.1, column_share=0.5))
COLUMNS = ("RESOURCE", "MANAGER", "TEAM", "TITLE")

cells = st.one_of(
    st.text(max_size=8), st.sampled_from(["tool0-1", "tool2-3", "m0-1", "m2-2", "team0", "team2", "title1", ""])
)
rows = st.lists(st.tuples(*[cells] * len(COLUMNS)), min_size=1, max_size=8)
names = st.one_of(st.text(max_size=6), st.sampled_from(["u1", "u3", "t1-tool1", "t2-tool1"]))


def quiet(_what: str, _share: float) -> None:
    """Tell nothing."""


def write(trained: TrainedModel, folder: Path) -> None:
    write_signed(trained.files, folder, KEY, ArtifactPredicate(kind=trained.kind, created_ns=1))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("entitlements")
    write(train_requests(made_requests(), "ACTION", QUICK, quiet, identifier="row"), place / "requests")
    write(train_grants(made_grants(), ("user", "permission"), GrantSettings(folds=5), quiet), place / "grants")
    return place


@pytest.fixture(scope="module")
def requests(place: Path) -> RequestModel:
    model = load_model(place / "requests", [KEY.public])
    assert isinstance(model, RequestModel)
    return model


@pytest.fixture(scope="module")
def grants(place: Path) -> GrantModel:
    model = load_model(place / "grants", [KEY.public])
    assert isinstance(model, GrantModel)
    return model


def asked(found: list[tuple[str, ...]]) -> Table:
    return Table({name: [row[at] for row in found] for at, name in enumerate(COLUMNS)}, len(found))


@given(rows)
@settings(max_examples=40, deadline=None)
def test_any_request_has_a_score_and_the_others_in_the_file_change_nothing(
    requests: RequestModel, found: list[tuple[str, ...]]
) -> None:
    lines = list(requests.score(asked(found)))
    assert [line.id for line in lines] == [str(number) for number in range(1, len(found) + 1)]
    assert all(0 <= line.score <= 1 and line.level in {"low", "medium", "high"} for line in lines)
    assert all(bool(line.reasons) <= (line.level != "low") and len(line.reasons) <= 3 for line in lines)
    alone = [next(requests.score(asked([row]))) for row in found]
    assert [line.score for line in alone] == [line.score for line in lines]
    assert [line.reasons for line in alone] == [line.reasons for line in lines]


@given(st.lists(st.tuples(names, names), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_any_pair_has_a_score_and_the_others_in_the_file_change_nothing(
    grants: GrantModel, found: list[tuple[str, str]]
) -> None:
    def ask(pairs: list[tuple[str, str]]) -> list[float]:
        table = Table({"user": [user for user, _ in pairs], "permission": [item for _, item in pairs]}, len(pairs))
        return [line.score for line in grants.score(table)]

    scores = ask(found)
    assert all(0 <= score <= 1 for score in scores)
    assert ask(found[::-1]) == scores[::-1]
    assert [ask([pair])[0] for pair in found] == scores


def test_people_who_share_nothing_with_an_organisation_change_nothing_material_for_it(grants: GrantModel) -> None:
    """Another company in the same matrix: counts stay, and no score moves much (lift knows how many there are)."""
    shape = len(grants.schema.users), len(grants.schema.permissions)
    luck = np.random.default_rng(4)
    other = np.argwhere(luck.random((12, 9)) < 0.5) + np.array(shape)
    apart = matrix_of(grants.pairs, shape)
    together = matrix_of(np.vstack([grants.pairs, other]), (shape[0] + 12, shape[1] + 9))
    asked = np.argwhere(apart.toarray() == 0)
    rows = [pair_rows(table, asked[:, 0], asked[:, 1]) for table in (apart, together)]
    counted = [at for at, name in enumerate(NAMES) if not name.startswith(("lift", "factor"))]
    assert np.allclose(rows[0][:, counted], rows[1][:, counted])
    chances = [grants.forest.chance(each) for each in rows]
    moved = np.abs(chances[0] - chances[1])
    assert moved.max() < 0.2
    assert moved.mean() < 0.01


def test_the_order_of_rows_in_the_grants_changes_nothing() -> None:
    table = made_grants()
    luck = np.random.default_rng(1).permutation(table.rows)
    mixed = Table({name: [column[at] for at in luck] for name, column in table.columns.items()}, table.rows)
    one, two = (train_grants(each, ("user", "permission"), GrantSettings(folds=5), quiet) for each in (table, mixed))
    assert one.card.counts == two.card.counts
    assert abs(one.card.figures["roc_auc"] - two.card.figures["roc_auc"]) < 0.05


def test_an_unsigned_or_changed_or_other_artefact_is_refused(place: Path, tmp_path: Path) -> None:
    for name in ("requests", "grants"):
        folder = tmp_path / name
        folder.mkdir()
        for file in (place / name).iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        card = folder / "card.md"
        card.write_bytes(card.read_bytes() + b"and better than it is")
        assert refusal(folder) == "artifact_modified"
        (folder / MANIFEST_NAME).unlink()
        assert refusal(folder) == "artifact_unsigned"
        sign_artifact(folder, SigningKey.generate("t.other.1"), ArtifactPredicate(kind="x", created_ns=1))
        assert refusal(folder) == "artifact_untrusted_key"
        sign_artifact(folder, KEY, ArtifactPredicate(kind="access-risk-model", created_ns=1))
        assert refusal(folder) == "artifact_wrong_kind"


def refusal(folder: Path) -> str:
    with pytest.raises(VerificationError) as fault:
        load_model(folder, [KEY.public])
    return fault.value.code


@pytest.mark.parametrize("name", ["requests", "grants"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_signed_model_with_other_content_is_malformed_or_scores(
    place: Path, tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """Who holds a key can sign nonsense: it ends in one code, or still in scores between 0 and 1."""
    folder = tmp_path_factory.mktemp("odd")
    for file in (place / name).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    schema = msgspec.json.decode((folder / "schema.json").read_bytes())
    field = data.draw(st.sampled_from(sorted(schema)))
    schema[field] = data.draw(st.sampled_from([None, [], {}, -1, 10**6, "x", [[0, 99]], {"a": ["b"]}, 0.5]))
    (folder / "schema.json").write_bytes(msgspec.json.encode(schema))
    kind = "entitlement-request-model" if name == "requests" else "entitlement-grant-model"
    sign_artifact(folder, KEY, ArtifactPredicate(kind=kind, created_ns=1))
    assert outcome(folder) in {"scores", "model_malformed", "table_column_missing"}


def outcome(folder: Path) -> str:
    table = Table({column: ["x"] for column in (*COLUMNS, "user", "permission")}, 1)
    try:
        lines = list(load_model(folder, [KEY.public]).score(table))
    except FaultyInputError as fault:
        return fault.code
    return "scores" if all(0 <= line.score <= 1 for line in lines) else "nonsense"
