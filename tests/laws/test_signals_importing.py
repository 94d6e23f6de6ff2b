"""Laws of importing: read = accepted + rejected, however the bytes arrive; no bytes crash a reader; nothing grows."""

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.signals.documents import documents
from ostiary.signals.importing import Accepted, EventCounts, Rejected, adapters, read
from ostiary.signals.opening import unpacked
from ostiary.signals.pieces import MAX_RECORD, Shape
from ostiary.signals.splitting import json_pieces, lines
from ostiary.vocabulary.events import AccessEvent

GOOD = {
    "eventTime": "2024-05-01T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "eventID": "e",
    "userIdentity": {"type": "IAMUser", "userName": "ann"},
    "requestParameters": {"bucketName": "reports", "key": 'a"}{][\\'},
}
FAULTY: list[tuple[bytes, str]] = [
    (b'{"eventTime": "yesterday", "eventSource": "s3.amazonaws.com", "eventName": "x"}', "time_malformed"),
    (b"{}", "time_malformed"),
    (b'{"eventTime": "2024-05-01T10:00:00Z"}', "field_missing"),
    (b"[1, 2]", "record_malformed"),
    (b'{"a": nonsense}', "record_malformed"),
    (b'{"a": "\xff"}', "time_malformed"),  # bytes that are no text hide nothing
    (b'{"a": \xff}', "record_malformed"),
    (b'{"a": ' + b"[" * 80 + b"]" * 80 + b"}", "record_too_deep"),
]
records = st.booleans() | st.sampled_from(FAULTY)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for place in range(0, len(data), size):
        yield data[place : place + size]


def outcomes(name: str, data: bytes, size: int = 65_536) -> list[Accepted | Rejected]:
    return list(read(name, cut(data, size), "default"))


def wanted(plan: list[Any]) -> list[str]:
    return ["" if isinstance(each, bool) else each[1] for each in plan]


def written(plan: list[Any]) -> list[bytes]:
    return [json.dumps(GOOD).encode() if isinstance(each, bool) else each[0] for each in plan]


@settings(max_examples=80, deadline=None)
@given(st.lists(records, max_size=12), st.integers(1, 40))
def test_every_line_is_counted(plan: list[Any], size: int) -> None:
    """A line of good JSON first, so that the file is read as lines; then anything."""
    plan = [True, *plan]
    found = outcomes("cloudtrail", b"\n".join(written(plan)), size)
    assert [each.code if isinstance(each, Rejected) else "" for each in found] == wanted(plan)
    assert [each.line for each in found] == list(range(1, len(plan) + 1))
    counts = EventCounts()
    for each in found:
        counts.count(each)
    assert counts.read == counts.accepted + counts.rejected == len(plan)


@settings(max_examples=80, deadline=None)
@given(st.lists(records, max_size=12), st.integers(1, 40), st.sampled_from(["", " ", "\n  "]))
def test_every_record_of_a_document_is_counted(plan: list[Any], size: int, space: str) -> None:
    inside = f",{space}".encode().join(written(plan))
    data = b'{"Owner": {"x": [1, {"y": 2}]}, "Records":' + space.encode() + b"[" + inside + b'], "Next": [{"a": 1}]}'
    found = outcomes("cloudtrail", data, size)
    assert [each.code if isinstance(each, Rejected) else "" for each in found] == wanted(plan)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300) | st.text(max_size=200).map(str.encode),
    st.integers(1, 50),
    st.sampled_from(sorted(adapters())),
)
def test_no_bytes_crash_a_reader(data: bytes, size: int, name: str) -> None:
    for each in outcomes(name, data, size):
        assert isinstance(each, Rejected)
        assert each.code
        assert each.line >= 1


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
JSON_FORMATS = [adapter.name for adapter in adapters().values() if adapter.shape is Shape.JSON]
FIELDS = (
    "eventTime", "eventSource", "eventName", "userIdentity", "kind", "stage", "user", "verb", "objectRef", "requestURI",
    "requestReceivedTimestamp", "class_uid", "time", "actor", "activity_id", "api", "resources", "metadata", "device",
    "src_endpoint", "published", "eventType", "outcome", "target", "client", "properties", "createdDateTime",
    "userPrincipalName", "ipAddress", "status", "@timestamp", "actor_location", "operation_type", "repo",
    "time_ns", "subject_id", "event_id", "action", "groups", "labels",
)  # fmt: skip


@settings(max_examples=tries(100, 150), deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), plain, max_size=8), st.sampled_from(JSON_FORMATS))
def test_no_json_crashes_an_adapter(record: dict[str, Any], name: str) -> None:
    """Known fields of unexpected types are not told or refused, never a traceback."""
    record.setdefault("class_uid", 6003)
    record.setdefault("time", 1_700_000_000_000)
    try:
        data = json.dumps(record).encode()
    except ValueError:
        return
    assert len(outcomes(name, data)) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(plain, max_size=5), st.integers(1, 17))
