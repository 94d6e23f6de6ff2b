"""What a mapping makes of a row: sources, translations, kinds of fields, times, conditions, marks, groups."""

import json
from typing import Any

import pytest

from ostiary.signals.anylog.mapping import load
from ostiary.signals.anylog.targets import GROUPS, TARGETS, Kind
from ostiary.signals.importing import Accepted, Rejected
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark, TokenFacts

BASE: dict[str, Any] = {
    "time": {"column": "t", "format": "unix_s"},
    "subject_id": "who",
    "action": {"constant": "open"},
    "resource_type": {"constant": "door"},
    "resource_id": "what",
}
ROW: dict[str, Any] = {"t": 1_600_000_000, "who": "ann", "what": "front"}


def outcome(row: dict[str, Any], top: dict[str, Any] | None = None, **fields: Any) -> Accepted | Rejected:
    """One JSON row read by a mapping with these fields beside the needed ones; YAML reads JSON."""
    event = {**BASE, **{name.replace("__", "."): value for name, value in fields.items()}}
    mapping = {"mapping": "m", "read": {"as": "json"}, "event": event, **(top or {})}
    found = load(json.dumps(mapping).encode(), "m.yaml")
    (one,) = found.read([json.dumps({**ROW, **row}).encode()], "default")
    return one


def told(row: dict[str, Any], **fields: Any) -> AccessEvent:
    found = outcome(row, **fields)
    assert isinstance(found, Accepted), found
    return found.event


def refused(row: dict[str, Any], **fields: Any) -> str:
    found = outcome(row, **fields)
    assert isinstance(found, Rejected), found
    return found.code


def test_a_bare_event() -> None:
    event = told({})
    assert (event.time_ns, event.subject_id, event.resource_id, event.source) == (16 * 10**17, "ann", "front", "m")
    assert event.event_id.startswith("digest-")
    assert event.subject_type == "user"
    assert event.groups == ()
    assert event.token is None


@pytest.mark.parametrize("column", ["a.b[1].c", ["a", "b", 1, "c"]])
def test_paths_into_objects(column: Any) -> None:
    assert told({"a": {"b": [0, {"c": " x "}]}}, session_id={"column": column}).session_id == "x"


@pytest.mark.parametrize("row", [{}, {"a": None}, {"a": {"b": "text"}}, {"a": {"b": [1]}}, {"a": []}, {"a": {"b": {}}}])
def test_paths_that_lead_nowhere_tell_nothing(row: dict[str, Any]) -> None:
    assert told(row, session_id="a.b[1].c").session_id is None


def test_keys_with_dots_are_written_as_steps() -> None:
    assert told({"a.b/c": {"x": "y"}}, session_id={"column": ["a.b/c", "x"]}).session_id == "y"


def test_templates_join_columns_and_need_all_of_them() -> None:
    assert told({"n": 7, "yes": True}, session_id="{{{who}}}-{n}-{yes}").session_id == "{ann}-7-true"
    assert told({}, session_id="{who}-{n}").session_id is None
    assert refused({}, resource_id="{what}/{n}") == "field_missing"


def test_the_first_that_is_told_counts() -> None:
    spec = {"first": ["a", "{b}!", {"constant": "none"}]}
    assert told({"a": "x", "b": "y"}, session_id=spec).session_id == "x"
    assert told({"a": "", "b": "y"}, session_id=spec).session_id == "y!"
    assert told({}, session_id=spec).session_id == "none"


def test_a_value_may_count_only_when_something_holds() -> None:
    spec = {"column": "who", "when": {"column": "n", "above": 3}}
    assert told({"n": 4}, session_id=spec).session_id == "ann"
    assert told({"n": 3}, session_id=spec).session_id is None


def test_maps_translate_texts_and_numbers() -> None:
    spec = {"column": "s", "map": {"2": "success", "true": "denied", "-": None}}
    assert told({"s": 2}, outcome=spec).outcome == "success"
    assert told({"s": True}, outcome=spec).outcome == "denied"
    assert told({"s": "-"}, outcome=spec).outcome == "unknown"
    assert told({"s": "Failure"}, outcome=spec).outcome == "failure", "what is not named passes as it is"
    assert refused({"s": "odd"}, outcome=spec) == "field_malformed"
    assert told({"s": "odd"}, outcome={**spec, "otherwise": "failure"}).outcome == "failure"


