"""Whose access ends while the model thinks: by the subject, or by the session that a token was exchanged in."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.stories.inference_scene import PUBLIC, ROW, Person, Scene, open_scene

from ostiary.identity.exchange.details import AccessDetail


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    for scene in open_scene(tmp_path_factory.mktemp("revoked") / "data"):
        scene.register("fraud")
        yield scene


def ends_meanwhile(scene: Scene, end: Callable[[int], Any], ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Return the answer to a question during which ``end`` happens."""
    honest = scene.model.predict

    def ending(rows: Any) -> Any:
        end(scene.clock.now_ns())
        return honest(rows)

    scene.model.predict = ending
    try:
        return ask()
    finally:
        scene.model.predict = honest


def refused(scene: Scene, answer: httpx.Response, why: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, why)
    assert scene.inferences()[-1][1].outcome == why


def test_a_revoked_subject_without_a_session_gets_no_answer(scene: Scene) -> None:
    eve, ledger = Person(scene, "eve"), scene.house.ledger
    token = eve.token(sid=None)
    assert eve.ask(token=token).status_code == 200
    answer = ends_meanwhile(
        scene,
        lambda now_ns: ledger.revoke_subject("default", "user:eve", at_ns=now_ns, reason="compromised"),
        lambda: eve.ask(token=token),
    )
    refused(scene, answer, "subject_revoked")


def test_who_exchanged_a_token_in_a_session_that_ends_gets_no_answer(scene: Scene) -> None:
    caller = scene.service()
    detail = AccessDetail("ostiary_endpoint", "fraud", ("endpoint.predict",))
    path, ledger = scene.path(), scene.house.ledger
    origin = {"iss": "https://idp", "sub_type": "service", "sub": "scorer", "sid": "s-origin", "claims": {}}
    token = caller.token(detail, origin=origin)

    def ask() -> httpx.Response:
        return scene.post(path, {"instances": [ROW]}, caller.headers("POST", PUBLIC + path, token))

    assert ask().status_code == 200
    answer = ends_meanwhile(
        scene, lambda now_ns: ledger.terminate("default", "s-origin", at_ns=now_ns, reason="signed_out"), ask
    )
    refused(scene, answer, "session_terminated")
