"""What streams say to each kind of receiver, and what a hostile one gets out of it: nothing."""

import asyncio
import gzip
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import validate  # type: ignore[import-untyped] # as above
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from ostiary.audit.pending import StoredRecord
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.response.sinks.webhook import signature
from ostiary.response.ssf.addresses import AddressRules
from ostiary.response.ssf.sending import Sender
from ostiary.response.streams.checking import StreamCheck
from ostiary.response.streams.content import CONTENTS, UNREADABLE, told_of
from ostiary.response.streams.event import StreamEvent
from ostiary.response.streams.jsonl import NEWEST, JsonlReceiver
from ostiary.response.streams.kafka import KafkaReceiver, KafkaSettings, real_producer
from ostiary.response.streams.opa import OpaLogReceiver
from ostiary.response.streams.otlp import OtlpReceiver, logs_request
from ostiary.response.streams.webhook import WebhookReceiver
from ostiary.server.settings.export import StreamSection
from ostiary.testing.fake_kafka import FakeKafka

NS = 1_790_000_000 * 10**9
EVIL = "Mozilla\r\nX: y\u2028\u202e\x1b[2J\x00"


def event(number: int = 2, **data: Any) -> StreamEvent:
    return StreamEvent(f"dec_{number}", "urn:ostiary:log:acme:soc:1", number, "dev.ostiary.decision.v1", NS, data)


