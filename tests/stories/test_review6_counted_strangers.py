"""Whoever comes to the inference door under names that nobody has leaves nothing behind in memory."""

from collections.abc import Iterator

import pytest
from tests.stories.inference_scene import Scene, open_scene

from ostiary.server.faces.inference import InferenceFace


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    yield from open_scene(tmp_path_factory.mktemp("strangers") / "data")


def test_made_up_tenants_are_not_remembered(scene: Scene) -> None:
    door = next(one for one in scene.server.assembly.faces if isinstance(one, InferenceFace))
    for number in range(20):
        answer = scene.server.client.post(f"/pipeline/tenant{number}/inference/fraud/predict", json={"instances": []})
        assert answer.status_code == 401
    assert len(door._working) == 0
