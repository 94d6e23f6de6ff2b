"""Laws of mappings: any text is one or a told fault, any row is accepted or rejected, chunking changes nothing."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog import conditions, inputs, mapping, values
from ostiary.signals.anylog.document import parse
from ostiary.signals.anylog.faults import FaultyMappingError
from ostiary.signals.anylog.mapping import Mapping, load
from ostiary.signals.anylog.paths import dotted, pieces
from ostiary.signals.anylog.shelf import shipped, shipped_names
from ostiary.signals.anylog.targets import TARGETS
from ostiary.signals.formats import format_of, formats
from ostiary.signals.importing import Accepted, Rejected, adapters, read
from ostiary.signals.texts import neutral
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark

CODES = (
    "mapping_alias", "mapping_characters", "mapping_column", "mapping_duplicate", "mapping_field", "mapping_key",
    "mapping_malformed", "mapping_missing", "mapping_tag", "mapping_template", "mapping_too_deep", "mapping_too_large",
    "mapping_value",
)  # fmt: skip
WORDS = (
    *mapping.KEYS, *inputs.KEYS, *inputs.FORMS, *values.KEYS, *conditions.KEYS, *TARGETS, *map(str, Mark),
    "{a}", "{a.b}/{c}", "unix_s", "iso8601", "%Y-%m-%d", "a.b[0]", "ignore", "success", "because", "=", "{",
    "\x1b", "é",
)  # fmt: skip
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)
rows = st.dictionaries(
    st.sampled_from(("a", "t", "who", "b", "what")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(("1", "ann")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=5,
)
RICH = b"""mapping: rich
read: {as: json, empty: ["-"]}
skip:
  - any: [{column: a, is: [x, 1]}, {all: [{column: b, contains: c}, {not: {column: a, told: true}}]}]
event:
  event_id: "{a}-{b}"
  time: {first: [{column: t, format: unix_s, malformed: ignore}, {column: t, format: iso8601}]}
  tz_offset_min: {column: a, format: offset, malformed: ignore}
  subject_id: {first: [who, "{a}"]}
  action: {column: b, map: {"1": read}, default: look}
  resource_type: {constant: thing}
  resource_id: {column: what, malformed: reject}
  mfa: {column: a, malformed: ignore}
  ip: {column: b, malformed: ignore}
  bytes: {column: a, scale: 1.5, malformed: ignore}
  count: {column: b, malformed: ignore}
  groups: {column: a, split: ","}
  outcome: {column: a, map: {ann: success}, otherwise: failure}
  token.age_s: {column: a, since: unix_s, malformed: ignore}
  marks: {bulk: {column: a, above: 2}, external: {column: b, starts: [a], ends: [b]}}
