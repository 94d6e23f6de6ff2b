"""Review 14: a local MCP server that answers before its question was judged answers nothing, and breaks nothing."""

import json
from typing import Any

import pytest

from ostiary.server.mcp.judging import Judged
from ostiary.server.mcp.wrapping import Wrapper

QUESTION = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "read", "arguments": {}}}
ANSWER = {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "too early"}]}}


class Scene:
    """A judge during whose first question the server answers it."""

    def __init__(self, *, permits: bool) -> None:
        self.client: list[Any] = []
        self.server: list[Any] = []
        self.asked: list[tuple[str, str]] = []
        self._permits = permits
        self.wrapper = Wrapper(self, self._hears(self.client), self._hears(self.server), lambda _text: None)

    def judge(
        self, sender: str, message: dict[str, Any], asked: dict[str, Any] | None = None, decision_id: str = ""
    ) -> Judged:
        self.asked.append((sender, decision_id))
        if len(self.asked) == 1:
            self.wrapper.from_server(json.dumps(ANSWER).encode())
        if sender == "client" and not self._permits:
            return Judged(reply={"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32001, "message": "no"}})
        return Judged(forward=message, decision_id="dec_1")

    @staticmethod
    def _hears(heard: list[Any]) -> Any:
        return lambda line: heard.append(json.loads(line))


@pytest.mark.parametrize("permits", [True, False])
def test_an_answer_before_its_question_was_judged_goes_nowhere(*, permits: bool) -> None:
    """Of a question that was refused then the wrapper died; of one that passed its id stayed open for ever."""
    scene = Scene(permits=permits)
    scene.wrapper.from_client(json.dumps(QUESTION).encode())
    assert [sender for sender, _ in scene.asked] == ["client"]
    assert (len(scene.server), scene.wrapper.open) == ((1, 1) if permits else (0, 0))
    assert [one for one in scene.client if "result" in one] == []
    scene.wrapper.from_server(json.dumps(ANSWER).encode())
    assert (scene.asked[1:], scene.wrapper.open) == ([("server", "dec_1")] if permits else [], 0)
    assert len(scene.client) == 1
