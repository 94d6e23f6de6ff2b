"""Serving needs neither NumPy nor LightGBM's Python package: what is not imported cannot be attacked."""

import subprocess
import sys

CHECK = """
import sys
import ostiary.risk.absent, ostiary.risk.guarded, ostiary.risk.scorer, ostiary.risk.stream, ostiary.risk.reading
heavy = sorted({"numpy", "scipy", "sklearn", "lightgbm", "pandas"} & set(sys.modules))
sys.exit(", ".join(heavy) or 0)
"""


def test_the_scorer_imports_no_learning_library() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
