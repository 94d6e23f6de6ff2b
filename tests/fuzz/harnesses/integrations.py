"""What integrations read: Sigma rules, GitHub and Linux audit records, received streams, conditions as SQL."""

import json
from functools import partial
from typing import Any, Final

import msgspec
from tests.fuzz.harness import Harness

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.filter_sql import where
from ostiary.response.streams.checking import StreamCheck
from ostiary.signals.importing import read
from ostiary.signals.sigma.condition import ConditionFaultError, parse
from ostiary.signals.sigma.rule import read_rule

_EVENT: Final[dict[str, Any]] = {"action": "drop table", "ip": "10.1.2.3", "labels": ["a"], "count": 5, "mfa": None}


def sigma_rule(data: bytes) -> object:
    """Read a rule and ask it."""
    return read_rule("fuzz.yml", data).matches(_EVENT)


def sigma_condition(data: bytes) -> object:
    return parse(data.decode("latin-1"), ["a", "b", "_c"])


def received(data: bytes) -> object:
    check = StreamCheck()
    check.take_lines(data.splitlines())
    return check.report()


def sql(data: bytes) -> object:
    try:
        told = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return [where(told, dialect).sql for dialect in ("postgresql", "sqlite")]


def records(name: str, data: bytes) -> object:
    return [type(one).__name__ for one in read(name, [data], "default")]


_CLONE = {
    "@timestamp": 1714550400243,
    "action": "git.clone",
    "actor": "ann",
    "repo": "acme/engine",
    "actor_ip": "8.8.8.8",
}
_AUDIT = (
    b"type=USER_LOGIN msg=audit(1714550400.243:2): pid=8 auid=1000 ses=4 "
    b"msg='op=login acct=\"ann\" addr=9.9.9.9 res=success'"
)
_UCAST = {
    "type": "compound",
    "operator": "and",
    "value": [
        {"type": "field", "field": "document.level", "operator": "lte", "value": 2},
        {"type": "field", "field": "document.name", "operator": "in", "value": ["a", None]},
    ],
}
_ONE = (
    b'{"source": "urn:x", "id": "e1", "sequence": "1", "type": "dev.ostiary.stream.v1", '
    b'"data": {"previous_source": "urn:y", "previous_sequence": 3}}'
)

HARNESSES: Final = (
    Harness(
        "sigma_rule", sigma_rule, tuple(one.read_bytes() for one in sorted((policies_dir() / "sigma").glob("*.yml")))
    ),
    Harness("sigma_condition", sigma_condition, (b"a and not (1 of b* or all of them)",), (ConditionFaultError,)),
    Harness("stream_events", received, (_ONE, _ONE + b"\n" + _ONE.replace(b'"1"', b'"4"'))),
    Harness("filter_sql", sql, (json.dumps(_UCAST["value"][0]).encode(), json.dumps(_UCAST).encode(), b"{}", b"null")),
    Harness("log_auditd", partial(records, "auditd"), (_AUDIT,)),
    Harness("log_github", partial(records, "github"), (json.dumps(_CLONE).encode(),)),
)