"""


def check_load(data: bytes) -> None:
    fault, found = loaded(data)
    if found is not None:
        list(found.read([b'{"a": 1}\na,b\n1,2\n'], "default"))
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + 2
    for one in fault.faults if fault else ():
        assert one.code in CODES
        assert 1 <= int(one.pointer or 1) <= lines
        assert neutral(one.message) == one.message


def loaded(data: bytes) -> tuple[FaultyMappingError | None, Mapping | None]:
    try:
        return None, load(data, "m.yaml")
    except FaultyMappingError as fault:
        return fault, None


@settings(max_examples=tries(100, 150), deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_mapping_or_a_told_fault(data: bytes) -> None:
    check_load(data)


@settings(max_examples=tries(100, 150), deadline=None)
@given(st.text(alphabet="ab:-{}[]\"'&*!|>%@#, \n\t?<~\\x1", max_size=60))
def test_any_yaml_is_a_mapping_or_a_told_fault(text: str) -> None:
    check_load(text.encode())


@settings(max_examples=tries(100, 200), deadline=None)
@given(st.dictionaries(st.sampled_from(WORDS), plain, max_size=6), st.dictionaries(st.sampled_from(WORDS), plain))
def test_any_structure_is_a_mapping_or_a_told_fault(top: dict[str, Any], event: dict[str, Any]) -> None:
    base = msgspec.json.encode({"mapping": "m", "read": {"as": "json"}, "event": event, **top})
    check_load(base)
    needed = {"time": "t", "subject_id": "a", "action": "a", "resource_type": "a", "resource_id": "a"}
    check_load(msgspec.json.encode({"mapping": "m", "read": {"as": "csv"}, "event": {**needed, **event}}))


@settings(max_examples=tries(100, 200), deadline=None)
@given(rows)
def test_any_row_is_accepted_or_rejected_and_always_alike(row: dict[str, Any]) -> None:
    data = json.dumps(row).encode()
    rich = load(RICH, "rich.yaml")
    (found,) = rich.read([data], "default")
    assert list(rich.read([data], "default")) == [found]
    if isinstance(found, Accepted):
        again = msgspec.json.decode(msgspec.json.encode(found.event), type=AccessEvent)
        assert msgspec.structs.replace(found.event) == again, "every value is of its field's type"
    else:
        assert found.code in {"field_missing", "field_malformed", "time_malformed", "row_skipped", "record_malformed"}
        assert neutral(found.text) == found.text


@settings(max_examples=tries(100, 200), deadline=None)
@given(st.lists(st.text(alphabet='ab,"\n\r 1', max_size=20), max_size=6), st.integers(1, 7), st.booleans())
def test_read_is_accepted_and_rejected_however_the_bytes_come(texts: list[str], size: int, several: bool) -> None:  # noqa: FBT001
    text = RICH.replace(b'as: json, empty: ["-"]', b"as: csv, multiline: true" if several else b"as: csv")
    table = load(text, "rich.yaml")
    data = "\n".join(["t,who,a,b,what", "1,ann,x,y,z", *texts]).encode()
    whole = list(table.read([data], "default"))
    cut = [data[place : place + size] for place in range(0, len(data), size)]
    assert list(table.read(cut, "default")) == whole
    assert [one.line for one in whole] == sorted({one.line for one in whole})
    if not several:
        rows_there = [line for line in data.split(b"\n")[1:] if line.strip()]
        assert len(whole) == len(rows_there)


@settings(max_examples=tries(100, 200), deadline=None)
@given(st.text(max_size=30))
def test_any_path_and_template_is_read_or_refused(text: str) -> None:
    for reader in (dotted, lambda given: pieces(given, dotted)):
        code = ""
        try:
            assert isinstance(reader(text), tuple)
        except FaultyInputError as fault:
            code = fault.code
        assert code in {"", "mapping_column", "mapping_template"}


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="{}[]ab: -,", max_size=40))
def test_lines_are_those_of_the_text(text: str) -> None:
    above = "# one\n# two\n"
    try:
        line = parse((above + text).encode()).line
    except FaultyInputError as fault:
        line = int(fault.pointer)
    assert line >= 3 or not text.strip()


def test_shipped_mappings_have_names_of_their_own() -> None:
    assert set(shipped_names()).isdisjoint(adapters())
    assert list(formats()) == sorted([*shipped_names(), *adapters()])
    for name in shipped_names():
        found = shipped(name)
        assert found is not None
        assert found.name == name, "a file bears the name of its mapping"
        assert 10 < len(found.describe) <= 120
        assert format_of(name).digest == found.digest


@pytest.mark.parametrize("name", sorted({*shipped_names()} - {"parquet_basic"}))
@settings(max_examples=60, deadline=None)
@given(data=st.lists(st.binary(max_size=30) | rows.map(lambda row: json.dumps(row).encode()), max_size=4))
def test_no_bytes_crash_a_shipped_mapping(name: str, data: list[bytes]) -> None:
    for outcome in read(name, [b"\n".join(data)], "default"):
        assert isinstance(outcome, Accepted | Rejected)
