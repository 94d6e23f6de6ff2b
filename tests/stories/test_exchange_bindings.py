"""To what tokens are bound: a key, with or without nonces, or a client certificate; and the SDK on the other side."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ostiary.identity.strict import b64url_decode
from ostiary.pipeline.registered import Registered
from ostiary.server.chores import Chore
from ostiary.server.doors import Asked, Keeper, TurnedAway
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.testing.exchange import ExchangeCaller
from ostiary.testing.exchange_scene import GITHUB, PUBLIC, sections
from ostiary_sdk.pipeline import Access, ExchangedToken, TokenError

MINE, OTHERS = "11" * 32, "22" * 32


class Door:
    prefixes = ("/pipeline/",)

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def chores(self) -> list[Chore]:
        return []

    async def answer(self, request: Request) -> Reply:
        try:
            caller = await self._keeper.caller(request, request.path.split("/")[2])
            await self._keeper.ask(caller, Asked("dataset.read", "dataset", "sales"))
        except TurnedAway as no:
            return no.reply
        return json_reply(200, {"who": caller.identity.subject_id})


def open_door(server: Any) -> Any:
    desk = server.assembly._desk(server.house.settings.server, server.assembly.telemetry.metrics)
    app = server.assembly.app
    app.lead([("/pipeline", Door(desk.keeper("datasets"))), *app.faces])
    server.house.registry.put("default", Registered(type="dataset", id="sales"), 1)
    return server


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(b64url_decode(token.split(".")[1].encode()) or b"")
    return claims


def job(name: str) -> str:
    return GITHUB.token(time.time_ns(), jti=name)  # noqa: TID251 - the server's own clock judges it


# By certificate.


@pytest.fixture(scope="module")
def behind_proxy(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    proxy = {"trusted_proxies": ["127.0.0.0/8"], "client_cert_header": "x-forwarded-client-cert"}
    return open_door(start_server(**sections(tmp_path_factory.mktemp("keys"), server={"public_url": PUBLIC, **proxy})))


def with_certificate(server: Any, token: str, digest: str, *, dpop: bool = False) -> httpx.Response:
    stage = ExchangeCaller(server.house.clock, PUBLIC)
    asked = stage.request(token)
    if not dpop:
        del asked["headers"]["DPoP"]
    asked["headers"]["x-forwarded-client-cert"] = f"Hash={digest}"
    response: httpx.Response = server.client.post(**asked)
    return response


def read(server: Any, token: str, digest: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", **({"x-forwarded-client-cert": f"Hash={digest}"} if digest else {})}
    response: httpx.Response = server.client.get("/pipeline/default/datasets/sales/a", headers=headers)
    return response


def test_a_token_bound_to_a_certificate_needs_that_certificate(behind_proxy: Any) -> None:
    told = with_certificate(behind_proxy, job("mtls-1"), MINE).json()
    assert told["token_type"] == "Bearer"
    token = told["access_token"]
    assert list(claims_of(token)["cnf"]) == ["x5t#S256"]
    assert read(behind_proxy, token, MINE).json() == {"who": GITHUB.subject}
    assert read(behind_proxy, token, OTHERS).json()["code"] == "mtls_certificate_wrong"
    assert read(behind_proxy, token).json()["code"] == "mtls_certificate_missing"
    stolen = with_certificate(behind_proxy, token, OTHERS)
    assert (stolen.status_code, stolen.json()["code"]) == (400, "mtls_certificate_wrong")
    headers = {"x-forwarded-client-cert": f"Hash={OTHERS}"}
    no = behind_proxy.client.post("/oauth/default/revoke", data={"token": token}, headers=headers)
    assert (no.status_code, no.json()["code"]) == (400, "mtls_certificate_wrong")
    headers = {"x-forwarded-client-cert": f"Hash={MINE}"}
    assert behind_proxy.client.post("/oauth/default/revoke", data={"token": token}, headers=headers).status_code == 200
    assert read(behind_proxy, token, MINE).status_code == 403


def test_narrowing_by_a_key_keeps_the_certificate(behind_proxy: Any) -> None:
    token = with_certificate(behind_proxy, job("mtls-2"), MINE).json()["access_token"]
    both = with_certificate(behind_proxy, token, MINE, dpop=True).json()
    assert sorted(claims_of(both["access_token"])["cnf"]) == ["jkt", "x5t#S256"]
    assert both["token_type"] == "DPoP"
    key_alone = with_certificate(behind_proxy, job("mtls-3"), MINE, dpop=True).json()
    assert list(claims_of(key_alone["access_token"])["cnf"]) == ["jkt"]


def test_a_certificate_that_somebody_claims_by_himself_is_none(
    start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = start_server(**sections(tmp_path_factory.mktemp("keys")))
    response = with_certificate(server, job("mtls-4"), MINE)
    assert (response.status_code, response.json()["code"]) == (400, "holder_unproven")


# By key, with nonces, as the SDK does it.


@pytest.fixture(scope="module")
def served(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = sections(
        tmp_path_factory.mktemp("keys"),
        server={"public_url": f"http://127.0.0.1:{port}"},
        identity={"dpop_nonce_s": 60},
    )
    return open_door(start_server(on_port=port, **given))


def test_a_proof_without_a_nonce_is_told_which_to_use(served: Any) -> None:
    stage = ExchangeCaller(served.house.clock, served.url)
    first = served.client.post(**stage.request(job("nonce-1")))
    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    again = served.client.post(**stage.request(job("nonce-1"), proof=stage.proof(nonce=nonce)))
    assert again.status_code == 200
    invented = served.client.post(**stage.request(job("nonce-2"), proof=stage.proof(nonce="x" * 32)))
    assert invented.json()["error"] == "use_dpop_nonce"


def test_the_sdk_exchanges_reads_narrows_and_gives_back(served: Any) -> None:
    number = iter(range(100))
    access = Access("ostiary_dataset", "sales", ("dataset.read",), purpose="training", stage="train")
    tokens = ExchangedToken(served.url, "default", lambda: job(f"sdk-{next(number)}"), access)
    url = f"{served.url}/pipeline/default/datasets/sales/a?part=1"

    def get(held: ExchangedToken) -> int:
        answer = httpx.get(url, headers=held.headers("GET", url))
        if answer.status_code == 401 and held.heard(url, answer.headers):
            answer = httpx.get(url, headers=held.headers("GET", url))
        return answer.status_code

    assert get(tokens) == 200
    narrow = tokens.narrowed(Access("ostiary_dataset", "sales", ("dataset.read",)))
    assert get(narrow) == 200
    narrow.revoke()
    assert get(tokens) == 403  # they fall together
    tokens.drop()
    assert get(tokens) == 200
    wide = ExchangedToken(
        served.url,
        "default",
        lambda: job(f"sdk-{next(number)}"),
        Access("ostiary_dataset", "payroll", ("dataset.read",)),
    )
    with pytest.raises(TokenError) as denied:
        wide.headers("GET", url)
    assert denied.value.code == "access_denied"
    assert denied.value.decision_id.startswith("dec_")
