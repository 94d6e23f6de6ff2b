"""A forger stands at the token endpoint with everything that he can make or steal. He gets no token, and no record."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.strict import b64url_decode, b64url_encode
from ostiary.testing.exchange import ExchangeCaller
from ostiary.testing.exchange_forgeries import FORGERIES, Forger, Make
from ostiary.testing.exchange_scene import GITHUB, PUBLIC, sections
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.pipeline import PipelineCaller


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    started = start_server(**sections(tmp_path_factory.mktemp("keys")))
    assert started.client.post(**Forger(stage(started)).ask()).status_code == 200  # so that we have a key of our own
    return started


def stage(server: Any) -> ExchangeCaller:
    return ExchangeCaller(server.house.clock, PUBLIC)


def records(server: Any) -> int:
    return sum(1 for kind in ("decision", "token") for _ in server.house.log.iterate("default", kind))


def test_there_are_enough_of_them() -> None:
    assert len(FORGERIES) >= 60


@pytest.mark.parametrize("forgery", [pytest.param(row, id=name) for name, row in FORGERIES.items()])
def test_no_forgery_gets_a_token(server: Any, forgery: tuple[Make, str]) -> None:
    make, code = forgery
    before = records(server)
    response = server.client.post(**make(Forger(stage(server))))
    told = response.json()
    # An issuer whose keys are fetched is not asked again at once for each made-up key id.
    assert (response.status_code, told["code"].replace("lookup_limited", "unknown")) == (400, code)
    assert "access_token" not in told
    assert records(server) == before


def test_the_genuine_ones_would_have_been_good(server: Any) -> None:
    forger = Forger(stage(server))
    assert server.client.post(**forger.ask()).status_code == 200


def test_a_token_of_another_tenant_is_nobodys_here(server: Any) -> None:
    other = PipelineCaller(server.house.ring, server.house.clock, PUBLIC, tenant="other")
    detail = AccessDetail("ostiary_dataset", "sales", ("dataset.read",))
    mine = ExchangeCaller(server.house.clock, PUBLIC, holder=other.holder)
    response = server.client.post(**mine.request(other.token(detail)))
    assert response.json()["code"] == "token_issuer_unknown"


def test_our_own_token_signed_by_somebody_else_is_none(server: Any) -> None:
    holder = FakeHolder()
    mine = ExchangeCaller(server.house.clock, PUBLIC, holder=holder)
    detail = AccessDetail("ostiary_dataset", "sales", ("dataset.read",), purpose="training", stage="train")
    token = PipelineCaller(server.house.ring, server.house.clock, PUBLIC, holder=holder).token(detail)
    head, payload, signature = token.split(".")
    wider = json.loads(_decoded(payload))
    wider["authorization_details"][0]["identifier"] = "payroll"
    grafted = ".".join((head, _encoded(json.dumps(wider)), signature))
    assert server.client.post(**mine.request(grafted)).json()["code"] == "token_signature_invalid"
    assert server.client.post(**mine.request(token)).status_code == 200


def test_a_replayed_job_token_is_refused_with_another_key_and_later_too(server: Any) -> None:
    job = GITHUB.token(time.time_ns(), jti="replayed-1")  # noqa: TID251 - the server's own clock judges it
    assert server.client.post(**stage(server).request(job)).status_code == 200
    for _ in range(3):
        response = server.client.post(**stage(server).request(job))
        assert response.json()["code"] == "workload_replayed"
    again = GITHUB.token(time.time_ns(), jti="replayed-1", extra="signed anew")  # noqa: TID251 - as above
    assert server.client.post(**stage(server).request(again)).json()["code"] == "workload_replayed"


def test_refusals_are_counted_in_the_signed_log(server: Any) -> None:
    def kept() -> int:
        return sum(1 for one in server.house.log.iterate("system") if one.kind in {"decision", "refusals"})

    before = kept()
    for number in range(40):
        server.client.post(**stage(server).request(f"{number}.b.c"))
    server.assembly.refusals.flush()
    until = time.monotonic() + 5
    while kept() == before and time.monotonic() < until:  # the log's writer has its own pace
        time.sleep(0.02)
    assert kept() > before


def _decoded(part: str) -> bytes:
    return b64url_decode(part.encode()) or b""


def _encoded(text: str) -> str:
    return b64url_encode(text.encode()).decode()
