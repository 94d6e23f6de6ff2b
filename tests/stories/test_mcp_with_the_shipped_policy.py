# mypy: disable-error-code="arg-type"
"""The MCP proxy under the shipped policy: roles, tools of the manifest alone, and nothing that nobody switched on."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.stories.inference_scene import Person, Scene, open_scene
from tests.stories.test_mcp_proxy import Served, mail_server, rpc

MANIFEST = {
    "tools": [
        {"name": "read_mail", "reads": "untrusted", "sink": "none"},
        {"name": "send_mail", "reads": "trusted", "sink": "egress", "args": {"to": {"kind": "recipient"}}},
    ]
}


def asked(scene: Scene, connections: dict[str, str], method: str, who: str = "ada", **params: Any) -> Any:
    token = Person(scene, who).token(bound=False)
    headers = {"Authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    if who in connections:
        headers["mcp-session-id"] = connections[who]
    answer = scene.post("/mcp/default/mail", rpc(method, **params), headers)
    connections.setdefault(who, answer.headers.get("mcp-session-id", ""))
    text = answer.text
    if text.startswith(("event", "id", "data")):
        text = next(line[6:] for line in text.splitlines() if line.startswith("data: {"))
    return json.loads(text)


@pytest.mark.slow
def test_the_shipped_policy_at_the_proxy(tmp_path: Path) -> None:
    texts = ["Invoice 7 came from boss@partner.example on Monday."]
    manifest = tmp_path / "mail.json"
    manifest.write_text(json.dumps(MANIFEST))
    with Served(mail_server(texts).streamable_http_app()) as upstream:
        servers = {"mail": {"url": upstream.url, "manifest": str(manifest)}}
        for scene in open_scene(tmp_path / "data", mcp={"servers": servers}):
            ask = partial(asked, scene, {})
            info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            assert "result" in ask("initialize", **info)
            assert len(ask("tools/list")["result"]["tools"]) == 4
            sent = ask("tools/call", name="send_mail", arguments={"to": "ada@example.com", "body": "hi"})
            assert "result" in sent, sent
            assert "partner" in json.dumps(ask("tools/call", name="read_mail", arguments={"number": 0}))
            no = ask("tools/call", name="send_mail", arguments={"to": "boss@partner.example", "body": "x"})["error"]
            assert any(reason.startswith("rule:tool-") for reason in no["data"]["reasons"])
            unknown = ask("tools/call", name="forbidden", arguments={})["error"]
            assert "rule:unknown-resource" in unknown["data"]["reasons"]
            assert ask("initialize", who="guest", **info)["error"]["code"] == -32001
            assert len(texts) == 2