def test_defaults_stand_for_what_is_not_told_and_not_for_what_is_malformed() -> None:
    assert told({}, country={"column": "c", "default": "DE"}).country == "DE"
    assert refused({"c": "Germany"}, country={"column": "c", "default": "DE"}) == "field_malformed"
    lenient = {"column": "c", "default": "DE", "malformed": "ignore"}
    assert told({"c": "Germany"}, country=lenient).country == "DE"


def test_required_fields() -> None:
    assert refused({}, event_id={"column": "id", "required": True}) == "field_missing"
    assert refused({}, ip={"column": "ip", "required": True}) == "field_missing"
    assert refused({"who": ""}) == "field_missing"


def test_ignoring_by_default_spares_what_an_event_needs() -> None:
    top = {"malformed": "ignore"}
    assert isinstance(outcome({"ip": "nonsense"}, top, ip="ip"), Accepted)
    found = outcome({"t": "nonsense"}, top)
    assert isinstance(found, Rejected)
    assert found.code == "time_malformed"
    strict = outcome({"ip": "nonsense"}, top, ip={"column": "ip", "malformed": "reject"})
    assert isinstance(strict, Rejected)


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("subject_type", "robot", "robot"),
        ("session_id", 12345678901234567890, "12345678901234567890"),
        ("session_id", 1.5, "1.5"),
        ("session_id", -12.0, "-12"),
        ("session_id", 1e300, "1e+300"),
        ("session_id", "a\nb", "a\ufffdb"),
        ("mfa", "Yes", True),
        ("mfa", 0, False),
        ("mfa", False, False),
        ("sensitivity", "4", 4),
        ("bytes", "10.0", 10),
        ("bytes", 2**40, 2**40),
        ("count", "1.5", 1.5),
        ("asn", 64_512, 64_512),
        ("ip", "[2001:DB8::1]", "2001:db8::1"),
        ("country", "de", "DE"),
        ("tz_offset_min", "-300", -300),
        ("groups", ["a", " b ", 3, None, {}], ("a", "b", "3")),
        ("labels", "one", ("one",)),
        ("action_class", "READ", "read"),
    ],
)
def test_values_become_what_the_field_holds(field: str, raw: Any, value: Any) -> None:
    found = getattr(told({"v": raw}, **{field: "v"}), field)
    assert (found, type(found)) == (value, type(value)) or str(found) == value


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("session_id", ["a"]),
        ("session_id", {"a": 1}),
        ("mfa", "maybe"),
        ("mfa", []),
        ("sensitivity", 5),
        ("sensitivity", "1.5"),
        ("sensitivity", True),
        ("bytes", -1),
        ("bytes", "1_000"),
        ("bytes", 2**63 + 2**40),
        ("count", "nan"),
        ("count", "inf"),
        ("count", "x" * 100),
        ("asn", 2**32),
        ("ip", "example.org"),
        ("ip", 5),
        ("country", "Germany"),
        ("tz_offset_min", 841),
        ("groups", {"a": 1}),
        ("action_class", "sideways"),
        ("action_class", 1),
        ("place__latitude", 91),
        ("place__reputation", 1.1),
        ("token__age_s", -1),
    ],
)
def test_values_that_do_not_fit_reject_the_row(field: str, raw: Any) -> None:
    assert refused({"v": raw}, **{field: "v"}) == "field_malformed"


