"""How somebody may type and move, from good to bad: what a check of monotone rules walks over.

- Fine around every number that the bundle's thresholds mention, coarse in between.
- One thing gets worse at a time: the evidence, the liveness, the drift.
"""

from collections.abc import Iterator
from typing import Any, Final

from ostiary.policy.bundle import Bundle

_STAGES: Final = ("provisional", "enrolled")
_MOST: Final = 50.0
_NEAR: Final = 1e-6
_WORST: Final = 12
_MARKS: Final = 64
_GOOD: Final[dict[str, Any]] = {
    "stage": "enrolled",
    "llr": -1.0,
    "confidence": 1.0,
    "liveness": 1.0,
    "drift": 0.0,
    "alarm": False,
    "modalities": ["keystroke"],
    "windows": 12,
}
Steps = list[tuple[float, dict[str, Any]]]


def speaks_of_behaviour(bundle: Bundle) -> bool:
    """Return whether any rule mentions it."""
    return any(b"biometrics" in text for path, text in bundle.files.items() if path.endswith(".rego"))


def behaviours(bundle: Bundle, shares: list[float]) -> list[tuple[str, Steps]]:
    """Return walks by name, each from good to bad: the value that gets worse, and all that policy sees.

    ``shares`` are values between 0 and 1, ascending.
    """
    nats = _nats(bundle)
    found: list[tuple[str, Steps]] = []
    for stage in _STAGES:
        told = {**_GOOD, "stage": stage}
        found.append((f"{stage} evidence", [(value, {**told, "llr": value}) for value in nats]))
        found.append((f"{stage} liveness", [(value, {**told, "liveness": value}) for value in reversed(shares)]))
        drifts = [value for value in nats if value >= 0]
        found.append((f"{stage} drift", [(value, {**told, "drift": value}) for value in drifts]))
    return found


def _nats(bundle: Bundle) -> list[float]:
    told = bundle.all_data.get("thresholds")
    marks = sorted({value for value in _numbers(told) if 0 <= value <= _MOST})[:_MARKS]
    near = {round(mark + step, 9) for mark in marks for step in (-_NEAR, 0.0, _NEAR)}
    even = {float(step) for step in range(-_WORST // 2, _WORST + 1)} | {-_MOST, _MOST}
    return sorted(near | even)


def _numbers(told: Any) -> Iterator[float]:
    """Yield every number in a part of the bundle's data."""
    if isinstance(told, dict):
        for value in told.values():
            yield from _numbers(value)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield float(told)
