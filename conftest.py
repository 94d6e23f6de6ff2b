"""The suite runs the signals as plain Python, whatever lies compiled: it reads docstrings, patches and measures them.

``tests/laws/test_signals_compiled.py`` runs both and compares; ``OSTIARY_COMPILED=1 pytest tests/laws`` runs any of it
compiled.
"""

import os

os.environ.setdefault("OSTIARY_COMPILED", "0")

pytest_plugins = ["backends", "stores"]
