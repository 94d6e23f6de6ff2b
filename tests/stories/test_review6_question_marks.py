"""A client that removes `report?old` must not remove `report`."""

from typing import Any

import pytest

from ostiary_sdk.datasets.doorway import Answer, Doorway
from ostiary_sdk.datasets.filesystem import OstiaryFileSystem


class Tokens:
    def headers(self, _method: str, _url: str) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("name", ["report?old", "report?", "a/b?c=1"])
def test_a_question_mark_is_a_part_of_the_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    targets: list[str] = []

    def answered(_self: Doorway, _method: str, _path: str, target: str, *_more: Any) -> Answer:
        targets.append(target)
        return Answer(200, {"content-length": "1", "etag": '"x"'}, b"x")

    monkeypatch.setattr(Doorway, "_answered", answered)
    files = OstiaryFileSystem("http://127.0.0.1:1", tokens=Tokens(), skip_instance_cache=True)
    files.cat_file(f"ostiary://sales/{name}")
    files.rm_file(f"ostiary://sales/{name}")
    wanted = "/pipeline/default/datasets/sales/objects/" + name.replace("?", "%3F")
    assert set(targets) == {wanted}
