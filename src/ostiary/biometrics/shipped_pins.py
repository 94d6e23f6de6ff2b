"""Digest and public key of every shipped model; ``tools/ship_biometrics.py`` writes this file."""

from typing import Final

PINS: Final[dict[str, dict[str, str]]] = {}