@pytest.mark.parametrize(
    ("form", "raw", "wanted_ns"),
    [
        ("unix_s", "1600000000.123456789", 1_600_000_000_123_456_789),
        ("unix_s", 1_600_000_000.5, 1_600_000_000_500_000_000),
        ("unix_ms", 1_600_000_000_123, 1_600_000_000_123_000_000),
        ("unix_us", "1600000000123456", 1_600_000_000_123_456_000),
        ("unix_ns", "1600000000123456789", 1_600_000_000_123_456_789),
        ("iso8601", "2020-09-13T12:26:40Z", 1_600_000_000_000_000_000),
        ("iso8601", "2020-09-13 14:26:40.5+02:00", 1_600_000_000_500_000_000),
        ("iso8601", "2020-09-13", 1_599_955_200_000_000_000),
        ("%d/%b/%Y:%H:%M:%S %z", "13/Sep/2020:12:26:40 +0000", 1_600_000_000_000_000_000),
        ("%Y-%j %H", "2020-257 12", 1_599_998_400_000_000_000),
    ],
)
def test_times(form: str, raw: Any, wanted_ns: int) -> None:
    assert told({"t": raw}, time={"column": "t", "format": form}).time_ns == wanted_ns


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("unix_s", -1),
        ("unix_s", "1e9"),
        ("unix_s", 1e300),
        ("unix_s", True),
        ("unix_s", "9" * 60),
        ("unix_ms", [1]),
        ("unix_s", 7_258_118_400),
        ("iso8601", "yesterday"),
        ("iso8601", 1_600_000_000),
        ("iso8601", "0001-01-01T00:00:00+14:00"),
        ("iso8601", "2020-09-13T12:26:40Z" + " " * 100),
        ("%Y-%m-%d", "2020-13-01"),
        ("%Y-%m-%d", 5),
        ("%Y-%m-%d", "1969-12-31"),
    ],
)
def test_times_that_are_none(form: str, raw: Any) -> None:
    if isinstance(raw, str) and raw.endswith(" "):
        raw += "x"  # space around a text does not count
    assert refused({"t": raw}, time={"column": "t", "format": form}) == "time_malformed"


@pytest.mark.parametrize(
    ("zone", "hour"), [("UTC", 10), ("+02:00", 8), ("-05:30", 15.5), ("Europe/Berlin", 8), ("UTC+02:00", 8)]
)
def test_a_time_without_offset_is_in_the_zone(zone: str, hour: float) -> None:
    spec = {"column": "t", "zone": zone}
    row = {"t": "2020-07-01T10:00:00"}
    assert told(row, time=spec).time_ns == told({"t": 1_593_561_600 + hour * 3_600}).time_ns
    found = outcome(row, {"zone": zone}, time="t")
    assert isinstance(found, Accepted)
    assert found.event.time_ns == told(row, time=spec).time_ns


@pytest.mark.parametrize(
    ("form", "raw", "minutes"),
    [
        ("minutes", 90, 90),
        ("hours", "-3.5", -210),
        ("seconds", 3_600, 60),
        ("offset", "+05:30", 330),
        ("offset", "-0300", -180),
        ("offset", "2024-07-30T21:31:21-07:00", -420),
        ("offset", "2024-07-30T21:31:21Z", 0),
    ],
)
def test_offsets(form: str, raw: Any, minutes: int) -> None:
    assert told({"o": raw}, tz_offset_min={"column": "o", "format": form}).tz_offset_min == minutes


@pytest.mark.parametrize("raw", ["2024-07-30", "2024-07-30T21:31:21", "+99:00", "", 5, "a-b"])
def test_offsets_that_are_none(raw: Any) -> None:
    found = outcome({"o": raw}, tz_offset_min={"column": "o", "format": "offset"})
    assert isinstance(found, Rejected) or (raw == "" and found.event.tz_offset_min is None)


def test_scales_splits_and_ages() -> None:
    row = {"kb": "2.5", "ms": 1_500, "teams": "a; b;;c", "made": 1_599_999_000, "iso": "2020-09-13T12:26:00Z"}
    event = told(
        row,
        bytes={"column": "kb", "scale": 1_024},
        auth_age_s={"column": "ms", "scale": 0.001},
        groups={"column": "teams", "split": ";"},
        token__age_s={"column": "made", "since": "unix_s"},
        account__age_s={"column": "iso", "since": "iso8601"},
    )
    assert (event.bytes, event.auth_age_s, event.groups) == (2_560, 1.5, ("a", "b", "c"))
    assert event.token == TokenFacts(age_s=1_000.0)
    assert event.account is not None
    assert event.account.age_s == 40.0
    assert refused({"made": 1_700_000_000}, token__age_s={"column": "made", "since": "unix_s"}) == "field_malformed"


