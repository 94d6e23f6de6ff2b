"""Logs of other products: every adapter and mapping, mappings that people write, archives that logs lie in."""

import gzip
import io
import json
from functools import partial
from typing import Any, Final

from tests.fuzz.harness import Harness

from ostiary.signals.anylog.mapping import load
from ostiary.signals.book import ProfileBook
from ostiary.signals.formats import formats
from ostiary.signals.importing import Accepted, EventCounts, Rejected, read
from ostiary.signals.network import read_address
from ostiary.signals.opening import unpacked
from ostiary.signals.profiles import Subject
from ostiary.signals.shelf import packed
from ostiary.signals.shelf import unpacked as profile
from ostiary.signals.snapshot import read_snapshot
from ostiary.vocabulary.events import AccessEvent

CHUNK: Final = 61
COMMON: Final[dict[str, Any]] = {
    "time": "2026-05-01T10:00:00Z",
    "eventTime": "2026-05-01T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "eventID": "e",
    "userIdentity": {"type": "IAMUser", "userName": "ann", "arn": "arn:aws:iam::1:user/ann"},
    "requestParameters": {"bucketName": "reports", "key": "a"},
    "sourceIPAddress": "203.0.113.7",
    "timestamp": 1_777_777_777,
    "actor": {"id": "ann", "type": "User", "alternateId": "ann@example.org", "user": {"name": "ann", "uid": "1"}},
    "user": {"username": "ann", "groups": ["dev"]},
    "verb": "get",
    "stage": "ResponseComplete",
    "requestReceivedTimestamp": "2026-05-01T10:00:00Z",
    "objectRef": {"resource": "pods", "namespace": "a", "name": "b"},
    "published": "2026-05-01T10:00:00.000Z",
    "eventType": "user.session.start",
    "outcome": {"result": "SUCCESS"},
    "client": {"ipAddress": "203.0.113.7", "userAgent": {"rawUserAgent": "x"}, "geographicalContext": {"country": "X"}},
    "createdDateTime": "2026-05-01T10:00:00Z",
    "userPrincipalName": "ann@example.org",
    "status": {"errorCode": 0},
    "location": {"countryOrRegion": "DE", "geoCoordinates": {"latitude": 48.1, "longitude": 11.5}},
    "class_uid": 6003,
    "metadata": {"uid": "e", "product": {"name": "x"}},
    "activity_id": 1,
    "action": "read",
    "id": "1",
    "@timestamp": 1_777_777_777_000,
    "resources": [{"name": "r", "type": "t", "uid": "u"}],
    "src_endpoint": {"ip": "203.0.113.7"},
}
MAPPING: Final = b"""mapping: rich
read: {as: json, empty: ["-"]}
skip:
  - any: [{column: a, is: [x, 1]}, {all: [{column: b, contains: c}, {not: {column: a, told: true}}]}]
event:
  event_id: "{a}-{b}"
  time: {first: [{column: t, format: unix_s, malformed: ignore}, {column: t, format: iso8601}]}
  subject_id: who
  action: what
  resource_type: {constant: table}
  resource_id: b
"""
TABLE: Final = b"""mapping: rows
read: {as: csv}
event:
  time: {column: t, format: "%Y-%m-%d %H:%M:%S"}
  subject_id: who
  action: {constant: read}
  resource_type: {constant: doc}
  resource_id: what
"""


def counted(name: str, data: bytes) -> object:
    """Import ``data`` in chunks: what was read is what was accepted and what was rejected, each with its code."""
    counts, codes = EventCounts(), set[str]()
    for one in read(name, [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)], "default"):
        counts.count(one)
        if isinstance(one, Accepted):  # which fields are told is what makes one event another kind than the next
            codes.update(name for name in one.event.__struct_fields__ if getattr(one.event, name))
        else:
            codes.add(one.code)
    assert counts.read == counts.accepted + counts.rejected
    return frozenset(codes)


def every_format(data: bytes) -> object:
    """The first byte chooses one of all formats."""
    names = list(formats())
    return counted(names[data[0] % len(names)], data[1:]) if data else None


def mapping(data: bytes) -> object:
    """Load what may be a mapping, and read three rows by it."""
    loaded = load(data, "fuzz")
    rows: list[Accepted | Rejected] = []
    for text in (b'{"a": "x", "b": [1], "t": "1777777777", "who": "ann", "what": "read"}\n', b"t,who,what\n1,ann,x\n"):
        rows += loaded.read([text], "default")
    return len(rows), all(isinstance(one, Accepted) for one in rows)


def rows_by_mapping(data: bytes) -> object:
    table = load(TABLE, "rows")
    return [isinstance(one, Accepted) for one in table.read([data], "default")]


def archive(data: bytes) -> object:
    return sum(map(len, unpacked(io.BytesIO(data))))


def stored(data: bytes) -> object:
    return read_snapshot(data, "default") if data[:1] != b"s" else profile(data[1:])


def address(data: bytes) -> object:
    return read_address(data.decode("latin-1"))


BOOK: Final = ProfileBook("default")
BOOK.learn(AccessEvent("1", "default", 10**18, "ann", "read", "database", "payments", ip="203.0.113.7", session_id="s"))
_ONE = json.dumps(COMMON).encode()
_SSHD = (
    b"2026-05-01T10:00:00.5+02:00 host sshd[12]: Accepted publickey for ann from 203.0.113.7 port 5 ssh2: ED25519 x\n"
)
_KNOWN = ("cloudtrail", "entra", "kubernetes_audit", "ocsf", "okta", "panther", "ostiary")

HARNESSES: Final = (
    *(Harness(f"log_{name}", partial(counted, name), (_ONE, b'{"Records": [' + _ONE + b"]}")) for name in _KNOWN),
    Harness("log_sshd", partial(counted, "sshd"), (_SSHD,)),
    Harness("log_every_format", every_format, tuple(bytes([at]) + _ONE for at in range(0, 250, 5))),
    Harness("log_mapping", mapping, (MAPPING, TABLE)),
    Harness("log_rows", rows_by_mapping, (b'"t","who","what"\n2026-05-01 10:00:00,ann,"a ""b"""\n',)),
    Harness("log_archive", archive, (gzip.compress(b"a" * 2_000, mtime=0), b"plain")),
    Harness("profiles", stored, (BOOK.snapshot(), b"s" + packed(Subject()))),
    Harness("network_address", address, (b"203.0.113.7", b"[::ffff:1.2.3.4]:80", b"fe80::1%eth0")),
)
