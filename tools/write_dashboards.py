"""Writes the Grafana dashboards of ``deploy/grafana`` from what is listed here: ``python tools/write_dashboards.py``.

A panel is a title, a unit, a width of 24 and its queries; places and ids follow from the order.
"""

import json
from pathlib import Path
from typing import Any, Final

REPO: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = REPO / "deploy" / "grafana"
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
HEIGHT: Final = 7
WIDTH: Final = 24
RATE: Final = "$__rate_interval"

Query = tuple[str, str]
Panel = tuple[str, str, int, str, list[Query]]


def rate(metric: str, by: str = "") -> str:
    """Return events a second, summed by labels."""
    grouped = f" by ({by})" if by else ""
    return f'sum{grouped} (rate({metric}{{instance=~"$instance"}}[{RATE}]))'


def now(metric: str, how: str = "sum") -> str:
    """Return a gauge over the chosen instances."""
    return f'{how} ({metric}{{instance=~"$instance"}})'


def grew(metric: str, span: str, by: str = "") -> str:
    """Return by how much a counter grew over a span."""
    grouped = f" by ({by})" if by else ""
    return f'sum{grouped} (increase({metric}{{instance=~"$instance"}}[{span}]))'


def quantile(share: float, metric: str) -> str:
    """Return a quantile of a histogram."""
    return f'histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{instance=~"$instance"}}[{RATE}])))'


DASHBOARDS: Final[dict[str, tuple[str, list[Panel]]]] = {
    "decisions": (
        "Ostiary: decisions and latency",
        [
            (
                "Decisions by outcome",
                "reqps",
                12,
                "timeseries",
                [(rate("ostiary_decisions_total", "outcome"), "{{outcome}}")],
            ),
            (
                "Time to decide, without the disk",
                "s",
                12,
                "timeseries",
                [
                    (quantile(share, "ostiary_decision_duration_seconds"), f"p{name}")
                    for share, name in ((0.5, "50"), (0.95, "95"), (0.99, "99"))
                ],
            ),
            (
                "What decided",
                "reqps",
                8,
                "timeseries",
                [(rate("ostiary_decisions_total", "rule_class"), "{{rule_class}}")],
            ),
            (
                "Decisions by enforcement point",
                "reqps",
                8,
                "timeseries",
                [(rate("ostiary_decisions_total", "pep"), "{{pep}}")],
            ),
            ("Requests in flight", "short", 8, "timeseries", [(now("ostiary_requests_in_flight"), "in flight")]),
            (
                "Denied because something failed",
                "reqps",
                12,
                "timeseries",
                [(rate("ostiary_fail_closed_total", "reason"), "{{reason}}")],
            ),
            (
                "Callers that proved nothing",
                "reqps",
                12,
                "timeseries",
                [(rate("ostiary_refused_callers_total", "reason"), "{{reason}}")],
            ),
            ("Let through by an option", "short", 6, "stat", [(grew("ostiary_fail_open_total", "1d"), "last day")]),
            ("Decisions past their deadline", "short", 6, "stat", [(now("ostiary_late_decisions"), "since start")]),
            (
                "Requests that were no HTTP",
                "reqps",
                12,
                "timeseries",
                [(rate("ostiary_http_rubbish_total", "status"), "{{status}}")],
            ),
        ],
    ),
    "risk": (
        "Ostiary: risk, sessions and defence",
        [
            (
                "Scores given",
                "percentunit",
                12,
                "timeseries",
                [
                    (quantile(share, "ostiary_risk_score"), f"p{name}")
                    for share, name in ((0.5, "50"), (0.9, "90"), (0.99, "99"))
                ],
            ),
            (
                "What became of proposals",
                "reqps",
                12,
                "timeseries",
                [(rate("ostiary_decisions_total", "phase"), "{{phase}}")],
            ),
            (
                "Harsher than what was enforced",
                "reqps",
                8,
                "timeseries",
                [(rate("ostiary_shadow_disagreement_total"), "held back")],
            ),
            ("Step-ups", "reqps", 8, "timeseries", [(rate("ostiary_stepup_total", "result"), "{{result}}")]),
            ("Break-glass open", "short", 4, "stat", [(now("ostiary_break_glass_open", "max"), "open")]),
            (
                "Denies replaced by break-glass",
                "short",
                4,
                "stat",
                [(grew("ostiary_guardrail_override_total", "1d"), "last day")],
            ),
            (
                "Windows of behaviour",
                "reqps",
                12,
                "timeseries",
                [(rate("ostiary_collector_windows_total", "modality, outcome"), "{{modality}} {{outcome}}")],
            ),
            (
                "Sessions whose behaviour is known",
                "short",
                6,
                "timeseries",
                [(now("ostiary_behaviour_sessions"), "sessions")],
            ),
            ("Windows nobody judged", "short", 6, "timeseries", [(now("ostiary_behaviour_dropped"), "since start")]),
            (
                "Changes of phases",
                "short",
                8,
                "timeseries",
                [(grew("ostiary_phase_changes_total", "1h", "what, control"), "{{control}} {{what}}")],
            ),
            ("Controls that act", "short", 4, "stat", [(now("ostiary_controls_live", "max"), "live")]),
            ("Tenants with broken phases", "short", 4, "stat", [(now("ostiary_phases_broken", "max"), "broken")]),
            (
                "Questions to models",
                "reqps",
                8,
                "timeseries",
                [(rate("ostiary_inferences_total", "outcome"), "{{outcome}}")],
            ),
            (
                "Verdicts on prompts and answers",
                "reqps",
                12,
                "timeseries",
                [(rate("ostiary_llm_verdicts_total", "of, verdict"), "{{of}} {{verdict}}")],
            ),
            (
                "Language models: first text and whole answer, p95",
                "s",
                12,
                "timeseries",
                [
                    (quantile(0.95, "ostiary_llm_first_text_seconds"), "first text"),
                    (quantile(0.95, "ostiary_llm_duration_seconds"), "whole answer"),
                ],
            ),
        ],
    ),
    "operations": (
        "Ostiary: operations and audit",
        [
            ("Records in the log", "short", 6, "stat", [(now("ostiary_audit_chain_height", "max"), "records")]),
            (
                "Failed checks of the log",
                "short",
                6,
                "stat",
                [(now("ostiary_audit_verify_errors_total"), "since start")],
            ),
            ("Free disk", "bytes", 6, "stat", [(now("ostiary_disk_free_bytes", "min"), "free")]),
            (
                "Versions that run",
                "short",
                6,
                "stat",
                [('count by (version) (ostiary_build_info{instance=~"$instance"})', "{{version}}")],
            ),
            (
                "Records on their way to the disk",
                "short",
                12,
                "timeseries",
                [(now("ostiary_audit_waiting"), "waiting")],
            ),
            (
                "Records a second",
                "reqps",
                12,
                "timeseries",
                [('max (deriv(ostiary_audit_chain_height{instance=~"$instance"}[5m]))', "records")],
            ),
            (
                "Obligations nobody answered for",
                "short",
                8,
                "timeseries",
                [(now("ostiary_obligations_unexecuted", "max"), "unexecuted")],
            ),
            (
                "Responses",
                "short",
                8,
                "timeseries",
                [
                    (now("ostiary_response_waiting", "max"), "wait for a person"),
                    (now("ostiary_response_failed", "max"), "failed"),
                    (now("ostiary_cases_open", "max"), "open cases"),
                ],
            ),
            (
                "Letters and event tokens",
                "short",
                8,
                "timeseries",
                [
                    (now("ostiary_letters_dead", "max"), "given up"),
                    (now("ostiary_signals_waiting", "max"), "tokens waiting"),
                ],
            ),
            (
                "Events that profiles never saw",
                "short",
                8,
                "timeseries",
                [(rate("ostiary_learning_dropped_total"), "dropped")],
            ),
            ("Enforcement points that are told", "short", 4, "stat", [(now("ostiary_feeds"), "feeds")]),
            ("Tabs of the console", "short", 4, "stat", [(now("ostiary_console_streams"), "streams")]),
            ("Tenants", "short", 4, "stat", [(now("ostiary_tenants", "max"), "tenants")]),
            ("Open streams of language models", "short", 4, "stat", [(now("ostiary_llm_streams"), "streams")]),
            (
                "Memory",
                "bytes",
                12,
                "timeseries",
                [('process_resident_memory_bytes{instance=~"$instance"}', "{{instance}}")],
            ),
            (
                "Processor",
                "percentunit",
                12,
                "timeseries",
                [(f'rate(process_cpu_seconds_total{{instance=~"$instance"}}[{RATE}])', "{{instance}}")],
            ),
        ],
    ),
}


