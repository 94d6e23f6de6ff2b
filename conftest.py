"""The suite runs the signals as plain Python, whatever lies compiled: it reads docstrings, patches and measures them.

``tests/laws/test_signals_compiled.py`` runs both and compares; ``OSTIARY_COMPILED=1 pytest tests/laws`` runs any of it
compiled.

No case of a property has to be done within a time on the wall, as Hypothesis would have it outside CI: beside other
tests a thread may wait longer than that for its turn.
"""

import os
from importlib.util import find_spec

os.environ.setdefault("OSTIARY_COMPILED", "0")

pytest_plugins = ["backends", "stores"]

if find_spec("hypothesis"):  # tools/feast.sh has none
    from hypothesis import HealthCheck, settings

    quiet = [HealthCheck.too_slow]
    settings.register_profile("ostiary", parent=settings.default, deadline=None, suppress_health_check=quiet)
    settings.load_profile("ostiary")
