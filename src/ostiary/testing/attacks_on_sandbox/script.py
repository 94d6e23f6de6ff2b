"""Tries every attack and tells: ``python3 -c "from …script import main; main()" '{"tcp": 1, …}'``."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from ostiary.testing.attacks_on_sandbox import files, kernel, network, proxy
from ostiary.testing.attacks_on_sandbox.common import TOLD

if TYPE_CHECKING:
    from types import ModuleType


def _of(module: ModuleType) -> dict[str, Any]:
    """Return the attacks of one module: its own public functions."""
    own = {name: found for name, found in vars(module).items() if getattr(found, "__module__", "") == module.__name__}
    return {name: found for name, found in sorted(own.items()) if callable(found) and not name.startswith("_")}


ATTACKS: dict[str, Any] = {**_of(network), **_of(files), **_of(kernel), **_of(proxy)}


def _attempt(attack: Any) -> str:
    try:
        words = attack()
    except Exception as no:  # noqa: BLE001 - refused, one way or another
        return f"held: {type(no).__name__}"
    return f"ESCAPED: {words}" if words else "held"


def main() -> None:
    """Try everything and tell."""
    TOLD.update(json.loads(sys.argv[1]))
    found = {name: _attempt(attack) for name, attack in ATTACKS.items()}
    sys.stdout.write(json.dumps({"uid": os.getuid(), "threads": threading.active_count(), "found": found}) + "\n")
