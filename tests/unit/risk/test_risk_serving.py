"""Serving needs neither NumPy nor LightGBM's Python package: what is not imported cannot be attacked."""

import subprocess
import sys

from ostiary.risk.reasons import pick_reasons
from ostiary.risk.schema import Column
from ostiary.vocabulary.events import AccessEvent

CHECK = """
import sys
import ostiary.risk.absent, ostiary.risk.guarded, ostiary.risk.scorer, ostiary.risk.stream, ostiary.risk.reading
heavy = sorted({"numpy", "scipy", "sklearn", "lightgbm", "pandas"} & set(sys.modules))
sys.exit(", ".join(heavy) or 0)
"""


def test_the_scorer_imports_no_learning_library() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_reasons_tell_what_can_only_mean_risk_and_never_mere_context() -> None:
    columns = [
        Column("history_depth", "quality"),
        Column("tenure", "account"),
        Column("client_new", "account", 1),
        Column("hour_local", "time"),
        Column("hour_surprise", "time", 1),
        Column("device_new", "device", 1),
        Column("network_new", "network", 1),
    ]
    shares = [9.0, 8.0, 0.5, 1.1, 0.9, -1.0, 0.01]
    event = AccessEvent("e", "default", 0, "ann", "read", "db", "orders")
    reasons = pick_reasons(columns, [1.0] * 7, shares, event, lambda name, _value, _event: name)
    assert [reason.signal for reason in reasons] == ["hour_surprise", "client_new"]
