"""Somebody agrees to one text after another: the log, which keeps everything, does not grow at that pace."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.stories.behaviour_scene import Scene, scene_of


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    yield from scene_of(start_server, tmp_path_factory.mktemp("keys"))


def test_agreeing_again_and_again_is_limited_and_withdrawing_is_not(scene: Scene) -> None:
    page = scene.page("flo")
    answers = [page.ask("PUT", "consent", {"text": f"text-{number}"}) for number in range(40)]
    assert [one.status_code for one in answers[:5]] == [200] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert page.ask("PUT", "consent", {"text": page.ask("GET", "consent").json()["text"]}).status_code == 200
    assert page.ask("DELETE", "consent").status_code == 200
    assert page.ask("DELETE", "consent").status_code == 200
    assert scene.page("gil").agree().status_code == 200
