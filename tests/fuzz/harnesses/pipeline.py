"""What the ML pipeline's doors read: rows, schemas, endpoints, feature specs, filters, plans, manifests, hellos."""

import json
from collections.abc import Callable
from typing import Any, Final

import msgspec
from tests.fuzz.harness import Harness
from tests.fuzz.harness import code_of as _named

from ostiary.errors import OstiaryError
from ostiary.pipeline.commits.signed import CommitObject
from ostiary.pipeline.datasets.names import check_name, check_prefix
from ostiary.pipeline.datasets.ranges import read_range
from ostiary.pipeline.datasets.spec import read_spec as read_dataset
from ostiary.pipeline.datasets.statement import parse_manifest
from ostiary.pipeline.datasets.uploads import read_digest
from ostiary.pipeline.features.masks import read_mask
from ostiary.pipeline.features.predicates import read_rows
from ostiary.pipeline.features.spec import read_spec as read_features
from ostiary.pipeline.inference.endpoint import read_spec as read_endpoint
from ostiary.pipeline.inference.outputs import read_predictions
from ostiary.pipeline.inference.rows import check_request
from ostiary.pipeline.inference.schema import read_schema
from ostiary.pipeline.kubernetes.plan import read_plan
from ostiary.pipeline.kubernetes.pods import faults_of
from ostiary.pipeline.kubernetes.review import read_review
from ostiary.pipeline.registry.people import read_people
from ostiary.pipeline.registry.sealed import parse_envelope
from ostiary.pipeline.training.connect import read_connect
from ostiary.pipeline.training.egress import parse_target, read_rules
from ostiary.pipeline.training.hello import parse_client_hello
from ostiary.pipeline.training.standing import read_config
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.feature_tables import read_table
from ostiary.server.retrieval.specs import read_spec as read_index

LIMITS: Final = BodyLimits()
SCHEMA: Final = {
    "columns": [
        {"name": "amount", "type": "number", "min": 0, "max": 1000},
        {"name": "channel", "type": "category", "values": ["app", "web"]},
    ],
    "max_rows": 8,
    "near": 0.002,
}
READ: Final = read_schema(SCHEMA)
_SPECS: Final[dict[str, Callable[[Any], object]]] = {
    "dataset": read_dataset,
    "endpoint": read_endpoint,
    "features": read_features,
    "index": read_index,
    "mask": read_mask,
    "plan": read_plan,
    "rows": read_rows,
    "rules": read_rules,
    "schema": read_schema,
}


def specs(data: bytes) -> object:
    """Every kind of description that an administrator or policy writes; the refusals of others say nothing."""
    told = parse_object(data, LIMITS)
    found: list[str] = []
    for kind, read in _SPECS.items():
        if kind in told:
            try:
                read(told[kind])
                found.append(kind)
            except OstiaryError as fault:
                found.append(_named(fault))
    return frozenset(found)


def rows(data: bytes) -> object:
    return check_request(READ, parse_object(data, LIMITS))


def predictions(data: bytes) -> object:
    return read_predictions(data, 2)


def review(data: bytes) -> object:
    """A pod is judged too, as it came: the API server tells what people wrote."""
    told = parse_object(data, LIMITS)
    pod = told.get("request", {}).get("object", {}) if isinstance(told.get("request"), dict) else {}
    metadata, spec = (pod.get("metadata"), pod.get("spec")) if isinstance(pod, dict) else (None, None)
    judged = faults_of(metadata, spec, (), frozenset()) if isinstance(metadata, dict) and isinstance(spec, dict) else ()
    faults = [one for one, _ in judged]
    return read_review(told), frozenset(faults)


def papers(data: bytes) -> object:
    if data[:1] == b"p":
        return read_people("people.json", data[1:])
    return parse_envelope(data) if b"payloadType" in data else parse_manifest(data)


def names(data: bytes) -> object:
    """The first byte chooses whose name it is."""
    kind, text = data[:1], data[1:].decode("latin-1")
    if kind == b"r":
        return read_range(text, 1_000)
    if kind == b"d":
        return read_digest(text)
    if kind == b"t":
        return parse_target(text)
    return check_prefix(text) if text.endswith("/") else check_name(text)


