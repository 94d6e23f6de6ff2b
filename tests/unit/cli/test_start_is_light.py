"""The list of verbs comes quickly because nothing heavy is imported for it: `benchmarks/bench_start.py` measures it."""

import subprocess
import sys

HEAVY = {"pydantic", "httpx", "fastapi", "cryptography", "numpy", "lightgbm", "onnxruntime", "ostiary.server.wiring"}
SCRIPT = """
import contextlib, io, sys
sys.argv = ["ostiary", "--help"]
from ostiary.cli.app import build_app
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    build_app()(["--help"])
print(*sorted(sys.modules))
"""


def test_the_list_of_verbs_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "ostiary.cli.app" in loaded
    assert not loaded & HEAVY