class Server(HTTPServer):
    status = 200
    body_out = b""
    headers_out: dict[str, str] = {}  # noqa: RUF012 - replaced whole by a test
    seen: list[tuple[str, dict[str, str], bytes]]


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        for name, value in self.server.headers_out.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(self.server.body_out)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Be quiet."""


@pytest.fixture
def hook() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Answer)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/v1/logs"


def sender(**more: Any) -> Sender:
    return Sender(AddressRules(loopback_http=True), timeout_s=2, **more)


def test_a_webhook_gets_signed_cloud_events_in_order(hook: Server) -> None:
    WebhookReceiver(url(hook), b"the shared secret", sender()).deliver([event(2), event(3)], NS)
    assert [json.loads(body)["sequence"] for _, _, body in hook.seen] == ["2", "3"]
    _, headers, body = hook.seen[0]
    wanted = signature(b"the shared secret", headers["webhook-id"], headers["webhook-timestamp"], body)
    assert headers["webhook-signature"] == wanted
    assert headers["webhook-id"] == "urn:ostiary:log:acme:soc:1:dec_2"
    assert json.loads(body)["specversion"] == "1.0"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "event_refused"), (413, "event_refused"), (401, "receiver_busy"), (404, "receiver_busy"),
     (302, "receiver_busy"), (429, "receiver_busy"), (503, "receiver_busy")],
)  # fmt: skip
def test_only_what_is_about_the_event_kills_it(hook: Server, status: int, code: str) -> None:
    hook.status, hook.headers_out = status, {"location": "http://169.254.169.254/"}
    with pytest.raises(OstiaryError) as no:
        WebhookReceiver(url(hook), b"the shared secret", sender()).deliver([event()], NS)
    assert no.value.code == code
    assert len(hook.seen) == 1, "no redirect is followed"


def test_an_answer_without_end_is_cut_and_tried_again(hook: Server) -> None:
    hook.body_out = b"x" * 3_000_000
    with pytest.raises(UnavailableError):
        OtlpReceiver(url(hook), {}, sender()).deliver([event()], NS)


@pytest.mark.parametrize(
    ("name", "found"),
    [("https://hook.test/", "10.0.0.1"), ("https://hook.test/", "169.254.169.254"), ("https://hook.test/", "::1"),
     ("https://hook.test/", "::ffff:127.0.0.1"), ("https://hook.test/", "64:ff9b::7f00:1")],
)  # fmt: skip
def test_a_name_that_leads_into_the_house_is_not_followed(name: str, found: str) -> None:
    inside = Sender(AddressRules(), resolve=lambda _host, _port: [found])
    with pytest.raises(RefusedError) as no:
        WebhookReceiver(name, b"the shared secret", inside).deliver([event()], NS)
    assert no.value.code == "address_refused"


def test_a_collector_understands_our_logs(hook: Server) -> None:
    OtlpReceiver(url(hook), {"authorization": "Bearer x"}, sender()).deliver([event(severity_id=3, text=EVIL)], NS)
    ((path, headers, body),) = hook.seen
    assert (path, headers["authorization"]) == ("/v1/logs", "Bearer x")
    told = json_format.Parse(body, ExportLogsServiceRequest())
    (record,) = told.resource_logs[0].scope_logs[0].log_records
    assert (record.time_unix_nano, record.severity_text) == (NS, "WARN")
    assert json.loads(record.body.string_value)["data"]["text"] == EVIL
    assert {one.key: one.value for one in record.attributes}["ostiary.sequence"].int_value == 2
    assert logs_request([], NS)["resourceLogs"]


def test_a_collector_that_rejects_some_refuses_and_one_that_babbles_is_tried_again(hook: Server) -> None:
    hook.body_out = b'{"partialSuccess":{"rejectedLogRecords":"1"}}'
    with pytest.raises(RefusedError):
        OtlpReceiver(url(hook), {}, sender()).deliver([event()], NS)
    hook.body_out = b"<html>"
    with pytest.raises(UnavailableError):
        OtlpReceiver(url(hook), {}, sender()).deliver([event()], NS)


def test_a_collector_of_opa_decision_logs_gets_gzip_arrays(hook: Server) -> None:
    OpaLogReceiver(url(hook), {}, sender(), "1.0").deliver([event(1), event(2)], NS)
    ((_, headers, body),) = hook.seen
    assert headers["content-encoding"] == "gzip"
    first, second = json.loads(gzip.decompress(body))
    assert (first["decision_id"], second["labels"]["sequence"]) == ("dec_1", "2")
    assert first["timestamp"] == "2026-09-21T14:13:20.000000000Z"


def test_kafka_gets_every_event_under_its_source_by_an_idempotent_producer() -> None:
    kafka = FakeKafka()
    settings = KafkaSettings(servers=("broker.test:9093",), topic="ostiary", user="u")
    KafkaReceiver(settings, "a password", kafka.producer).deliver([event(2), event(3)], NS)
    assert [(topic, key) for topic, key, _ in kafka.messages] == [("ostiary", b"urn:ostiary:log:acme:soc:1")] * 2
    assert (kafka.options["acks"], kafka.options["enable_idempotence"]) == ("all", True)
    assert kafka.options["security_protocol"] == "SASL_SSL"
    assert kafka.options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert kafka.options["ssl_context"].check_hostname
    assert "a password" not in repr(settings)


def test_kafka_away_is_tried_again_and_what_is_too_large_is_not() -> None:
    kafka = FakeKafka(max_bytes=300)
    receiver = KafkaReceiver(KafkaSettings(servers=("b:1",), topic="t"), "", kafka.producer)
    with pytest.raises(RefusedError):
        receiver.deliver([event(text="x" * 500)], NS)
    kafka.breaks_after = 0
    with pytest.raises(UnavailableError):
        receiver.deliver([event()], NS)
    kafka.down = True
    with pytest.raises(UnavailableError):
        receiver.deliver([event()], NS)


def test_the_real_producer_takes_our_options() -> None:
    async def make() -> None:
        options = KafkaSettings(servers=("127.0.0.1:9",), topic="t").options("")
        await real_producer(options).stop()

    asyncio.run(make())


def test_files_are_whole_rotated_and_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    receiver = JsonlReceiver(folder, max_bytes=1_000, keep=3)
    receiver.deliver([event(1)], NS)
    newest = folder / NEWEST
    assert newest.stat().st_mode & 0o777 == 0o600
    with newest.open("ab") as file:
        file.write(b'{"specversion":"1.0","cut')  # a crash
    for number in range(2, 30):
        receiver.deliver([event(number, text=EVIL)], NS)
    check = StreamCheck()
    names = [f"{NEWEST}.{number}" for number in (3, 2, 1)] + [NEWEST]
    check.take_lines(line for name in names for line in (folder / name).read_bytes().splitlines())
    (report,) = check.report()
    assert report.last == 29
    assert report.contradicted == ()
    assert all(first == 1 for first, _ in report.missing), "what is gone is what rotation removed"
    assert len(list(folder.iterdir())) == 4


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / NEWEST).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnavailableError):
        JsonlReceiver(tmp_path, 1_000, 1).deliver([event()], NS)
    assert not (tmp_path / "elsewhere").exists()


SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
CLASSES = {2004: "detection_finding", 3004: "entity_management"}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("admin", {"action": "pep.add", "by": "key-1"}),
        ("approval", {"entries": []}),
        ("inspection", {"outcome": "blocked", "findings": [{"rule": "x"}]}),
        ("sigma", {"title": "Many denials", "level": "high", "attack": ["T1110"]}),
    ],
)
def test_events_are_ocsf(kind: str, told: dict[str, Any]) -> None:
    _, data = told_of(StoredRecord(0, "acme", kind, "rec_1", NS, json.dumps(told).encode(), b""))
    schema = SCHEMA.get_class_schema(CLASSES[data["class_uid"]])
    validate(data, schema)


@given(st.sampled_from(sorted(set().union(*CONTENTS.values()))), st.binary(max_size=60) | st.just(b'{"attack":1}'))
def test_every_record_is_an_event_whatever_it_holds(kind: str, payload: bytes) -> None:
    name, data = told_of(StoredRecord(0, "acme", kind, "rec_1", 0, payload, b""))
    assert name.startswith("dev.ostiary.")
    assert data["uid" if name == UNREADABLE else "metadata"]


LINES = st.lists(st.binary(max_size=40) | st.sampled_from([b'{"source":"a","id":"b","sequence":"1"}', b"{}", b"[]"]))


@given(LINES)
def test_the_check_reads_anything_or_says_which_line_is_wrong(lines: list[bytes]) -> None:
    try:
        StreamCheck().take_lines(lines)
    except FaultyInputError as no:
        assert no.code == "stream_event_malformed"  # noqa: PT017 - some are whole
        assert int(no.pointer) <= len(lines)  # noqa: PT017 - as above


@given(st.permutations(range(1, 12)), st.sets(st.integers(1, 11)), st.integers(0, 4))
def test_the_check_finds_exactly_what_is_missing(order: list[int], lost: set[int], again: int) -> None:
    check = StreamCheck()
    kept = [number for number in order if number not in lost]
    for number in [*kept, *kept[:again]]:
        check.take({"source": "s", "id": f"e{number}", "sequence": str(number)})
    missing = {n for report in check.report() for first, last in report.missing for n in range(first, last + 1)}
    assert missing == {number for number in lost if number < max(kept, default=0)}
    assert sum(report.repeated for report in check.report()) == len(kept[:again])


def test_two_events_of_one_number_contradict_each_other() -> None:
    check = StreamCheck()
    for name in ("a", "b"):
        check.take({"source": "s", "id": name, "sequence": "1"})
    assert check.report()[0].contradicted == (1,)
    assert not check.whole


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "webhook", "url": "https://x.test"},
        {"kind": "kafka", "topic": "t"},
        {"kind": "opa", "url": "https://x.test/logs"},
        {"kind": "jsonl"},
        {"kind": "carrier-pigeon"},
    ],
)
def test_a_stream_needs_what_its_kind_needs(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"stream|kind|contents"):
        StreamSection(name="soc", **told)
