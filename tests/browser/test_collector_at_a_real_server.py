"""From a real browser to a real ``ostiary up``: somebody agrees, types and moves; two windows arrive, each signed."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.browser.collector_page import application
from tests.browser.conftest import Visitor, free_port

from ostiary.testing.issuer import FakeIssuer
from ostiary.testing.served import Served

TEXT = "meet me at the old mill at 7 and bring the blue folder"


def test_two_windows_arrive_signed_and_leave_no_trace(tmp_path: Path, visitor: Visitor) -> None:
    issuer, port = FakeIssuer(), free_port()
    keys = tmp_path / "jwks.json"
    keys.write_text(issuer.jwks().inline)
    one = {"issuer": issuer.issuer, "audience": issuer.audience, "jwks_path": str(keys)}
    with application(free_port(), issuer) as app:
        app.endpoint = f"http://localhost:{port}"
        environ = {
            "OSTIARY_SERVER__PUBLIC_URL": app.endpoint,
            "OSTIARY_IDENTITY__ISSUERS": json.dumps([one]),
            "OSTIARY_BIOMETRICS__ENABLED": "true",
            "OSTIARY_BIOMETRICS__COLLECTOR__ORIGINS": json.dumps([app.origin]),
        }
        with Served(tmp_path / "data", environ=environ, port=port) as server:
            answers = used(app, visitor)
            metrics = httpx.get(f"{server.url}/metrics").text
            switched_off = visitor.page.evaluate("() => collector.consent(false)")
            output = "\n".join(server.output)
    assert [(one["modality"], status) for one, status in answers] == [("keystroke", 202), ("pointer", 202)]
    assert [one["sequence"] for one, _ in answers] == [1, 2]
    for kind in ("keystroke", "pointer"):
        assert f'ostiary_collector_windows_total{{modality="{kind}",outcome="taken"}} 1.0' in metrics
    assert switched_off is True
    assert visitor.complaints == [], "no violation of the page's policy, no error, no warning"
    for window, _ in answers:
        held = json.dumps(window["events"][5:12], separators=(",", ":"))[1:-1].encode()
        assert not [one for one in (tmp_path / "data").rglob("*") if one.is_file() and held in one.read_bytes()]
        assert held.decode() not in output
        assert window["nonce"] not in output


def used(app: Any, visitor: Visitor) -> list[tuple[dict[str, Any], int]]:
    """Type and move in the application; return what was sent as windows, and how it was answered."""
    page, answers = visitor.page, list[Any]()
    page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/windows") else None)
    page.goto(f"{app.origin}/?ann")
    page.wait_for_function("window.ready")
    assert page.evaluate("() => collector.start(options)") is True
    page.locator("#text").press_sequentially(TEXT[:50], delay=20)
    for step in range(60):
        page.mouse.move(200 + 7 * step, 300 + (step * step) % 90)
        page.wait_for_timeout(18)
    for _ in range(100):
        told = [(answer.request.post_data_json, answer.status) for answer in answers if answer.request.method == "POST"]
        if len(told) == 2:
            return told
        page.wait_for_timeout(100)
    pytest.fail(f"{len(answers)} answers to windows came")
