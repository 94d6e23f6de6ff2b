"""What the resource's name says of its worth: production, secrets, people's or money's data, administration.

Names are given by people and say what is behind them; a label of the inventory, where there is one, says it better.
"""

import re
from functools import lru_cache
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_KINDS: Final[dict[str, tuple[str, re.Pattern[str]]]] = {
    "production": ("production", re.compile(r"(?i)(?:^|[^a-z])(?:prod|production|prd|live)(?:[^a-z]|$)")),
    "secret": (
        "secrets or keys",
        re.compile(
            r"(?i)secret|credential|passw|private[-_ ]?key|api[-_ ]?key|token|vault|id_rsa|\.pem\b|\.env\b|kubeconfig"
        ),
    ),
    "valuable": (
        "people's, customers' or money's data, or copies of it",
        re.compile(
            r"(?i)customer|payroll|salar|financ|invoice|billing|\bpii\b|personal|medical|health|legal|backup|\bdump\b"
        ),
    ),
    "administration": (
        "administration",
        re.compile(r"(?i)admin|(?:^|[^a-z])root(?:[^a-z]|$)|superuser|owner|cluster-admin"),
    ),
}
_FEATURES: Final = tuple(
    Feature(f"named_{name}", f"1 when the resource's name speaks of {text}", "flag", 1)
    for name, (text, _) in _KINDS.items()
)
_LONGEST: Final = 512


@lru_cache(maxsize=16_384)
def _speaks(name: str) -> tuple[float, ...]:
    return tuple([1.0 if pattern.search(name) else 0.0 for _, pattern in _KINDS.values()])


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return one flag for each of the four."""
    return _speaks(event.resource_id[:_LONGEST])


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the name says in words."""
    text = _KINDS[name.removeprefix("named_")][0]
    return f"its name speaks of {text}" if value else f"its name does not speak of {text}"


SIGNAL: Final = Signal(Family.RESOURCE, _FEATURES, ("resource_id",), ("subject",), extract, words)
