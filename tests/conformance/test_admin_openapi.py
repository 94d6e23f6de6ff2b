"""The administrators' API keeps what its OpenAPI promises: schemathesis calls every operation with odd values."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.thoroughness import tries

QUICK = settings(
    max_examples=tries(6, 20),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server()


def broken_promises(operation: Any, url: str, headers: dict[str, str]) -> list[str]:
    @QUICK
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        case.call_and_validate(base_url=url, headers=headers, checks=CHECKS, timeout=60)

    try:
        check()
    except FailureGroup as group:
        return [str(one)[:500] for one in group.exceptions]
    return []


@pytest.mark.slow
def test_every_operation_keeps_its_promise(server: Any) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/api/v1/openapi.json", timeout=60)
    headers = {"Authorization": f"Bearer {server.admin_key}"}
    operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 15
    broken = {one.label: faults for one in operations if (faults := broken_promises(one, server.url, headers))}
    assert broken == {}


def test_nothing_is_told_without_a_key(server: Any) -> None:
    paths = server.client.get("/api/v1/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            url = path.replace("{tenant}", "default").replace("{pep_id}", "pep-1")
            answer = server.client.request(method, url, json={} if method in {"post", "patch"} else None)
            assert (answer.status_code, answer.json()["code"]) == (401, "admin_unauthenticated"), (method, path)
