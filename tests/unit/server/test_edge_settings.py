import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from ostiary.server.settings.edge import EdgeRouteSection
from ostiary.server.settings.sections import Settings

GOOD: dict[str, Any] = {
    "name": "r", "methods": ["GET"], "path": "/a/{id}", "action": "read", "resource_type": "doc", "resource_id": "{id}",
}  # fmt: skip


@pytest.mark.parametrize("page", ["reference/edge.md", "how-to/put-envoy-in-front.md"])
def test_what_the_pages_say_are_settings(repo: Path, page: str) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```", (repo / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        assert Settings.model_validate(msgspec.toml.decode(block)).edge.routes


@pytest.mark.parametrize(
    "change",
    [{"path": "a"}, {"path": "/{id}/{id}"}, {"resource_id": "{other}"}, {"methods": []}, {"methods": ["get"]},
     {"host": "a."}, {"host": "a b"}, {"inspect": "xml"}, {"path": "/a//b"}, {"unknown": 1}, {"action": ""}],
)  # fmt: skip
def test_a_route_that_cannot_be_meant_is_refused_at_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EdgeRouteSection.model_validate({**GOOD, **change})


def test_a_route_is_what_it_says() -> None:
    route = EdgeRouteSection.model_validate({**GOOD, "host": "API.example:443", "obligations": ["reduce"]}).route()
    assert (route.host, route.carries, route.inspects) == ("api.example", frozenset({"reduce"}), "")
