"""A pipeline's history as its doors write it into the log: a CI job, its token, a training run, with no sandbox run.

history = PipelineHistory(house)
run = history.run("run_1", datasets=("sales",))
"""

from typing import Any, Final

import msgspec

from ostiary.server.wiring import House

JOB: Final = "ci_job:github:owner:9919:repository:42"
DIGEST: Final = f"sha256:{'ef' * 32}"


class PipelineHistory:
    """Writes records as ``server.training`` and ``server.tokens`` do."""

    def __init__(self, house: House, tenant: str = "default") -> None:
        """Write into the log of ``house``."""
        self._house, self._tenant = house, tenant
        self._count = 0

    def token(self, subject: str = JOB, kind: str = "ostiary_dataset", identifier: str = "sales", **more: Any) -> str:
        """Write that a token was exchanged; return its id."""
        now = self._house.clock.now_ns()
        self._count += 1
        name = f"jti_{self._tenant}_{self._count}"
        told = {
            "v": 1,
            "type": "token",
            "action": "exchanged",
            "subject": subject,
            "token_id": name,
            "expires_ns": now + 600 * 10**9,
            "detail": {"type": kind, "identifier": identifier, "actions": ["dataset.read"], "purpose": "training"},
            "bound": {"jkt": "x"},
            "origin": {
                "iss": "https://token.actions.githubusercontent.com",
                "sub_type": "ci",
                "sub": "repo:acme/churn",
            },
            "decisions": [],
            **more,
        }
        self._write("token", f"tok_{self._tenant}_{self._count}", told)
        return name

    def run(self, run: str, *, phases: tuple[str, ...] = ("began", "ended"), **more: Any) -> str:
        """Write the records of a run; return its id."""
        base = {
            "v": 1,
            "type": "training",
            "run": run,
            "pipeline": "churn",
            "command": ["python3", "train.py"],
            "environment": {"name": "system", "digest": DIGEST},
            "commit": "c" * 40,
            "datasets": [{"name": "sales", "digest": DIGEST, "producer": "ingest"}],
            "egress": ["registry.example:443"],
            "sandbox": "bubblewrap",
            "limits": {"memory": "cgroup", "network": "namespace"},
            "probes": 31,
            "started_ns": self._house.clock.now_ns(),
            "decision_id": "",
            **more,
        }
        ends = {"ended": {"status": 0, "ended_ns": self._house.clock.now_ns(), **_calls(), **more}}
        for phase in phases:
            self._write("training", f"{run}-{phase}", {**base, **ends.get(phase, {}), "phase": phase})
        return run

    def read(self, dataset: str, token: str = "", **more: Any) -> None:
        """Write that an object of a dataset was read."""
        self._count += 1
        told = {"type": "dataset", "action": "dataset.read", "dataset": dataset, "object": "part-0.parquet"}
        full = {**told, "outcome": "done", "bytes": 4096, "token": token, "v": 1, **more}
        self._write("dataset", f"ds_{self._tenant}_{self._count}", full, JOB)

    def feature(self, name: str, **more: Any) -> None:
        """Write that a feature set was read."""
        self._count += 1
        told = {
            "v": 1,
            "decision": "",
            "feature_set": name,
            "operation": "query",
            "outcome": "read",
            "rows": 10,
            **more,
        }
        self._write("feature", f"feat_{self._tenant}_{self._count}", told, JOB)

    def _write(self, kind: str, record_id: str, told: dict[str, Any], subject: str = "") -> None:
        now, data = self._house.clock.now_ns(), msgspec.json.encode(told)
        self._house.log.append(self._tenant, kind, record_id, now, data, subject).result(timeout=30)


def _calls() -> dict[str, Any]:
    asked = {"at_ns": 1_795_770_000 * 10**9, "port": 443, "bytes_up": 812, "bytes_down": 90_000, "duration_ms": 41}
    return {
        "connections": [
            {**asked, "verdict": "allowed", "host": "registry.example", "sni": "registry.example"},
            {**asked, "verdict": "egress_denied", "host": "evil.example", "sni": "registry.example", "bytes_up": 0},
        ],
        "turned_away": 1,
        "egress_log": DIGEST,
        "bytes_up": 812,
        "bytes_down": 90_000,
        "outputs": [{"name": "model.safetensors", "size": 1_048_576, "sha256": "cd" * 32}],
        "outputs_digest": DIGEST,
        "provenance": DIGEST,
    }