def panel_of(number: int, place: tuple[int, int], panel: Panel) -> dict[str, Any]:
    """Return one panel as Grafana keeps it."""
    title, unit, width, kind, queries = panel
    targets = [
        {"refId": chr(65 + index), "expr": expr, "legendFormat": legend, "datasource": SOURCE}
        for index, (expr, legend) in enumerate(queries)
    ]
    return {
        "id": number,
        "title": title,
        "type": kind,
        "datasource": SOURCE,
        "gridPos": {"h": HEIGHT, "w": width, "x": place[0], "y": place[1]},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}} if kind == "timeseries" else {},
        "targets": targets,
    }


def variable(name: str, **more: Any) -> dict[str, Any]:
    """Return a variable of a dashboard."""
    return {"name": name, "label": name, "hide": 0, "refresh": 1, **more}


def dashboard_of(name: str) -> dict[str, Any]:
    """Return one dashboard."""
    title, panels = DASHBOARDS[name]
    placed: list[dict[str, Any]] = []
    x = y = 0
    for number, panel in enumerate(panels, 1):
        if x + panel[2] > WIDTH:
            x, y = 0, y + HEIGHT
        placed.append(panel_of(number, (x, y), panel))
        x += panel[2]
    instances = "label_values(ostiary_build_info, instance)"
    return {
        "uid": f"ostiary-{name}",
        "title": title,
        "tags": ["ostiary"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                variable("datasource", type="datasource", query="prometheus"),
                variable("instance", type="query", query=instances, datasource=SOURCE, multi=True, includeAll=True),
            ]
        },
        "panels": placed,
    }


def text_of(name: str) -> str:
    """Return a dashboard as it stands in its file."""
    return json.dumps(dashboard_of(name), indent=1) + "\n"


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