def test_a_group_of_which_nothing_is_told_is_not_told() -> None:
    assert told({}, token__age_s="a", token__bound="b").token is None
    assert told({"b": "yes"}, token__age_s="a", token__bound="b").token == TokenFacts(bound=True)


def test_marks_have_conditions() -> None:
    marks = {
        "reads_secret": {"column": "what", "starts": ["/secret", "/kv"]},
        "bulk": [{"column": "n", "above": 100}, {"column": "op", "is": "dump"}],
    }
    assert told({"what": "/kv/x", "n": 500}, marks=marks).marks == (Mark.READS_SECRET, Mark.BULK)
    assert told({"op": "dump"}, marks=marks).marks == (Mark.BULK,)
    assert told({}, marks=marks).marks == ()


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        ({"column": "v", "is": ["a", 2]}, ["a", 2, "2"], ["b", None, ["a"]]),
        ({"column": "v", "is_not": "a"}, ["b", None], ["a"]),
        ({"column": "v", "starts": "ab"}, ["abc"], ["b", 5, None]),
        ({"column": "v", "ends": [".exe", ".dll"]}, ["x.dll"], ["exe", None]),
        ({"column": "v", "contains": "b"}, ["abc", ["a", "b"]], ["xyz", ["abc"], None, {}]),
        ({"column": "v", "told": True}, ["x", 0, False], ["", "  ", None]),
        ({"column": "v", "told": False}, ["", None], ["x"]),
        ({"column": "v", "above": 10}, [11, "10.5"], [10, "x", None, "1_1", True]),
        ({"column": "v", "below": 10}, [9, "-5"], [10, "nan", []]),
        ({"column": "v", "starts": "a", "ends": "z"}, ["abz"], ["ab", "bz"]),
        ({"not": {"column": "v", "is": "a"}}, ["b", None], ["a"]),
        ({"any": [{"column": "v", "is": "a"}, {"column": "v", "is": "b"}]}, ["a", "b"], ["c"]),
        ({"all": [{"column": "v", "starts": "a"}, {"column": "v", "is_not": "ab"}]}, ["ac"], ["ab", "b"]),
    ],
)
def test_conditions_leave_rows_out(condition: dict[str, Any], holds: list[Any], fails: list[Any]) -> None:
    top = {"skip": [{**condition, "because": "of a test"}]}
    for value in holds:
        found = outcome({"v": value}, top)
        assert isinstance(found, Rejected), value
        assert found.code == "row_skipped"
        assert "of a test" in found.text
    for value in fails:
        assert isinstance(outcome({"v": value}, top), Accepted), value


def test_words_for_nothing() -> None:
    top = {"read": {"as": "json", "empty": ["-", "NULL"]}}
    found = outcome({"a": " - ", "b": "NULL", "c": "null"}, top, session_id="a", client_id="b", issuer="c")
    assert isinstance(found, Accepted)
    assert (found.event.session_id, found.event.client_id, found.event.issuer) == (None, None, "null")


def test_every_member_of_an_event_can_be_told() -> None:
    """A constant for each field, and a column for each group: nothing that an event can say is out of reach."""
    samples: dict[Kind, Any] = {
        Kind.ADDRESS: "10.0.0.1",
        Kind.AMOUNT: 0.5,
        Kind.COUNTRY: "FR",
        Kind.FLAG: True,
        Kind.LIST: ["a", "b"],
        Kind.OFFSET: 60,
        Kind.TEXT: "x",
        Kind.WHOLE: 3,
    }
    fields: dict[str, Any] = {}
    for target in TARGETS.values():
        if target.kind is Kind.MARKS:
            fields[target.name] = {str(mark): {"column": "who", "told": True} for mark in Mark}
        elif target.kind is not Kind.MOMENT:
            sample = target.choices[-1] if target.kind is Kind.CHOICE else samples[target.kind]
            fields[target.name] = {"constant": sample}
    event = told({}, **fields)
    members = {name for name in AccessEvent.__struct_fields__ if getattr(event, name) in (None, (), "")}
    assert members == set()
    for name, form in GROUPS.items():
        group = getattr(event, name)
        assert [member for member in form.__struct_fields__ if getattr(group, member) is None] == []
    assert event.marks == tuple(Mark)
