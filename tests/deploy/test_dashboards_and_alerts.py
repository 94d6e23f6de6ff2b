"""Dashboards and alert rules use what a running server tells and nothing else, in the form that their readers want."""

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ostiary.cli.app import build_app
from ostiary.testing import promql

FROM_PROMETHEUS = {"up": {"job", "instance"}}
SCRAPED = {"instance", "job"}
OF_HISTOGRAMS = {"le"}
UNITS = {"reqps", "s", "short", "percentunit", "bytes"}
DASHBOARDS = ("decisions", "risk", "operations")


@pytest.fixture(scope="module")
def told(start_server: Callable[..., Any]) -> dict[str, set[str]]:
    """Every series name of a running server, with the labels that it may have."""
    whole = {"biometrics": {"enabled": True}, "server": {"public_url": "https://o.test"}}
    server = start_server(guardrails=None, **whole)
    server.ask("read")
    server.client.get("/")  # it comes with its first visitor
    text = server.client.get("/metrics").text
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    registry = server.assembly.telemetry.metrics.registry
    labels: dict[str, set[str]] = {}
    for collector, names in registry._collector_to_names.items():
        own = set(getattr(collector, "_labelnames", ()))
        for name in names:
            labels[name] = own | OF_HISTOGRAMS if name.endswith("_bucket") else own
    shown = {name for name in labels if name in families or name.rsplit("_", 1)[0] in families}
    return {name: labels[name] for name in shown} | FROM_PROMETHEUS


def check(expr: str, told: dict[str, set[str]]) -> None:
    used = promql.read(expr.replace("$instance", "x"))
    assert used.metrics, expr
    every = set.union(*(told.get(name, set()) for name in used.metrics)) | SCRAPED
    for metric, labels in used.metrics.items():
        assert metric in told, f"{metric} is told by no server: {expr}"
        assert labels <= told[metric] | SCRAPED, expr
    assert used.grouped <= every, expr


def dashboard(repo: Path, name: str) -> Any:
    return json.loads((repo / "deploy" / "grafana" / f"{name}.json").read_text())


def rules(repo: Path) -> list[dict[str, Any]]:
    told = yaml.safe_load((repo / "deploy" / "prometheus" / "alerts.yaml").read_text())
    assert set(told) == {"groups"}
    assert len({group["name"] for group in told["groups"]}) == len(told["groups"])
    assert all(set(group) == {"name", "rules"} for group in told["groups"])
    return [rule for group in told["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_query_of_a_dashboard_asks_for_what_is_there(repo: Path, told: dict[str, set[str]], name: str) -> None:
    queries = [target["expr"] for panel in dashboard(repo, name)["panels"] for target in panel["targets"]]
    assert len(queries) >= 10
    for expr in queries:
        check(expr, told)


def test_every_alert_asks_for_what_is_there(repo: Path, told: dict[str, set[str]]) -> None:
    assert len(rules(repo)) >= 20
    for rule in rules(repo):
        check(rule["expr"], told)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_has_the_form_that_grafana_reads(repo: Path, name: str) -> None:
    told = dashboard(repo, name)
    assert told["uid"] == f"ostiary-{name}"
    assert len(told["uid"]) <= 40
    assert told["schemaVersion"] >= 36
    assert {one["name"] for one in told["templating"]["list"]} == {"datasource", "instance"}
    panels = told["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert 0 <= place["x"] <= place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] in {"timeseries", "stat"}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert wanted <= promql.read(target["expr"].replace("$instance", "x")).grouped | {"instance"}


def test_dashboards_are_as_their_source_says(repo: Path) -> None:
    spec = importlib.util.spec_from_file_location("write_dashboards", repo / "tools" / "write_dashboards.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert set(tool.DASHBOARDS) == set(DASHBOARDS)
    for name in DASHBOARDS:
        assert (repo / "deploy" / "grafana" / f"{name}.json").read_text() == tool.text_of(name), (
            "tools/write_dashboards.py"
        )


def test_an_alert_has_the_form_that_prometheus_reads(repo: Path) -> None:
    found = rules(repo)
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"Ostiary[A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "command"}
        used = promql.read(rule["expr"])
        named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert named <= used.grouped | {"instance"}, rule["alert"]


def test_the_command_of_each_alert_is_one(repo: Path) -> None:
    app = build_app()
    for command in {rule["annotations"]["command"] for rule in rules(repo)}:
        words = command.split()[1:]
        chain, _, rest = app.parse_commands(words)
        assert list(chain) == words, command
        assert not rest


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rate(a[5m])",
        "rate(a[5m]))",
        "frobnicate(a)",
        "a{b}",
        "rate[5m]",
        "sum by (x (a)",
        "a ? b",
        "a{b='c'}",
        "5 [5m]",
    ],
)
def test_what_is_no_promql_is_refused(expr: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        promql.read(expr)


def test_what_is_read_of_an_expression() -> None:
    used = promql.read('sum by (x) (rate(a{b="c", d=~"e"}[5m])) / (sum (f) > 1) > 0.5')
    assert used.metrics == {"a": {"b", "d"}, "f": set()}
    assert used.grouped == {"x"}