def connections(data: bytes) -> object:
    if data.startswith(b"CONNECT"):
        return read_connect(data)
    return read_config(data) if data[:1] == b"{" else parse_client_hello(data)


def commit(data: bytes) -> object:
    return CommitObject.parse(data)


def table(data: bytes) -> object:
    return read_table(msgspec.json.decode(data, type=list[dict[str, Any]])) if data[:1] == b"[" else read_table(data)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _hello() -> bytes:
    name = b"\x00\x00\x00\x0e\x00\x0c\x00\x00\x09a.example"
    return b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00" + len(name).to_bytes(2, "big") + name


def _arrow() -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    sink = pa.BufferOutputStream()
    made = pa.table({"a": [1, 2], "b": ["x", None]})
    with pa.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made)
    return bytes(sink.getvalue())


_FEATURES = {
    "entities": ["user_id"],
    "event_time": "at",
    "columns": [{"name": "user_id", "type": "int64", "tags": ["x"]}, {"name": "at", "type": "timestamp"}],
    "offline": {"kind": "parquet"},
}
_ALL = {
    "dataset": {"store": "file:///lake", "prefix": "a/b"},
    "endpoint": {
        "schema": SCHEMA,
        "url": "https://m.example/",
        "model": "sha256:" + "a" * 64,
        "output": {"classes": ["a", "b"], "threshold": 0.5},
    },
    "features": _FEATURES,
    "index": {"sources": [{"kind": "feed", "name": "a", "path": "/x"}], "store": "lance"},
    "mask": {"kind": "hash"},
    "plan": {"image": "a@sha256:" + "a" * 64, "command": ["python"], "namespace": "n"},
    "rows": {"all": [{"column": "a", "op": "in", "value": [1, 2]}]},
    "rules": [{"host": "a.example", "port": 443}],
    "schema": SCHEMA,
}  # fmt: skip
_POD = {
    "metadata": {"name": "a", "namespace": "n"},
    "spec": {"containers": [{"name": "c", "image": "a", "securityContext": {"seccompProfile": {"type": "Localhost"}}}]},
}
_REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "u",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": "n",
        "name": "a",
        "userInfo": {"username": "ann", "groups": ["g"]},
        "object": _POD,
    },
}
_COMMIT = (
    b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b.c> 1777777777 +0200\ncommitter A <a@b.c> 1 +0000\n"
    b"gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n\nmessage\n"
)
_MANIFEST = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}]}
_ENVELOPE = {
    "payloadType": "application/vnd.in-toto+json",
    "payload": "e30=",
    "signatures": [{"keyid": "k", "sig": "AA=="}],
}
_CONFIG = {"run": "r", "tenant": "t", "listen": "127.0.0.1:1", "rules": [{"host": "a.example", "port": 443}]}

HARNESSES: Final = (
    Harness("pipeline_specs", specs, (_json(_ALL),)),
    Harness("inference_rows", rows, (_json({"instances": [{"amount": 12.5, "channel": "app"}]}),)),
    Harness("inference_answer", predictions, (b'{"predictions": [0.5, [0.1, 0.9]]}', b'{"predictions": [1, 2]}')),
    Harness("admission_review", review, (_json(_REVIEW),)),
    Harness(
        "pipeline_papers", papers, (_json(_MANIFEST), _json(_ENVELOPE), b'p{"people": [{"name": "a", "keys": ["x"]}]}')
    ),
    Harness(
        "pipeline_names", names, (b"rbytes=0-99", b"dsha-256=:AAAA:", b"ta.example:443", b"na/b.parquet", b"na/b/")
    ),
    Harness(
        "connections",
        connections,
        (b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", _hello(), _json(_CONFIG)),
    ),
    Harness("signed_commit", commit, (_COMMIT,)),
    Harness(
        "feature_table",
        table,
        (_arrow(), b'[{"a": 1, "b": "x"}]'),
        (OstiaryError, msgspec.MsgspecError, UnicodeDecodeError),
    ),
)
