import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.signals.inventory import Catalogue, ResourceEntry
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import ActionClass

FILE = b"""
resources:
  - {type: database, id: prod/*, sensitivity: 3, labels: [production]}
  - {type: database, id: prod/customers, sensitivity: 4, critical: true}
  - {type: database, id: "*/customers", sensitivity: 2}
  - {type: bucket, id: "logs-*-2024"}
  - {type: "*", id: "tmp/*", sensitivity: 0}
subjects:
  - {type: user, id: ann, groups: [payments, developers], tz_offset_min: 60}
  - {type: user, id: bob}
actions: [read, {name: frobnicate, class: admin}]
"""


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.parse(FILE)


@pytest.mark.parametrize(
    ("kind", "name", "sensitivity"),
    [
        ("database", "prod/customers", 4),
        ("database", "prod/orders", 3),
        ("database", "staging/customers", 2),
        ("database", "staging/orders", None),
        ("repository", "tmp/x", 0),
        ("repository", "prod/customers", None),
    ],
)
def test_exact_before_the_most_specific_pattern(
    catalogue: Catalogue, kind: str, name: str, sensitivity: int | None
) -> None:
    for _ in range(2):  # the second look comes from the cache
        entry = catalogue.resource(kind, name)
        assert (entry.sensitivity if entry else None) == sensitivity


def test_a_pattern_is_no_regular_expression(catalogue: Catalogue) -> None:
    assert catalogue.resource("bucket", "logs-a-2024") is not None
    assert catalogue.resource("bucket", "logs-a-2024x") is None
    assert Catalogue((ResourceEntry("t", "a.c*"),)).resource("t", "abc") is None


def test_search_lists(catalogue: Catalogue) -> None:
    assert catalogue.subjects("user") == ("ann", "bob")
    assert catalogue.resources("database") == ("prod/customers",)
    assert catalogue.actions() == ("frobnicate", "read")
    assert catalogue.action_class("frobnicate") is ActionClass.ADMIN
    assert catalogue.action_class("read") is None


@pytest.mark.parametrize(
    ("text", "where", "pointer"),
    [
        ("resources:\n  - type: a\n    id: b\n    sensitivity: high", "line 4", "/resources/0/sensitivity"),
        ("resources:\n  - type: a\n    id: b\n  - type: a", "line 4", "/resources/1"),
        ("resources: [{type: a, id: b, sensitivty: 1}]", "line 1", "/resources/0"),
        ("resources: [{type: a, id: b, sensitivity: 9}]", "0 to 4", "/resources/0/sensitivity"),
        ("subjects: [{type: '', id: b}]", "1 to 512", "/subjects/0"),
        ("a: 1\na: 2", "stands twice", ""),
        ("subjects: &x [1]\nresources: *x", "aliases", ""),
        ("subjects: " + "[" * 40 + "]" * 40, "too deep", ""),
        ("resources: [", "line", ""),
        ("resources: !!python/object/apply:os.system [id]", "cannot be read", ""),
        ("nonsense: 1", "nonsense", ""),
        ("- 1", "object", ""),
        ("resources: [{type: a, id: '*********'}]", "eight", "/resources/0/id"),
    ],
)
def test_faults_say_where(text: str, where: str, pointer: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        Catalogue.parse(text.encode())
    assert caught.value.code == "catalogue_malformed"
    assert where in caught.value.message
    assert caught.value.pointer == pointer


def test_an_empty_file_is_an_empty_catalogue() -> None:
    assert Catalogue.parse(b"").subjects("user") == ()


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"subjects": [{"type": "user", "id": "ann"}]}))
    assert Catalogue.load(path).subjects("user") == ("ann",)
    with pytest.raises(FaultyInputError) as caught:
        Catalogue.parse(b'{"subjects": [{"type": 1, "id": "ann"}]}', "c.json")
    assert caught.value.pointer == "/subjects/0/type"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FaultyInputError, match="cannot be read") as caught:
        Catalogue.load(tmp_path / "none.yaml")
    assert caught.value.code == "catalogue_missing"


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_crash_it(data: bytes) -> None:
    try:
        Catalogue.parse(data)
    except FaultyInputError as fault:
        assert fault.code == "catalogue_malformed"  # noqa: PT017 - either answer is right, a traceback is not


def test_the_simulators_catalogue_reads_back() -> None:
    organisation = Organisation(people=20, days=1)
    written = json.dumps(organisation.catalogue_document()).encode()
    for name in ("c.json", "c.yaml"):
        read, own = Catalogue.parse(written, name), organisation.catalogue()
        assert read.subjects("user") == own.subjects("user")
        assert read.resource("database", "prod/customers") == own.resource("database", "prod/customers")
