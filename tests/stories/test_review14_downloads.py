"""Review 14: a long read ends when whoever reads is revoked, and what did not leave is told and not charged."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.testing.pipeline import PipelineCaller

PUBLIC = "http://pdp.example"
PATH = "/pipeline/default/datasets/sales/objects/big.bin"
BIG = b"0123456789abcdef" * (2 << 20)  # 32 MiB: more than sockets hold
GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if input.subject.identity.exchanged == true
decision := {"allow": allow}
"""
Revoke = Callable[[Any, str], object]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    lake = tmp_path_factory.mktemp("lake").resolve()
    (lake / "big.bin").write_bytes(BIG)
    server = start_server(guardrails=GUARDRAILS, server={"public_url": PUBLIC}, datasets={"roots": [str(lake)]})
    book = open_datasets(server.house).book
    book.register("default", book.prepared(Registered(type="dataset", id="sales", spec={"store": f"file://{lake}"})))
    return server


def told(server: Any, decision: str) -> dict[str, Any]:
    for _ in range(500):
        records = [json.loads(one.payload) for one in server.house.log.iterate("default", "dataset")]
        if found := [one for one in records if one.get("decision") == decision]:
            return dict(found[-1])
        time.sleep(0.01)
    raise AssertionError(decision)


def end_session(house: Any, who: str) -> None:
    house.ledger.terminate("default", f"s-{who}", at_ns=house.clock.now_ns(), reason="signed_out")


def revoke_subject(house: Any, who: str) -> None:
    house.ledger.revoke_subject("default", f"ci_job:{who}", at_ns=house.clock.now_ns(), reason="compromised")


@pytest.mark.parametrize(("who", "revoke"), [("ann", end_session), ("bob", revoke_subject)])
def test_a_long_read_ends_with_the_access(server: Any, who: str, revoke: Revoke) -> None:
    """The rest of 32 MiB left after the end, to whoever held the connection."""
    house, address = server.house, urlsplit(server.url)
    caller = PipelineCaller(house.ring, house.clock, PUBLIC, subject_id=who)
    token = caller.token(AccessDetail("ostiary_dataset", "sales", ("dataset.read",)), session_id=f"s-{who}")
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=20)
    connection.request("GET", PATH, headers=caller.headers("GET", PUBLIC + PATH, token))
    response = connection.getresponse()
    begun = len(response.read(1 << 20))
    revoke(house, who)
    time.sleep(0.25)
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.read()
    connection.close()
    record = told(server, str(response.headers["ostiary-decision"]))
    assert (record["outcome"], record["code"]) == ("broken_off", "session_terminated")
    assert begun + len(cut.value.partial) < len(BIG)
