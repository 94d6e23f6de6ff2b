"""The style page: every component once, with made-up content, so that a change of the look is seen in one place."""

from math import sin
from random import Random
from typing import Any, Final

from ostiary.console.rendering import Rendered, Renderer, Viewer

PATH: Final = "/dev/style"
_SEED: Final = 7
_HOUR_MS: Final = 3_600_000
_START_MS: Final = 1_795_737_600_000  # 2026-11-27T00:00:00Z
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ROWS: Final = (
    ("2026-11-27T09:58:41Z", "ALLOW", "user:ada", "read", "repository payments-api", "role-grant", 3),
    ("2026-11-27T09:58:40Z", "REDUCE", "user:lin", "query", "features customer-risk/score", "risk-shorter-session", 4),
    ("2026-11-27T09:58:37Z", "STEP_UP", "user:dana", "query", "database prod/customers", "risk-step-up", 5),
    ("2026-11-27T09:58:31Z", "DENY", "workload:ci/42", "load", "model fraud:v13", "model-unsigned", 2),
    (
        "2026-11-27T09:58:30Z",
        "TERMINATE",
        "user:<b>mal</b>\u202egnp.exe",
        "export",
        "bucket finance/ledger",
        "replay",
        6,
    ),
)


def style_page(renderer: Renderer) -> Rendered:
    """Return the style page as somebody made up sees it."""
    viewer = Viewer("ada@example.org", "owner", "default")
    return renderer.page("style.html", viewer, PATH, **style_told())


def style_told() -> dict[str, Any]:
    """Return what the style page shows."""
    return {"rows": _ROWS, "data": _data()}


def _data() -> dict[str, Any]:
    luck = Random(_SEED)  # noqa: S311 - pictures, no secret
    hours = [_START_MS + hour * _HOUR_MS for hour in range(24)]
    busy = [round(400 + 380 * max(0.0, sin((hour - 6) / 4))) for hour in range(24)]
    parts = {"ALLOW": 1.0, "REDUCE": 0.06, "STEP_UP": 0.04, "DENY": 0.02, "TERMINATE": 0.003}
    series = {name: [round(count * share * luck.uniform(0.7, 1.3)) for count in busy] for name, share in parts.items()}
    return {
        "effects": {"times": hours, "series": series, "marks": [{"at": hours[15], "text": "policy a81f"}]},
        "risk": {"points": _walk(luck), "medium": 0.4, "high": 0.75, "marks": []},
        "line": {"points": [[at, round(sin(at / _HOUR_MS) * 2, 2)] for at in hours], "name": "nats"},
        "heat": {"days": _DAYS, "cells": _cells(luck)},
        "curve": {
            "x": "false alarms",
            "y": "caught",
            "diagonal": True,
            "curves": {"live": [[x / 50, (x / 50) ** 0.25] for x in range(51)]},
        },
        "lineage": {
            "nodes": [{"name": name} for name in ("ci:42", "token", "claims-2026", "sandbox", "fraud:v13", "/score")],
            "links": [
                {"source": "ci:42", "target": "token", "value": 2},
                {"source": "token", "target": "claims-2026", "value": 2},
                {"source": "claims-2026", "target": "sandbox", "value": 2},
                {"source": "sandbox", "target": "fraud:v13", "value": 1},
                {"source": "fraud:v13", "target": "/score", "value": 1},
            ],
        },
    }


def _walk(luck: Random) -> list[list[float]]:
    risk, points = 0.1, []
    for minute in range(60):
        risk = min(0.95, max(0.02, risk + luck.gauss(0.012, 0.04)))
        points.append([_START_MS + minute * 60_000, round(risk, 3)])
    return points


def _cells(luck: Random) -> list[list[int]]:
    return [
        [hour, day, luck.randrange(3, 30) if 8 <= hour < 19 and day < 5 else luck.randrange(3)]  # noqa: PLR2004 - a day
        for day in range(len(_DAYS))
        for hour in range(24)
    ]
