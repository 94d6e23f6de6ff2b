"""What pages say of columns is what the real policy says, for every stage, purpose, tag and mask."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.server.column_access.grants import globbed, granted, holders
from ostiary.server.column_access.tags import Cell, seen, stages_of
from ostiary.signals.inventory import Catalogue

TAGS = ("feature", "key", "label", "pii", "prod", "time", "two", "bound", "same", "odd")
STAGES = ("", "explore", "train", "validate", "serve", "ingest", "elsewhere")
PURPOSES = ("", "fraud", "ads")
HASH, NULL, BUCKET = {"method": "hash"}, {"method": "null"}, {"method": "bucket", "width": 10}
MORE: dict[str, Any] = {
    "two": {"stages": [], "masked": [{"stages": ["*"], "mask": HASH}, {"stages": ["train"], "mask": BUCKET}]},
    "bound": {"stages": ["train", "serve"], "purposes": ["fraud"]},
    "same": {"stages": ["serve"], "masked": [{"stages": ["train"], "purposes": ["ads"], "mask": HASH}]},
}
Engine = tuple[OpaEngine, dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    root = policies_dir()
    files = {str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()}
    data = yaml.safe_load(files["pipeline/data.yaml"])
    data["features"]["reads"] |= MORE
    files["pipeline/data.yaml"] = msgspec.json.encode(data)
    files = {name: text for name, text in files.items() if not name.endswith("_test.rego")}
    example = yaml.safe_load(files["examples/data.yaml"])["developer"]
    with OpaEngine(Bundle.of({name: text.decode() for name, text in files.items()})) as opened:
        yield opened, data["features"]["reads"], example


def asked(example: dict[str, Any], columns: dict[str, Any], **properties: str) -> dict[str, Any]:
    resource = {**example["resource"], "type": "feature_set", "id": "customers", "sensitivity": 1}
    action = {"name": "features.read", "class": "read", "properties": properties}
    return {**example, "resource": {**resource, "attributes": {"columns": columns}, "labels": []}, "action": action}


def told_by_policy(engine: OpaEngine, document: dict[str, Any]) -> dict[str, Cell]:
    verdict = engine.guardrails(document)
    assert not verdict.error
    told = {one.type: one.properties["columns"] for one in verdict.obligations if one.type in {"project", "mask"}}
    masks = told.get("mask", {})
    return {name: Cell("masked", masks[name]) if name in masks else Cell("open") for name in told["project"]}


columns_of = st.dictionaries(
    st.sampled_from("abcdef"),
    st.fixed_dictionaries({"tags": st.lists(st.sampled_from(TAGS), max_size=3, unique=True)}),
    min_size=1,
)


@given(columns_of, st.lists(st.sampled_from("abcdef"), max_size=2), st.sampled_from(STAGES), st.sampled_from(PURPOSES))
@settings(deadline=None)
def test_the_picture_is_what_policy_says(
    engine: Engine, plain: dict[str, Any], reads: list[str], stage: str, purpose: str
) -> None:
    opened, rules, example = engine
    columns = {name: {**told, "reads": []} for name, told in plain.items()}
    columns["made"] = {"tags": ["feature"], "reads": [name for name in reads if name in plain]}
    told = {name: one for name, one in (("stage", stage), ("purpose", purpose)) if one}
    wanted = told_by_policy(opened, asked(example, columns, **told))
    found = {
        name: msgspec.structs.replace(one, because=())
        for name, one in seen(columns, rules, stage, purpose).items()
        if one.state != "closed"
    }
    assert found == wanted


@pytest.mark.parametrize("level", range(5))
def test_the_same_roles_as_policy(engine: Engine, level: int) -> None:
    opened, _, example = engine
    access = yaml.safe_load(Path(policies_dir(), "access", "data.yaml").read_text())
    roles = {one.role for one in granted(access, "customers", level, "features.read", "read")}
    by_policy = set()
    for group, held in access["groups"].items():
        document = asked(example, {"a": {"tags": ["feature"], "reads": []}}, stage="train")
        document["subject"] = {**document["subject"], "groups": [group], "identity": {"assurance": "token"}}
        document["resource"]["sensitivity"] = level
        document["device"] = {**document.get("device", {}), "managed": True}
        if any(one.rule == "role-grant" for one in opened.guardrails(document).hits):
            by_policy |= set(held)
    assert by_policy <= roles
    assert roles - by_policy <= {"auditor", "ci-job", "service"}, "by type, or it also wants a strong sign-in"


def test_who_holds_a_role() -> None:
    catalogue = Catalogue.parse(
        b"subjects:\n  - {type: user, id: dana, groups: [data-engineers]}\n  - {type: user, id: eve}\n"
        b"  - {type: ci_job, id: build}\n"
    )
    access = {"groups": {"data-engineers": ["data-engineer"]}, "types": {"ci_job": ["ci-job"]}}
    found, more = holders(access, catalogue, ["data-engineer", "ci-job"])
    assert [(one.subject, one.role, one.through) for one in found] == [
        ("ci_job:build", "ci-job", "type ci_job"),
        ("user:dana", "data-engineer", "group data-engineers"),
    ]
    assert not more
    many = b"subjects:\n" + b"".join(b"  - {type: ci_job, id: j%d}\n" % number for number in range(501))
    assert holders(access, Catalogue.parse(many), ["ci-job"])[1]


@pytest.mark.parametrize("odd", [True, "5", None, [], {}])
def test_a_bound_that_is_no_number_covers_nothing(odd: object) -> None:
    table = {"roles": {"r": {"feature_set": [{"id": "g", "actions": ["*"], "max_sensitivity": odd}]}}}
    assert granted(table, "s", 0, "features.read", "read") == []


def test_ids_and_odd_tables() -> None:
    def fits(**more: Any) -> bool:
        table = {
            "roles": {"r": {"feature_set": [{"id": "g", "actions": ["features.*"], "max_sensitivity": 4, **more}]}}
        }
        return bool(granted(table, "customer_risk", 4, "features.read", "read"))

    assert fits()
    assert fits(ids=["customer_{risk,score}"])
    assert not fits(ids=[])
    assert not fits(ids=["other*"])
    assert not fits(actions=["class:write"])
    assert globbed("{a,b}{c,d}", "bc")
    assert seen({"a": {"tags": ["t"], "reads": []}}, {"t": "nonsense"}, "train", "") == {
        "a": Cell("closed", because=("t",))
    }
    assert stages_of({"t": {"stages": ["b", "*"], "masked": [{"stages": ["a"], "mask": {}}]}, "u": 7}) == ["a", "b"]
