"""Bodies that nobody wrote by hand: each is a plain 2xx or 4xx with one record, nothing breaks, nothing grows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.testing.served import Served

NAMES = st.sampled_from(
    ["subject", "action", "resource", "context", "evaluations", "options", "page", "id", "type", "name", "properties",
     "subject_token", "dpop_proof", "ip", "device", "session_id", "limit", "token",
     "evaluations_semantic", "tz_offset_min"]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["alice", "user", "doc", "1", "read", "step-up", "::1", "execute_all"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
WELL_FORMED = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "doc", "id": "1"},
}
BODIES = st.one_of(
    st.dictionaries(NAMES, VALUES, max_size=6).map(lambda body: json.dumps(body).encode()),
    st.dictionaries(NAMES, VALUES, max_size=4).map(lambda body: json.dumps({**WELL_FORMED, **body}).encode()),
    st.dictionaries(NAMES, VALUES, max_size=4).map(lambda c: json.dumps({**WELL_FORMED, "context": c}).encode()),
    st.binary(max_size=200),
    st.text(alphabet='{}[]",:\\u0d8ntf1e.-', max_size=120).map(str.encode),
)
PATHS = st.sampled_from(["evaluation", "evaluations", "search/subject", "search/resource", "search/action"])
EXAMPLES = settings(
    max_examples=tries(100, 250),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@pytest.fixture(scope="module")
def faults() -> list[Any]:
    return []


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], faults: list[Any]) -> Any:
    return start_server(faults=faults)


def test_any_body_is_answered_calmly_and_recorded(server: Any, faults: list[Any]) -> None:
    @EXAMPLES
    @given(PATHS, BODIES)
    def check(path: str, body: bytes) -> None:
        before = server.house.log.head().size
        answer = server.post(path, body)
        assert answer.status_code in {200, 400, 413}, (answer.status_code, answer.text)
        assert "Traceback" not in answer.text
        told = answer.json()
        if answer.status_code == 200:
            assert isinstance(told, dict)
            expected = len(told["evaluations"]) if "evaluations" in told else 1
        else:
            assert isinstance(told, str)
            expected = 1
        assert server.house.log.head().size == before + expected

    check()
    assert faults == []


def test_memory_stays_where_it_is(tmp_path: Path) -> None:
    """In a process of its own: this one's size depends on what other tests left in it."""

    def send(count: int) -> int:
        for index in range(count):
            for body in (b'{"a":' * (index % 40) + b"1", json.dumps({**WELL_FORMED, "context": {"x": "y" * 5000}})):
                client.post(f"{server.url}/access/v1/evaluation", content=body)
        return resident_kib(server.worker)

    with Served(tmp_path / "data") as server, httpx.Client(trust_env=False) as client:
        client.headers.update({"Authorization": f"Bearer {server.pep_key}", "Content-Type": "application/json"})
        first = send(300)
        assert send(600) - first < 30_000  # caches fill by a third of that and then stay; leaked bodies would not


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("no /proc here: a process cannot be asked for its size")
    return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmRSS:")))
