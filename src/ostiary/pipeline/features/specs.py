"""Specs that were read before: what is registered is looked up anew each time, and read anew when it has changed."""

import threading
from collections import OrderedDict
from typing import Any, Final

import msgspec

from ostiary.pipeline.features.spec import FeatureSpec, read_spec

MAX_SPECS: Final = 256


class Specs:
    """The newest spec of each feature set that was asked for; safe for several threads."""

    def __init__(self, most: int = MAX_SPECS) -> None:
        """Remember at most so many; the one that was longest not asked for goes first."""
        self._most = most
        self._known: OrderedDict[tuple[str, str], tuple[bytes, FeatureSpec]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, tenant: str, name: str, registered: dict[str, Any]) -> FeatureSpec:
        """Return the spec of what is registered now.

        Raises:
            FaultyInputError: ``feature_set_invalid``.
        """
        text, key = msgspec.json.encode(registered), (tenant, name)
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] == text:
                self._known.move_to_end(key)
                return known[1]
        spec = read_spec(registered)
        with self._lock:
            self._known[key] = (text, spec)
            self._known.move_to_end(key)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return spec
