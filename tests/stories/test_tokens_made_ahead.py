"""Attack: a token, or a refusal, gets out before what was decided is on disk.

Tokens are signed and recorded while the decisions' records are on their way to the disk. Whatever comes of these,
nobody hears of token or decision before them, and a token that is refused is never signed.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ostiary.errors import UnavailableError
from ostiary.pipeline.registered import Registered
from ostiary.server.faces.oauth import OauthFace
from ostiary.testing.exchange import ExchangeCaller
from ostiary.testing.exchange_scene import GITHUB, PUBLIC, sections

if TYPE_CHECKING:
    from ostiary.decision.parts import Decided

LONG_S = 30.0
A_WHILE_S = 0.2
NUMBERS = count()  # of the module: an identifier that two tests share would be a replay


class Scene:
    """A server whose decisions' records stay away from the disk until the test says so."""

    def __init__(self, server: Any) -> None:
        self.server, self.house, self.client = server, server.house, server.client
        self.kinds: list[str] = []
        self.held: list[Future[Any]] = []
        self.signed = 0
        self.told: list[Decided] = []

    def exchange(self, **detail: Any) -> httpx.Response:
        stage = ExchangeCaller(self.house.clock, PUBLIC)
        token = GITHUB.token(time.time_ns(), jti=f"ahead-{next(NUMBERS)}")  # noqa: TID251 - the server's clock
        response: httpx.Response = self.client.post(**stage.request(token, stage.detail(**detail)))
        return response

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LONG_S
        while not true() and time.monotonic() < deadline:
            time.sleep(0.005)
        assert true()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = start_server(**sections(tmp_path_factory.mktemp("keys")))
    server.house.registry.put("default", Registered(type="dataset", id="sales"), 1)
    return server


@pytest.fixture
def scene(server: Any, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(server)
    genuine, log = server.house.log.append, type(server.house.log)
    exchanger = next(face for face in server.assembly.faces if isinstance(face, OauthFace)).exchanger
    mint = exchanger._mint

    def append(_log: Any, tenant: str, kind: str, *rest: Any) -> Any:
        written = genuine(tenant, kind, *rest)
        if tenant == "default":
            scene.kinds.append(kind)
        if (tenant, kind) != ("default", "decision"):
            return written
        written.result(LONG_S)
        scene.held.append(Future())
        return scene.held[-1]

    def counted(*given: Any) -> Any:
        scene.signed += 1
        return mint(*given)

    monkeypatch.setattr(log, "append", append)
    monkeypatch.setattr(exchanger, "_mint", counted)
    monkeypatch.setattr(server.assembly.telemetry, "_listeners", [scene.told.append])
    return scene


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_a_token_waits_for_the_decision_s_record(scene: Scene, beside: ThreadPoolExecutor) -> None:
    answer = beside.submit(scene.exchange)
    scene.until(lambda: "token" in scene.kinds)  # signed, and its own record is written
    time.sleep(A_WHILE_S)
    assert not answer.done()
    assert not scene.told
    scene.held[0].set_result(0)
    assert answer.result(LONG_S).json()["access_token"]
    scene.until(lambda: len(scene.told) == 1)


def test_no_token_where_the_decision_s_record_fails(scene: Scene, beside: ThreadPoolExecutor) -> None:
    answer = beside.submit(scene.exchange)
    scene.until(lambda: "token" in scene.kinds)
    scene.held[0].set_exception(UnavailableError("disk_full", "no space is left"))
    response = answer.result(LONG_S)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "access_token" not in response.text
    time.sleep(A_WHILE_S)
    assert not scene.told, "nobody learns from a decision that has no record"


def test_a_refusal_waits_for_its_record_and_signs_nothing(scene: Scene, beside: ThreadPoolExecutor) -> None:
    answer = beside.submit(scene.exchange, purpose="advertising")
    scene.until(lambda: bool(scene.held))
    time.sleep(A_WHILE_S)
    assert not answer.done()
    scene.held[0].set_result(0)
    assert answer.result(LONG_S).status_code == 400
    assert (scene.signed, scene.kinds) == (0, ["decision"])
    scene.until(lambda: len(scene.told) == 1)


def test_one_refusal_of_several_signs_nothing_and_all_are_told(scene: Scene, beside: ThreadPoolExecutor) -> None:
    answer = beside.submit(scene.exchange, actions=["dataset.read", "dataset.erase"])
    scene.until(lambda: len(scene.held) == 2)
    for one in scene.held:
        one.set_result(0)
    assert answer.result(LONG_S).status_code == 400
    assert scene.signed == 0
    scene.until(lambda: len(scene.told) == 2)
    assert {one.record.outcome.effect.name for one in scene.told} == {"ALLOW", "DENY"}


def test_one_lost_record_of_several_is_no_token(scene: Scene, beside: ThreadPoolExecutor) -> None:
    answer = beside.submit(scene.exchange, actions=["dataset.read", "dataset.list"])
    scene.until(lambda: "token" in scene.kinds)
    scene.held[0].set_result(0)
    scene.held[1].set_exception(UnavailableError("disk_full", "no space is left"))
    assert answer.result(LONG_S).status_code == 503
    scene.until(lambda: len(scene.told) == 1)


def test_a_token_that_cannot_be_made_leaves_its_decision_told(
    scene: Scene, beside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.server.tokens.exchanger.LONGEST_TOKEN", 10)
    answer = beside.submit(scene.exchange)
    scene.until(lambda: bool(scene.held))
    time.sleep(A_WHILE_S)
    assert not answer.done()
    scene.held[0].set_result(0)
    response = answer.result(LONG_S)
    assert (response.status_code, response.json()["code"]) == (400, "issued_token_too_large")
    assert scene.kinds == ["decision"]
    scene.until(lambda: len(scene.told) == 1)
