"""A tenant is deleted while its sessions live: nobody's name comes back to the disk with the next turn."""

from collections.abc import Callable
from typing import Any

from ostiary.sessions import Asked


def test_no_session_of_a_deleted_tenant_is_remembered_or_written_again(start_server: Callable[..., Any]) -> None:
    server = start_server()
    ledger, now_ns = server.house.ledger, server.house.clock.now_ns()
    assert server.admin("POST", "/tenants", json={"tenant": "beta"}).status_code == 201
    ledger.touch(Asked("beta", ("s1",), "user:ann", now_ns))
    ledger.demand_step_up("beta", "s1", at_ns=now_ns, reason="risk")
    ledger.touch(Asked("beta", ("s1",), "user:ann", now_ns + 1))
    assert server.admin("DELETE", "/tenants/beta").status_code == 200
    ledger.flush()
    assert ledger.of_tenant("beta") == []
    assert [one.tenant for one in server.house.store.sessions.news(0).living if one.tenant == "beta"] == []
