"""The worker is killed right after it answered a decision: the decision's response happens all the same."""

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.testing.served import Served

GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if input.action.name != ""
terminate contains {"rule": "session-stolen"} if input.action.name == "steal"
decision := {"allow": allow, "terminate": terminate}
"""


@pytest.mark.slow
def test_a_decision_answered_by_a_worker_that_dies_has_its_response(tmp_path: Path) -> None:
    bundle = tmp_path / "data" / "bundles" / "default"
    bundle.mkdir(parents=True)
    (tmp_path / "data").chmod(0o700)
    (bundle / "guardrails.rego").write_text(GUARDRAILS)
    (bundle / "adaptive.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    with Served(tmp_path / "data") as server:
        time.sleep(1)  # the first turn notes where the log stood
        body = {
            "subject": {"type": "user", "id": "ann"},
            "action": {"name": "steal"},
            "resource": {"type": "document", "id": "handbook"},
            "context": {"session_id": "s-1"},
        }
        key, admin = server.pep_key, {"Authorization": f"Bearer {server.admin_key}"}
        worker = server.worker
        answer = httpx.post(
            server.url + "/access/v1/evaluation", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        os.kill(worker, 9)
        assert answer.json()["context"]["effect"] == "TERMINATE"
        end = time.monotonic() + 60
        cases: list[dict[str, Any]] = []
        while not cases and time.monotonic() < end:
            time.sleep(0.2)
            try:
                cases = httpx.get(server.url + "/api/v1/tenants/default/cases", headers=admin, timeout=5).json()
            except (httpx.HTTPError, json.JSONDecodeError):
                continue
        assert [case["title"] for case in cases] == ["a session was stolen"]
