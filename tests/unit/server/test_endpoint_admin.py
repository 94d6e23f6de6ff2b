"""Administrators register endpoints over HTTP; nobody else does, and nobody sees another tenant's."""

from collections.abc import Callable
from typing import Any

import pytest

SCHEMA = {"columns": [{"name": "amount", "type": "number", "min": 0, "max": 1000}]}
BODY = {"spec": {"schema": SCHEMA, "url": "https://model.example/predict"}, "labels": ["high-value"], "sensitivity": 3}
PATH = "/tenants/default/endpoints"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server()


def test_register_show_change_remove(server: Any) -> None:
    assert server.admin("PUT", f"{PATH}/fraud", json=BODY).status_code == 200
    assert server.admin("PUT", f"{PATH}/fraud", json={**BODY, "sensitivity": 4}).json()["sensitivity"] == 4
    told = server.admin("GET", f"{PATH}/fraud").json()
    assert (told["id"], told["labels"]) == ("fraud", ["high-value"])
    assert [one["id"] for one in server.admin("GET", PATH).json()] == ["fraud"]
    budget = server.admin("GET", f"{PATH}/fraud/budget", params={"subject": "user:ada"}).json()
    assert (budget["tenant"]["taken"], budget["subject"]["subject"]) == (0, "user:ada")
    kinds = [b"endpoint.register" in (one.payload or b"") for one in server.house.log.iterate("default", "admin")]
    assert kinds.count(True) == 2
    assert server.admin("DELETE", f"{PATH}/fraud").status_code == 204
    assert server.admin("GET", f"{PATH}/fraud").json()["code"] == "endpoint_unknown"
    assert server.admin("DELETE", f"{PATH}/fraud").status_code == 404


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"spec": {"schema": SCHEMA, "url": "http://169.254.169.254/"}}, "address_refused"),
        ({"spec": {"schema": SCHEMA, "headers": {}}}, "endpoint_invalid"),
        ({"spec": {"schema": {"columns": []}}}, "schema_invalid"),
        ({"sensitivity": 9}, "request_invalid"),
        ({"type": "dataset"}, "request_invalid"),
    ],
)
def test_what_cannot_be_registered_is_not(server: Any, change: dict[str, Any], code: str) -> None:
    answer = server.admin("PUT", f"{PATH}/odd", json={**BODY, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert server.admin("GET", f"{PATH}/odd").status_code == 404


def test_only_administrators_of_the_tenant_register(server: Any) -> None:
    assert server.admin("PUT", f"{PATH}/fraud", json=BODY, key=server.pep_key).status_code == 401
    assert server.admin("POST", "/tenants", json={"tenant": "beta"}).status_code == 201
    key = server.house.admins.create("beta")
    answer = server.admin("PUT", f"{PATH}/fraud", json=BODY, key=key)
    assert (answer.status_code, answer.json()["code"]) == (404, "tenant_unknown")


def test_an_endpoint_that_cannot_be_recorded_is_not_registered(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ostiary.errors import UnavailableError  # noqa: PLC0415 - used here alone
    from ostiary.server.inference import registering  # noqa: PLC0415

    def full(*_: Any, **__: Any) -> str:
        raise UnavailableError("disk_full", "the disk is full")

    monkeypatch.setattr(registering, "record_deed", full)
    assert server.admin("PUT", f"{PATH}/late", json=BODY).status_code == 503
    monkeypatch.undo()
    assert server.admin("GET", f"{PATH}/late").status_code == 404
