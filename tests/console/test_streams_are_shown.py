"""Streams of records on the page of integrations: how far each came, and why one stands still."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.console.conftest import _free_port

from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    port, folder = _free_port(), tmp_path_factory.mktemp("stream")
    streams = [
        {"name": "siem", "kind": "jsonl", "folder": str(folder), "from_start": True},
        {"name": "away", "kind": "jsonl", "folder": "/proc/none", "from_start": True, "contents": ["decisions"]},
    ]
    told = {"public_url": f"http://localhost:{port}"}
    served = start_server(guardrails=None, on_port=port, server=told, export={"streams": streams})
    served.house.tenants.create("acme")
    return served


def test_how_far_each_stream_came(server: Any, people: People) -> None:
    owner = people("owner")
    server.ask("read")
    for stream in server.house.streams:
        stream.turn()
    page = owner.get("/integrations").text
    assert "<bdi>siem</bdi>" in page
    assert "admin, approvals, decisions, detections" in page
    away = page.partition("<bdi>away</bdi>")[2].partition("</tr>")[0]
    assert "file_unwritable" in away
    assert "<bdi>siem</bdi>" not in people("owner", "acme").get("/integrations").text