def test_chunks_of_any_size_give_the_same_pieces(values: list[Any], size: int) -> None:
    data = json.dumps(values, indent=1).encode()
    whole = [(piece.line, piece.data, piece.fault) for piece in documents([data], ())]
    assert [(piece.line, piece.data, piece.fault) for piece in documents(cut(data, size), ())] == whole
    objects = [json.loads(data) for _, data, fault in whole if not fault]
    assert objects == [value for value in values if isinstance(value, dict | list)]
    assert len(whole) == len(values)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab \n", max_size=12)), st.integers(1, 9))
def test_lines_of_any_chunking(texts: list[str], size: int) -> None:
    data = "\n".join(texts).encode()
    found = {piece.line: piece.data for piece in lines(cut(data, size))}
    assert found == {number: line for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()}


def test_a_huge_record_is_reported_and_skipped() -> None:
    good = json.dumps(GOOD).encode()
    huge = b'{"eventName": "' + b"x" * (MAX_RECORD + 10) + b'"}'
    for data in (b"\n".join([good, huge, good]), b'{"Records":[' + b",".join([good, huge, good]) + b"]}"):
        found = outcomes("cloudtrail", data)
        assert [each.code if isinstance(each, Rejected) else "" for each in found] == ["", "record_too_large", ""]


def test_a_huge_document_is_never_held_whole() -> None:
    """Ten mebibytes of records in one document, on one line, pass through less than two."""
    record = json.dumps(GOOD).encode() + b","

    def stream() -> Iterator[bytes]:
        yield b'{"Records":['
        for _ in range(30):
            yield from [record * 120] * 10
        yield json.dumps(GOOD).encode() + b"]}"

    tracemalloc.start()
    try:
        number = sum(1 for _ in json_pieces(stream(), ("Records",)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == 30 * 1_200 + 1
    assert peak < 2 << 20


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b'{"Records": [{"a": 1}, {"b": ', ["time_malformed", "input_truncated"]),
        (b'{"Records": [{"a": 1}], "x": "unfinished', ["time_malformed", "input_truncated"]),
        (b'{"Records": [1, "two", [3], {"a": 1}]}', ["record_malformed"] * 3 + ["time_malformed"]),
        (b"[]", []),
        (b'{"Records": []}', []),
        (b"", []),
        (b"\xef\xbb\xbf[{}]", ["time_malformed"]),
        (b"[{}]]] {}", ["time_malformed", "record_malformed", "record_malformed", "time_malformed"]),
    ],
)
def test_broken_documents(data: bytes, codes: list[str]) -> None:
    assert [each.code for each in outcomes("cloudtrail", data) if isinstance(each, Rejected)] == codes


def test_control_characters_do_not_pass() -> None:
    forged = {**GOOD, "userIdentity": {"type": "IAMUser", "userName": "ann\n2024 root logged in\x1b[2J\u202e"}}
    (outcome,) = outcomes("cloudtrail", json.dumps(forged).encode())
    assert isinstance(outcome, Accepted)
    assert outcome.event.subject_id == "ann\ufffd2024 root logged in\ufffd[2J\ufffd"


def test_long_names_stay_apart() -> None:
    """Cutting would make one subject of two."""
    found = []
    for tail in ("a", "b"):
        record = {**GOOD, "userIdentity": {"type": "IAMUser", "userName": "x" * 5_000 + tail}}
        found += outcomes("cloudtrail", json.dumps(record).encode())
    names = {each.event.subject_id for each in found if isinstance(each, Accepted)}
    assert len(names) == 2
    assert max(map(len, names)) <= 512


class Broken:
    """A file whose gzip is damaged in the way asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int) -> bytes:
        part, self._data = self._data[:size], self._data[size:]
        return part


GZIP = gzip.compress(b"\n".join([json.dumps(GOOD).encode()] * 3))


@pytest.mark.parametrize(
    ("data", "code", "accepted"),
    [
        (GZIP, "", 3),
        (GZIP + GZIP, "record_malformed", 4),  # two members: last line of one and first of the next are one line
        (GZIP[:-9], "gzip_truncated", 2),
        (GZIP[:20] + b"\x00\x00\x00" + GZIP[23:], "gzip_malformed", 0),
        (gzip.compress(b" " * (20 << 20), 9), "gzip_bomb", 0),
    ],
)
def test_gzip(data: bytes, code: str, accepted: int) -> None:
    found = list(read("cloudtrail", unpacked(Broken(data)), "default"))
    codes = [each.code for each in found if isinstance(each, Rejected)]
    if code:
        assert code in codes
        assert sum(isinstance(each, Accepted) for each in found) <= accepted
    else:
        assert sum(isinstance(each, Accepted) for each in found) >= accepted


def test_our_own_form_comes_back_unchanged() -> None:
    event = AccessEvent(
        "1", "default", 10**18, "ann", "read", "database", "db/x", ip="10.0.0.1", mfa=True, groups=("a",)
    )
    (outcome,) = outcomes("ostiary", msgspec.json.encode(event))
    assert outcome == Accepted(1, event)


def test_the_tenant_is_the_one_who_imports() -> None:
    event = AccessEvent("1", "another", 10**18, "ann", "read", "database", "db/x")
    (outcome,) = outcomes("ostiary", msgspec.json.encode(event))
    assert isinstance(outcome, Accepted)
    assert outcome.event.tenant == "default"
