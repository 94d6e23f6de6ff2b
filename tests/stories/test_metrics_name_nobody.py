"""Whatever callers send, no label of a metric says who they are, and no caller can make labels without end."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary import __version__
from ostiary.decision.combine import refused
from ostiary.decision.parts import Decided
from ostiary.server.telemetry.metrics import MOST_PEPS, Metrics
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord

PERSON = "zoe.hostile.person"
CLOSED = {
    "outcome": {effect.name.lower() for effect in Effect},
    "phase": {"none", "live", "held_back"},
    "rule_class": {"guardrail", "adaptive", "default", "refusal"},
    "result": {"asked", "proven", "refused"},
    "status": {str(number) for number in range(100, 600)},
    "version": {__version__},
}
BOUNDED = {"pep": MOST_PEPS + 1}  # what an administrator registered
BUCKETS = {"le"}


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(server={"public_url": "https://o.test"})


def literals(repo: Path) -> set[str]:
    """Return every text of the form of a code that stands in our own sources."""
    found: set[str] = set()
    for path in (repo / "src" / "ostiary").rglob("*.py"):
        found.update(re.findall(r"""["']([a-z][a-z0-9_]{1,60})["']""", path.read_text()))
    return found


def be_hostile(server: Any) -> None:
    subject = {"type": "user", "id": PERSON}
    for action in ("read", "step-up", "terminate", "reduce", PERSON, "x" * 2_000):
        server.ask(action, subject=subject)
    server.ask("read", subject={"type": PERSON, "id": PERSON}, resource={"type": PERSON, "id": PERSON})
    server.ask_as(PERSON)
    server.post("evaluation", PERSON)
    server.post("evaluation", "{", Authorization=f"Bearer {PERSON}")
    for path in (
        f"/{PERSON}",
        f"/v1/{PERSON}",
        "/v1/chat/completions",
        f"/inference/v1/{PERSON}/x",
        f"/access/v1/{PERSON}",
    ):
        server.client.post(path, json={"model": PERSON, "user": PERSON}, headers={"Authorization": f"Bearer {PERSON}"})
        server.client.request(PERSON[:3].upper(), path)
    server.client.post("/collect/v1/windows", content=json.dumps({"user": PERSON}))


def samples(text: str) -> list[tuple[str, dict[str, str]]]:
    found = re.findall(r"^([a-z_]+)\{(.*)\} \S+$", text, re.MULTILINE)
    return [(name, dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', inside))) for name, inside in found]


def test_no_label_says_who_somebody_is(server: Any, repo: Path) -> None:
    be_hostile(server)
    text = server.client.get("/metrics").text
    assert PERSON not in text
    ours = literals(repo)
    seen: Counter[str] = Counter()
    for name, labels in samples(text):
        for label, value in labels.items():
            seen[label] += 1
            if label in BUCKETS:
                assert re.fullmatch(r"[0-9.e+-]+|\+Inf", value)
            elif label in BOUNDED:
                assert re.fullmatch(r"[a-z0-9-]{0,63}|other", value)
            else:
                assert value in CLOSED.get(label, set()) | ours | {""}, f"{name} {label}={value}"
    assert {"outcome", "pep", "reason"} <= set(seen)


def test_every_label_of_every_metric_is_one_we_thought_about(server: Any, repo: Path) -> None:
    known = {*CLOSED, *BOUNDED, "reason", "option", "face", "of", "verdict", "modality", "what", "control"}
    page = (repo / "docs/reference/metrics.md").read_text()
    rows = dict(re.findall(r"^\| `(ostiary_\w+)` \| ([^|]*) \|", page, re.MULTILINE))
    for collector in server.assembly.telemetry.metrics.registry._collector_to_names:
        labels = getattr(collector, "_labelnames", ())
        assert set(labels) <= known, collector
        if labels:
            name = collector._name + ("_total" if collector._type == "counter" else "")
            assert re.findall(r"`(\w+)`", rows[name]) == list(labels)


def test_no_number_of_enforcement_points_makes_labels_without_end() -> None:
    metrics = Metrics()
    for number in range(MOST_PEPS + 200):
        record = DecisionRecord(1, "t", Receipt("dec_1", 1), f"pep-{number}", "user:a", refused("no_allow_rule"))
        metrics.decided(Decided(record, {"decision": False}, msgspec.UNSET))  # type: ignore[arg-type]
    labels = {
        inside["pep"] for name, inside in samples(metrics.exposition().decode()) if name == "ostiary_decisions_total"
    }
    assert len(labels) == MOST_PEPS + 1
    assert "other" in labels
