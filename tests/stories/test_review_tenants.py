"""An administrator of one tenant must not catch the enforcement points of another."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.identity.types import PresentedPep

CERTIFICATE = "ab" * 32
WORKLOAD = {"token_issuer": "https://idp.example", "token_subject": "gateway"}


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    server = start_server()
    for tenant in ("aaa-evil", "victim"):
        server.admin("POST", "/tenants", json={"tenant": tenant}).raise_for_status()
    return server


def add(server: Any, tenant: str, pep: str, **how: Any) -> Any:
    key = server.admin("POST", f"/tenants/{tenant}/admin-keys").json()["key"]
    return server.admin("POST", f"/tenants/{tenant}/peps", key=key, json={"pep_id": pep, **how})


@pytest.mark.parametrize("how", [{"certificates": [CERTIFICATE]}, WORKLOAD], ids=["certificate", "workload"])
def test_what_proves_one_tenants_enforcement_point_proves_no_other(server: Any, how: dict[str, Any]) -> None:
    kind = next(iter(how)).replace("_", "-")
    assert add(server, "victim", f"gateway-{kind}", **how).status_code == 201
    stolen = add(server, "aaa-evil", f"trap-{kind}", **how)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "pep_exists")
    found = server.house.store.peps
    kept = found.find_by_workload(*WORKLOAD.values()) if how is WORKLOAD else None
    if kept is None:
        told = PresentedPep(client_cert_sha256=CERTIFICATE)
        kept = server.house.authenticator.authenticate(told, server.house.clock.now_ns())
    assert (kept.tenant, kept.pep_id) == ("victim", f"gateway-{kind}")
